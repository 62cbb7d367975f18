/**
 * The host's end of one player's state channel: their inputs in, their snapshots out, and what is known of their copy
 * of the world.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { Endpoint } from '../channel/endpoint.ts';
import type { StateLink } from '../channel/state-link.ts';
import { Baselines, type SentSnapshot } from '../snapshot/baselines.ts';
import type { SnapshotModel } from '../snapshot/snapshot-model.ts';
import { writeSnapshot } from '../snapshot/write-snapshot.ts';
import { BitReader } from '../wire/bits.ts';
import type { RangeEncoder } from '../wire/range-coder.ts';
import { writeEarliness } from '../wire/earliness.ts';
import { readInputs } from '../wire/input-packet.ts';
import { INPUT_PACKET, readPreamble, SNAPSHOT_PACKET, writePreamble } from '../wire/packet.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { StateHistory, WorldState } from '../world/world-state.ts';
import { InputBuffer } from './input-buffer.ts';

/** Packets read from one client in one update at most: four times what an honest one sends. */
const PACKETS_PER_UPDATE_MAX = 16;

export interface SnapshotToSend {
  readonly model: SnapshotModel;
  readonly state: WorldState;
  readonly history: StateHistory;
  readonly events: readonly SimEvent[];
  readonly bytesMax: number;
  readonly nowMs: number;
}

export class RemoteClient {
  malformedPackets = 0;
  /** Packets of another match or type, and duplicates. */
  strayPackets = 0;
  /** Snapshots not sent because the channel had not taken the last one yet. */
  heldBackSnapshots = 0;
  readonly player: PlayerId;
  readonly inputs: InputBuffer;
  readonly #game: AnyGame;
  readonly #match: number;
  readonly #link: StateLink;
  readonly #endpoint = new Endpoint<SentSnapshot>();
  readonly #baselines = new Baselines();
  #newestInputTick: Tick;
  #earliness: number | undefined;

  constructor(
    game: AnyGame,
    options: { readonly player: PlayerId; readonly match: number; readonly link: StateLink; readonly tick: Tick },
  ) {
    this.#game = game;
    this.player = options.player;
    this.#match = options.match;
    this.#link = options.link;
    this.inputs = new InputBuffer(game.input, options.tick);
    this.#newestInputTick = options.tick;
    this.#baselines.eventsAckedTick = options.tick;
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

  /** Writes and sends one snapshot, unless the last one still waits in the channel: stale state is never queued. */
  sendSnapshot(encoder: RangeEncoder, { model, state, history, events, bytesMax, nowMs }: SnapshotToSend): void {
    if (this.#link.stateBufferedBytes > 0) {
      this.heldBackSnapshots++;
      return;
    }
    const sequence = this.#endpoint.takeSequence();
    const source = { game: this.#game, model, state, history, events, player: this.player, bytesMax };
    const sent = writeSnapshot(encoder, source, this.#baselines, () => {
      writePreamble(encoder, SNAPSHOT_PACKET, this.#match);
      this.#endpoint.writeHeader(encoder, sequence, nowMs);
      writeEarliness(encoder, this.#earliness);
    });
    this.#endpoint.remember(sequence, sent, nowMs);
    this.#earliness = undefined;
    this.#link.sendState(encoder.finish());
  }

  #receive(bytes: Uint8Array, atMs: number, position: number): void {
    const reader = new BitReader(bytes);
    if (!readPreamble(reader, INPUT_PACKET, this.#match)) {
      this.strayPackets++;
      return;
    }
    const header = Endpoint.readHeader(reader);
    const { newest, rows } = readInputs(reader, this.#game.input, this.#newestInputTick);
    if (!reader.isAtEnd) {
      this.malformedPackets++;
      return;
    }
    if (this.#endpoint.isDuplicate(header.sequence)) {
      this.strayPackets++;
      return;
    }
    this.#endpoint.receive(header, atMs, (sent) => this.#baselines.acknowledge(sent));
    rows.forEach((row, i) => this.inputs.store((newest - rows.length + 1 + i) as Tick, row));
    if (newest > this.#newestInputTick) {
      // The oldest input that is new decides: a lost packet's inputs come with the next one, and that is what must be early enough.
      const oldestNew = Math.max(this.#newestInputTick + 1, newest - rows.length + 1);
      this.#earliness = Math.min(this.#earliness ?? Infinity, oldestNew - position);
      this.#newestInputTick = newest;
    }
  }
}
