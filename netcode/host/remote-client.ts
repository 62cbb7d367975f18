/**
 * The host's end of one player's state channel: their inputs in, their snapshots out, and what is known of their copy
 * of the world.
 */
import type { AnyGame } from '../define-game.ts';
import { NOBODY, type PlayerId, type Tick } from '../core/ids.ts';
import type { ArrivedPacket, StateChannel } from '../channel/state-channel.ts';
import { Baselines } from '../snapshot/baselines.ts';
import type { Interest } from '../snapshot/interest.ts';
import type { SnapshotWriter } from '../snapshot/snapshot-writer.ts';
import { readInputs } from '../wire/input-packet.ts';
import { type InputReport, writeInputReport } from '../wire/input-report.ts';
import { INPUT_PACKET, SNAPSHOT_PACKET } from '../wire/packet.ts';
import type { SimEvent } from '../world/simulation.ts';
import { INPUT_LEAD_TICKS_MAX, InputBuffer } from './input-buffer.ts';

/** Events remembered for a client that lacks them, at most. */
export const EVENTS_MAX = 1024;
/** Packets read from one client in one update at most: four times what an honest one sends. */
const PACKETS_PER_UPDATE_MAX = 16;

export interface SnapshotToSend {
  readonly writer: SnapshotWriter;
  readonly bytesMax: number;
  readonly nowMs: number;
}

export class RemoteClient {
  malformedPackets = 0;
  /** Events that this player never heard of, because too many waited. */
  droppedEvents = 0;
  /** A snapshot was due and has not been sent. */
  isOwed = false;
  readonly player: PlayerId;
  readonly channel: StateChannel;
  /** Snapshots go to them, and inputs of theirs count for nothing. */
  isSpectator = false;
  inputs: InputBuffer;
  readonly baselines: Baselines;
  readonly #game: AnyGame;
  readonly #interest: Interest | undefined;
  /** What the player may hear of and has not acknowledged, oldest first. */
  readonly #events: SimEvent[] = [];
  /** The number of the first of them: the player's events are counted. */
  #firstEvent = 0;
  #newestInputTick: Tick;
  /** Of the inputs that came since the last snapshot, the one that came latest for its tick. */
  #worstInput: InputReport | undefined;

  constructor(
    game: AnyGame,
    options: {
      readonly player: PlayerId;
      readonly match: number;
      readonly channel: StateChannel;
      readonly tick: Tick;
      readonly interest: Interest | undefined;
    },
  ) {
    this.#game = game;
    this.player = options.player;
    this.channel = options.channel;
    this.inputs = new InputBuffer(game.input, { usedTick: options.tick, tickRate: game.tickRate });
    this.#newestInputTick = options.tick;
    this.#interest = options.interest;
    this.baselines = new Baselines(game.kinds.length, game.tickRate / game.sendRate);
    this.channel.enterMatch(options.match, (tick) => this.baselines.acknowledge(tick));
  }

  /** What they are to know; undefined: everything. Who watches is near to nothing, and sees all that no rule hides. */
  get interest(): Interest | undefined {
    return this.isSpectator && this.#game.spec.isVisible === undefined ? undefined : this.#interest;
  }

  /** How far behind the present this player saw the others in the tick whose input was taken last, in ticks. */
  get viewDelayTicks(): number {
    return this.inputs.viewDelayTicks;
  }

  /** Forgets all inputs so far: they were nothing, or of another stay. */
  beginInputs(usedTick: Tick): void {
    this.inputs = new InputBuffer(this.#game.input, { usedTick, tickRate: this.#game.tickRate });
    this.#newestInputTick = usedTick;
    this.#worstInput = undefined;
  }

  /** Takes what arrived. `position` tells where the host's clock stood, in ticks, at a moment. */
  drain(nowMs: number, position: (atMs: number) => number): void {
    for (let i = 0; i < PACKETS_PER_UPDATE_MAX; i++) {
      const packet = this.channel.receive(nowMs);
      if (packet === undefined) return;
      this.#receive(packet, position(packet.atMs));
    }
  }

  /** Takes note of the events since the last snapshots; who may hear of them is decided now, once. */
  hear(events: readonly SimEvent[]): void {
    const known = this.#events;
    const { eventsAcked } = this.baselines;
    if (eventsAcked > this.#firstEvent) known.splice(0, eventsAcked - this.#firstEvent);
    this.#firstEvent = eventsAcked;
    for (const event of events) {
      const mayHear = this.interest === undefined ? event.to === NOBODY || event.to === this.player : this.interest.mayHear(event);
      if (mayHear && known.length < EVENTS_MAX) known.push(event);
      else if (mayHear) this.droppedEvents++;
    }
  }

  /** Writes and sends one snapshot within so many bytes; `bytesMax` is what `channel.roomForSnapshot` gave. */
  sendSnapshot({ writer, bytesMax, nowMs }: SnapshotToSend): void {
    const packet = this.channel.begin(SNAPSHOT_PACKET, nowMs);
    writeInputReport(packet, this.#worstInput);
    const tick = writer.write(packet, this, this.#events, bytesMax);
    this.#worstInput = undefined;
    this.isOwed = false;
    this.channel.send(tick, nowMs);
  }

  #receive(packet: ArrivedPacket, position: number): void {
    if (packet.type !== INPUT_PACKET) {
      this.malformedPackets++;
      return;
    }
    const { reader } = packet;
    const { newest, viewDelayTicks, rows } = readInputs(reader, this.#game.input, Math.floor(position) as Tick);
    if (!reader.isAtEnd) {
      this.malformedPackets++;
      return;
    }
    this.channel.accept(packet);
    if (this.isSpectator) return;
    rows.forEach((row, i) => this.inputs.store((newest - rows.length + 1 + i) as Tick, row, viewDelayTicks));
    // What is refused for being too far ahead is not the newest: after it, nothing would be.
    if (newest > this.#newestInputTick && newest <= position + INPUT_LEAD_TICKS_MAX) {
      // The oldest input that is new decides: a lost packet's inputs come with the next one, and that is what must be early enough.
      const oldestNew = Math.max(this.#newestInputTick + 1, newest - rows.length + 1) as Tick;
      const earliness = oldestNew - position;
      if (this.#worstInput === undefined || earliness < this.#worstInput.earliness) this.#worstInput = { tick: oldestNew, earliness };
      this.#newestInputTick = newest;
    }
  }
}
