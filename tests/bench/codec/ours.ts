/**
 * The project's own codec behind the bench's interface: everything the bench knows of it stands in this file.
 * One `OursHost` captures each tick once for all clients; each `OursClient` is one client's snapshots, both ends of them.
 */
import type { EntityId, PlayerId, Tick } from '../../../netcode/core/ids.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import { Baselines, HISTORY_TICKS, type SentSnapshot, valueTickIn } from '../../../netcode/snapshot/baselines.ts';
import { readSnapshot } from '../../../netcode/snapshot/read-snapshot.ts';
import { SnapshotModel } from '../../../netcode/snapshot/snapshot-model.ts';
import { writeSnapshot } from '../../../netcode/snapshot/write-snapshot.ts';
import { RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';
import { StateHistory, WorldState } from '../../../netcode/world/world-state.ts';
import type { Codec } from './codec.ts';
import type { Frame, FrameTable } from './trace.ts';

/** One SCTP chunk: the budget of a snapshot in the product. */
export const CHUNK_BYTES = 1150;
/** A budget that nothing in the bench reaches: what a packet would be if there were no budget. */
export const UNLIMITED_BYTES = 128 * 1024;
/** The seat whose snapshots are measured. */
const PLAYER = 1 as PlayerId;

export class OursHost {
  readonly game: AnyGame;
  readonly history: StateHistory;
  /** The state as the simulation would hold it. */
  readonly state: WorldState;
  readonly encoder = new RangeEncoder(UNLIMITED_BYTES);
  readonly model: SnapshotModel;

  constructor(game: AnyGame, model = new SnapshotModel(game)) {
    this.game = game;
    this.model = model;
    this.history = new StateHistory(game.kinds, HISTORY_TICKS);
    this.state = new WorldState(game.kinds);
  }

  load(frame: Frame): void {
    this.state.clear();
    this.state.tick = frame.tick;
    this.state.nextCounter.set(frame.nextCounter);
    frame.tables.forEach(({ ids, data }, k) => {
      const table = this.state.tables[k]!;
      for (const id of ids) table.insert(id as EntityId);
      table.data.set(data);
    });
  }

  capture(): void {
    this.history.claim(this.state.tick).copyFrom(this.state);
  }
}

export class OursClient {
  readonly #host: OursHost;
  readonly #baselines = new Baselines();
  readonly #sent = new Map<number, SentSnapshot>();
  readonly #frames: StateHistory;
  #newestTick: Tick | undefined;
  #received: WorldState | undefined;
  #heldBack: readonly EntityId[] = [];

  constructor(host: OursHost) {
    this.#host = host;
    this.#frames = new StateHistory(host.game.kinds, HISTORY_TICKS);
  }

  /** The packet for what the host last captured. `key` names it for `acknowledge`. */
  encode(key: number, bytesMax: number): Uint8Array {
    const { game, model, history, state, encoder } = this.#host;
    const source = { game, model, state, history, events: [], player: PLAYER, bytesMax };
    const sent = writeSnapshot(encoder, source, this.#baselines, () => undefined);
    this.#sent.set(key, sent);
    this.#sent.delete(key - HISTORY_TICKS);
    this.#heldBack =
      sent.view === undefined
        ? []
        : (state.tables.flatMap((table) =>
            [...table.ids.subarray(0, table.count)].filter(
              (id) => valueTickIn(sent, state, table.kind.index, id as EntityId) !== sent.tick,
            ),
          ) as EntityId[]);
    return encoder.finish();
  }

  acknowledge(key: number): void {
    const sent = this.#sent.get(key);
    if (sent !== undefined) this.#baselines.acknowledge(sent);
    this.#sent.delete(key);
  }

  decode(bytes: Uint8Array): void {
    const newestTick = this.#newestTick ?? ((this.#host.state.tick - 1) as Tick);
    const snapshot = readSnapshot(new RangeDecoder(bytes), {
      game: this.#host.game,
      model: this.#host.model,
      frames: this.#frames,
      newestTick,
      player: PLAYER,
    });
    if (typeof snapshot === 'string') throw new Error(`our own snapshot of tick ${this.#host.state.tick} is ${snapshot}`);
    this.#received = snapshot.state;
    this.#newestTick = snapshot.state.tick;
  }

  decoded(): FrameTable[] {
    return this.#received!.tables.map(({ ids, data, count, stride }) => ({
      ids: ids.subarray(0, count),
      data: data.subarray(0, count * stride),
    }));
  }

  heldBack(): ReadonlySet<number> {
    return new Set(this.#heldBack);
  }
}

function ourCodec(name: string, bytesMax: number): Codec {
  return {
    name,
    codedAgainst: 'acked',
    ids: 'real',
    open({ game }) {
      const host = new OursHost(game);
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
