/**
 * The project's own codec behind the bench's interface: everything the bench knows of it stands in this file.
 * One `OursHost` captures each tick once for all clients; each `OursClient` is one client's snapshots, both ends of them.
 */
import type { EntityId, PlayerId, Tick } from '../../../netcode/core/ids.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import { Baselines, HISTORY_TICKS } from '../../../netcode/snapshot/baselines.ts';
import { Captures } from '../../../netcode/snapshot/capture.ts';
import type { InterestGrid } from '../../../netcode/snapshot/interest-grid.ts';
import { Interest, interestGridOf } from '../../../netcode/snapshot/interest.ts';
import { SnapshotModel } from '../../../netcode/snapshot/snapshot-model.ts';
import { SnapshotReader } from '../../../netcode/snapshot/snapshot-reader.ts';
import { type Recipient, SnapshotWriter } from '../../../netcode/snapshot/snapshot-writer.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import type { SimEvent } from '../../../netcode/world/simulation.ts';
import { World } from '../../../netcode/world/world.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';
import type { Codec } from './codec.ts';
import type { Frame, FrameTable } from './trace.ts';

/** One SCTP chunk: the budget of a snapshot in the product. */
export const CHUNK_BYTES = 1100;
/** A budget that nothing in the bench reaches: what a packet would be if there were no budget. */
export const UNLIMITED_BYTES = 128 * 1024;
/** The seat whose snapshots are measured, unless it matters which. */
const PLAYER = 1 as PlayerId;

const NO_EVENTS: readonly SimEvent[] = [];

/** Makes a state what a frame says. */
export function loadFrame(state: WorldState, frame: Frame): void {
  state.clear();
  state.tick = frame.tick;
  state.nextCounter.set(frame.nextCounter);
  frame.tables.forEach(({ ids, data, born }, k) => {
    const table = state.tables[k]!;
    for (const id of ids) table.insert(id as EntityId);
    table.data.set(data);
    if (born !== undefined) table.born.set(born);
  });
}

export class OursHost {
  readonly game: AnyGame;
  readonly captures: Captures;
  /** The state as the simulation would hold it. */
  readonly state: WorldState;
  readonly packet = new BitWriter(UNLIMITED_BYTES);
  readonly model: SnapshotModel;
  readonly writer: SnapshotWriter;
  readonly world: World;
  /** Undefined if everybody knows everything. */
  readonly grid: InterestGrid | undefined;

  constructor(game: AnyGame) {
    this.game = game;
    this.model = new SnapshotModel(game);
    this.captures = new Captures(game, HISTORY_TICKS);
    this.state = new WorldState(game.kinds);
    this.world = new World(game, this.state);
    this.grid = interestGridOf(game);
    this.writer = new SnapshotWriter(game, { model: this.model, captures: this.captures, bytesMax: UNLIMITED_BYTES });
  }

  load(frame: Frame): void {
    loadFrame(this.state, frame);
  }

  /** What is done once a tick for all clients. */
  capture(): void {
    this.captures.capture(this.state);
    this.grid?.rebuild(this.state);
  }
}

export class OursClient {
  readonly #host: OursHost;
  readonly #recipient: Recipient;
  readonly #ticks = new Int32Array(4096);
  readonly #header = new BitReader(new Uint8Array(0));
  #reader: SnapshotReader | undefined;

  constructor(host: OursHost, player = PLAYER) {
    this.#host = host;
    this.#recipient = {
      player,
      baselines: new Baselines(host.game.kinds.length, host.game.tickRate / host.game.sendRate),
      interest: host.grid === undefined ? undefined : new Interest(host.game, player),
    };
  }

  /** What of a frame the client is to know. */
  knownOf(frame: Frame): Frame {
    const { interest } = this.#recipient;
    if (interest === undefined) return frame;
    const tables = frame.tables.map(({ ids, data }, k): FrameTable => {
      const { stride } = this.#host.state.tables[k]!;
      const rows = Array.from(ids.keys()).filter((row) => interest.has(ids[row]!));
      const known = new Int32Array(rows.length * stride);
      rows.forEach((row, to) => known.set(data.subarray(row * stride, (row + 1) * stride), to * stride));
      return { ids: Int32Array.from(rows, (row) => ids[row]!), data: known };
    });
    return { ...frame, tables };
  }

  /** The packet for what the host last captured. `key` names it for `acknowledge`. */
  encode(key: number, bytesMax: number): Uint8Array {
    const { packet, writer, grid, world } = this.#host;
    if (grid !== undefined) this.#recipient.interest!.update(grid, world);
    packet.reset();
    this.#ticks[key % this.#ticks.length] = writer.write(packet, this.#recipient, NO_EVENTS, bytesMax);
    return packet.finish();
  }

  acknowledge(key: number): void {
    this.#recipient.baselines.acknowledge(this.#ticks[key % this.#ticks.length] as Tick);
  }

  decode(bytes: Uint8Array): void {
    const { game, model, state } = this.#host;
    this.#reader ??= new SnapshotReader(game, { model, player: this.#recipient.player, newestTick: (state.tick - 1) as Tick });
    this.#header.open(bytes);
    const outcome = this.#reader.read(bytes, this.#header);
    if (outcome !== 'ok') throw new Error(`our own snapshot of tick ${state.tick} is ${outcome}`);
  }

  decoded(): FrameTable[] {
    return this.#reader!.state.tables.map(({ ids, data, born, count, stride }) => ({
      ids: ids.subarray(0, count),
      data: data.subarray(0, count * stride),
      born: born.subarray(0, count),
    }));
  }

  /** Entities of which the packet last encoded leaves news to a later one. */
  heldBack(): ReadonlySet<number> {
    const { captures } = this.#host;
    const { baselines, interest } = this.#recipient;
    const sent = baselines.sentAt(captures.newest.tick)!;
    const held = new Set<number>();
    if (sent.isWhole) return held;
    captures.newest.tables.forEach(({ ids, ticks, count }, k) => {
      const view = sent.views[k]!;
      const told = new Map(Array.from(view.ids.subarray(0, view.count), (id, i) => [id, view.ticks[i]!]));
      const known = new Set(interest === undefined ? ids.subarray(0, count) : interest.ids[k]!.subarray(0, interest.counts[k]));
      for (let row = 0; row < count; row++) if (known.has(ids[row]!) && !(told.get(ids[row]!)! >= ticks[row]!)) held.add(ids[row]!);
      // Gone, and not told yet.
      for (const id of told.keys()) if (!known.has(id)) held.add(id);
    });
    return held;
  }
}

function ourCodec(name: string, bytesMax: number, priors?: string): Codec {
  return {
    name,
    codedAgainst: 'acked',
    ids: 'real',
    open({ game }) {
      const host = new OursHost(priors === undefined ? game : { ...game, priors });
      const client = new OursClient(host);
      let index = 0;
      return {
        load(frame) {
          host.load(frame);
          index = frame.index;
        },
        capture: () => host.capture(),
        acknowledge: (key) => client.acknowledge(key),
        encode: () => client.encode(index, bytesMax),
        decode: (bytes) => client.decode(bytes),
        decoded: () => client.decoded(),
        heldBack: () => client.heldBack(),
      };
    },
  };
}

export const ours = ourCodec('Volley', CHUNK_BYTES);
/** Where the budget holds entities back, packets are smaller than their content; this one says what all of it takes. */
export const oursUnlimited = ourCodec('Volley, no budget', UNLIMITED_BYTES);
/** With the game's own priors instead of those for all games. */
export const oursWithPriors = (priors: string): Codec => ourCodec('Volley, own priors', CHUNK_BYTES, priors);
