/**
 * The host's end of one player's state channel: their inputs in, their snapshots out, and what is known of their copy
 * of the world.
 */
import type { AnyGame } from '../define-game.ts';
import { NOBODY, type PlayerId, type Tick } from '../core/ids.ts';
import { Endpoint } from '../channel/endpoint.ts';
import type { StateLink } from '../channel/state-link.ts';
import { Baselines } from '../snapshot/baselines.ts';
import type { Interest } from '../snapshot/interest.ts';
import type { SnapshotWriter } from '../snapshot/snapshot-writer.ts';
import { BitReader, type BitWriter } from '../wire/bits.ts';
import { readInputs } from '../wire/input-packet.ts';
import { type InputReport, writeInputReport } from '../wire/input-report.ts';
import { INPUT_PACKET, readPreamble, SNAPSHOT_PACKET, writePreamble } from '../wire/packet.ts';
import type { SimEvent } from '../world/simulation.ts';
import { INPUT_LEAD_TICKS_MAX, InputBuffer } from './input-buffer.ts';

/** Events remembered for a client that lacks them, at most. */
export const EVENTS_MAX = 1024;
/** Packets read from one client in one update at most: four times what an honest one sends. */
const PACKETS_PER_UPDATE_MAX = 16;

export interface SnapshotToSend {
  readonly writer: SnapshotWriter;
  readonly packet: BitWriter;
  readonly nowMs: number;
}

export class RemoteClient {
  malformedPackets = 0;
  /** Packets of another match or type, and duplicates. */
  strayPackets = 0;
  /** Snapshots not sent because the channel had not taken the last one yet. */
  heldBackSnapshots = 0;
  /** Events that this player never heard of, because too many waited. */
  droppedEvents = 0;
  readonly player: PlayerId;
  readonly inputs: InputBuffer;
  /** What the player is to know; undefined: everything. */
  readonly interest: Interest | undefined;
  readonly baselines: Baselines;
  readonly #game: AnyGame;
  readonly #match: number;
  readonly #link: StateLink;
  readonly #endpoint = new Endpoint<Tick>();
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
      readonly link: StateLink;
      readonly tick: Tick;
      readonly interest: Interest | undefined;
    },
  ) {
    this.#game = game;
    this.player = options.player;
    this.#match = options.match;
    this.#link = options.link;
    this.inputs = new InputBuffer(game.input, { usedTick: options.tick, tickRate: game.tickRate });
    this.#newestInputTick = options.tick;
    this.interest = options.interest;
    this.baselines = new Baselines(game.kinds.length, game.tickRate / game.sendRate);
  }

  /** How far behind the present this player saw the others in the tick whose input was taken last, in ticks. */
  get viewDelayTicks(): number {
    return this.inputs.viewDelayTicks;
  }

  /** Takes what arrived. `position` tells where the host's clock stood, in ticks, at a moment. */
  drain(nowMs: number, position: (atMs: number) => number): void {
    for (let i = 0; i < PACKETS_PER_UPDATE_MAX; i++) {
      const packet = this.#link.receiveState();
      if (packet === undefined) return;
      const atMs = Math.min(packet.atMs, nowMs);
      this.#receive(packet.bytes, atMs, position(atMs));
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

  /** Writes and sends one snapshot, unless the last one still waits in the channel: stale state is never queued. */
  sendSnapshot({ writer, packet, nowMs }: SnapshotToSend): void {
    if (this.#link.stateBufferedBytes > 0) {
      this.heldBackSnapshots++;
      return;
    }
    const sequence = this.#endpoint.takeSequence();
    packet.reset();
    writePreamble(packet, SNAPSHOT_PACKET, this.#match);
    this.#endpoint.writeHeader(packet, sequence, nowMs);
    writeInputReport(packet, this.#worstInput);
    const tick = writer.write(packet, this, this.#events);
    this.#endpoint.remember(sequence, tick, nowMs);
    this.#worstInput = undefined;
    this.#link.sendState(packet.finish());
  }

  #receive(bytes: Uint8Array, atMs: number, position: number): void {
    const reader = new BitReader(bytes);
    if (!readPreamble(reader, INPUT_PACKET, this.#match)) {
      this.strayPackets++;
      return;
    }
    const header = Endpoint.readHeader(reader);
    const { newest, viewDelayTicks, rows } = readInputs(reader, this.#game.input, Math.floor(position) as Tick);
    if (!reader.isAtEnd) {
      this.malformedPackets++;
      return;
    }
    if (this.#endpoint.isDuplicate(header.sequence)) {
      this.strayPackets++;
      return;
    }
    this.#endpoint.receive(header, atMs, (tick) => this.baselines.acknowledge(tick));
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
