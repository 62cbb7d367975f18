/**
 * A world that changes as a test says, and clients that get those of their snapshots that the test delivers. All clients
 * share one writer, as on a host; most tests need just the first, so the stream itself speaks for it.
 */
import { expect } from 'vitest';
import { type EntityId, NOBODY, type PlayerId, type Tick } from '../../netcode/core/ids.ts';
import type { Sfc32 } from '../../netcode/core/rng.ts';
import type { AnyGame } from '../../netcode/define-game.ts';
import { Baselines, HISTORY_TICKS, type SentSnapshot } from '../../netcode/snapshot/baselines.ts';
import { Captures } from '../../netcode/snapshot/capture.ts';
import type { InterestGrid } from '../../netcode/snapshot/interest-grid.ts';
import { Interest, interestGridOf, priorityOf } from '../../netcode/snapshot/interest.ts';
import { SnapshotModel } from '../../netcode/snapshot/snapshot-model.ts';
import { SnapshotReader } from '../../netcode/snapshot/snapshot-reader.ts';
import { SnapshotWriter } from '../../netcode/snapshot/snapshot-writer.ts';
import { BitReader, BitWriter } from '../../netcode/wire/bits.ts';
import type { SimEvent } from '../../netcode/world/simulation.ts';
import { World } from '../../netcode/world/world.ts';
import { type Table, WorldState } from '../../netcode/world/world-state.ts';

export const PACKET_BYTES_MAX = 1150;

/** What the client was told, noted when it was sent: `claim` reuses the writer's own records. */
export type Sent = Pick<SentSnapshot, 'tick' | 'isComplete' | 'isWhole' | 'oldestTick'> & {
  readonly views: readonly { readonly ids: Int32Array; readonly ticks: Int32Array }[];
};

export interface Packet {
  readonly bytes: Uint8Array;
  readonly sent: Sent;
}

/** One client of a stream: both ends of its snapshots. */
export class StreamClient {
  readonly player: PlayerId;
  readonly baselines: Baselines;
  readonly interest: Interest | undefined;
  readonly reader: SnapshotReader;
  bytesMax = PACKET_BYTES_MAX;
  readonly #stream: SnapshotStream;
  readonly #packet = new BitWriter(PACKET_BYTES_MAX);
  readonly #header = new BitReader(new Uint8Array(0));

  constructor(stream: SnapshotStream, player: PlayerId) {
    const { game } = stream;
    this.#stream = stream;
    this.player = player;
    this.reader = new SnapshotReader(game, { model: new SnapshotModel(game), player, newestTick: stream.tick as Tick });
    this.baselines = new Baselines(game.kinds.length, game.tickRate / game.sendRate);
    this.interest = stream.grid === undefined ? undefined : new Interest(game, player);
  }

  /** `events` are all that there have been for this player. */
  send(events: readonly SimEvent[] = []): Packet {
    const { grid, state, world, writer } = this.#stream;
    if (grid !== undefined) {
      grid.rebuild(state);
      this.interest!.update(grid, world);
    }
    const packet = this.#packet;
    packet.reset();
    const tick = writer.write(packet, this, events.slice(this.baselines.eventsAcked), this.bytesMax);
    if (packet.isOverrun || packet.byteLength > this.bytesMax) expect(packet.byteLength).toBeLessThanOrEqual(this.bytesMax);
    const { isComplete, isWhole, oldestTick, views } = this.baselines.sentAt(tick)!;
    const copied = views.map(({ ids, ticks, count }) => ({ ids: ids.slice(0, count), ticks: ticks.slice(0, count) }));
    return { bytes: packet.finish().slice(), sent: { tick, isComplete, isWhole, oldestTick, views: copied } };
  }

  acknowledge(sent: { readonly tick: Tick }): void {
    this.baselines.acknowledge(sent.tick);
  }

  /** The copy that a packet gives, or why it gives none. */
  receive(bytes: Uint8Array): WorldState | string {
    this.#header.open(bytes);
    const outcome = this.reader.read(bytes, this.#header);
    return outcome === 'ok' ? this.reader.state : outcome;
  }

  /** The client's copy is what the host knows it to be: every entity with the values of the tick that the view says. */
  expectCopy(copy: WorldState | string, sent: Sent): void {
    expect(typeof copy === 'string' ? `packet of tick ${sent.tick} is ${copy}` : this.#mistakeIn(copy, sent)).toBe('');
  }

  /** The client's copy is complete, and what the player may know of the newest captured state. */
  expectUpToDate(copy: WorldState | string): void {
    const { captures } = this.#stream;
    const { tick } = captures.newest;
    const views = captures.newest.tables.map((table, k) => {
      const ids = this.interest === undefined ? table.ids.slice(0, table.count) : this.interest.ids[k]!.slice(0, this.interest.counts[k]);
      return { ids, ticks: ids.slice().fill(tick) };
    });
    this.expectCopy(copy, { tick, isComplete: true, isWhole: false, oldestTick: tick, views });
  }

  /** Whether a snapshot says of an entity what was true when it was sent. */
  isTold(sent: Sent, id: EntityId): boolean {
    if (sent.isWhole) return true;
    return this.#stream.captures.at(sent.tick)!.tables.some((table, k) => {
      const at = sent.views[k]!.ids.indexOf(id);
      return at >= 0 && sent.views[k]!.ticks[at]! >= table.ticks[table.rowOf(id)]!;
    });
  }

  /** In words, or empty. Plain loops: this is asked of every entity of every packet. */
  #mistakeIn(copy: WorldState, sent: Sent): string {
    if (copy.tick !== sent.tick) return `tick ${copy.tick} is not ${sent.tick}`;
    if (copy.isComplete !== sent.isComplete) return `tick ${sent.tick}: isComplete is ${copy.isComplete}`;
    const counter = this.#stream.captures.at(sent.tick)!.nextCounter[this.player];
    if (copy.nextCounter[this.player] !== counter) return `next counter ${copy.nextCounter[this.player]} is not ${counter}`;
    for (const table of copy.tables) {
      const mistake = this.#mistakeInTable(table, sent);
      if (mistake !== '') return `tick ${sent.tick}, ${table.kind.name}: ${mistake}`;
    }
    return '';
  }

  #mistakeInTable(table: Table, sent: Sent): string {
    const { captures } = this.#stream;
    const k = table.kind.index;
    const whole = captures.at(sent.tick)!.tables[k]!;
    const { ids, count } = sent.isWhole ? whole : { ids: sent.views[k]!.ids, count: sent.views[k]!.ids.length };
    // Such a copy holds values that are older than it says, which is why it is no baseline.
    const isTooOld = sent.oldestTick <= sent.tick - HISTORY_TICKS;
    if (table.count !== count) return `${table.count} entities instead of ${count}`;
    for (let row = 0; row < count; row++) {
      const id = ids[row] as EntityId;
      if (table.ids[row] !== id) return `row ${row} is ${table.ids[row]} instead of ${id}`;
      const tick = (sent.isWhole ? sent.tick : sent.views[k]!.ticks[row]!) as Tick;
      if (table.ticks[row] !== tick) return `entity ${id} is of tick ${table.ticks[row]} instead of ${tick}`;
      if (isTooOld && tick < sent.tick) continue;
      const full = captures.at(tick)!.tables[k]!;
      const then = full.rowOf(id);
      if (then < 0) return `entity ${id} was not there at tick ${tick}`;
      const known = captures.tableFor(this.player, full.data[then * full.stride]!, k, tick);
      for (let i = 0; i < table.stride; i++) {
        const [is, was] = [table.data[row * table.stride + i], known.data[then * known.stride + i]];
        if (is !== was) return `part ${i} of entity ${id} is ${is} instead of ${was} at tick ${tick}`;
      }
    }
    return '';
  }
}

export class SnapshotStream {
  readonly state: WorldState;
  readonly world: World;
  readonly captures: Captures;
  readonly writer: SnapshotWriter;
  readonly grid: InterestGrid | undefined;
  readonly game: AnyGame;
  /** The first client. */
  readonly first: StreamClient;
  tick: number;

  constructor(game: AnyGame, player = 1 as PlayerId, startTick = 0) {
    this.game = game;
    this.tick = startTick;
    this.state = new WorldState(game.kinds);
    this.world = new World(game, this.state);
    this.captures = new Captures(game, HISTORY_TICKS);
    const hook = priorityOf(game, this.world);
    this.writer = new SnapshotWriter(game, {
      model: new SnapshotModel(game),
      captures: this.captures,
      bytesMax: PACKET_BYTES_MAX,
      ...(hook !== undefined && { priorityOf: hook }),
    });
    this.grid = interestGridOf(game);
    this.first = this.join(player);
  }

  /** Another client, as of now. */
  join(player: PlayerId): StreamClient {
    return new StreamClient(this, player);
  }

  get reader(): SnapshotReader {
    return this.first.reader;
  }

  get player(): PlayerId {
    return this.first.player;
  }

  get bytesMax(): number {
    return this.first.bytesMax;
  }

  set bytesMax(bytes: number) {
    this.first.bytesMax = bytes;
  }

  advance(change: (world: World) => void): void {
    this.tick++;
    change(this.world);
    this.world.commit(this.tick as Tick);
    this.state.tick = this.tick as Tick;
    this.captures.capture(this.state);
  }

  send(events: readonly SimEvent[] = []): Packet {
    return this.first.send(events);
  }

  acknowledge(sent: { readonly tick: Tick }): void {
    this.first.acknowledge(sent);
  }

  receive(bytes: Uint8Array): WorldState | string {
    return this.first.receive(bytes);
  }

  expectCopy(copy: WorldState | string, sent: Sent): void {
    this.first.expectCopy(copy, sent);
  }

  expectUpToDate(copy: WorldState | string): void {
    this.first.expectUpToDate(copy);
  }

  isTold(sent: Sent, id: EntityId): boolean {
    return this.first.isTold(sent, id);
  }

  /** Sends and acknowledges what arrives at once, until the client knows all there is. Returns the packets it took. */
  settle(packetsMax: number, change: (world: World) => void = () => undefined): number {
    for (let n = 1; n <= packetsMax; n++) {
      this.advance(change);
      const { bytes, sent } = this.send();
      const copy = this.receive(bytes);
      this.expectCopy(copy, sent);
      this.acknowledge(sent);
      if (sent.isComplete) {
        this.expectUpToDate(copy);
        return n;
      }
    }
    throw new Error(`not complete after ${packetsMax} packets`);
  }
}

/** An entity as tests change it: by field names that the compiler does not know. */
export type Loose = Record<string, unknown> & { readonly id: EntityId; readonly kind: string; owner: PlayerId };

/** All living entities of all kinds. */
export function* allOf(stream: SnapshotStream): Iterable<Loose> {
  for (const { name } of stream.game.kinds) yield* stream.world.all(name) as unknown as Iterable<Loose>;
}

/** Makes the next ids of a spawner those that it began with, so that ids of what is gone are given again. */
export function rewindIds(stream: SnapshotStream, spawner = NOBODY): void {
  stream.state.nextCounter[spawner] = 1;
}

/** What may be assigned to the entities of each kind. */
export type KindValues = readonly (readonly Readonly<Record<string, unknown>>[])[];

/** Makes a world live at random: entities come, go, change, and get other owners. */
export class Churn {
  /** Entities at most. */
  entitiesMax = 24;
  /** Whether ids of what is gone are given again, to entities of any kind. */
  isRecycling = false;
  /** Who owns only what was spawned for them. */
  neverGivenTo: PlayerId | undefined;
  readonly #stream: SnapshotStream;
  readonly #values: KindValues;
  readonly #rng: Sfc32;

  constructor(stream: SnapshotStream, values: KindValues, rng: Sfc32) {
    this.#stream = stream;
    this.#values = values;
    this.#rng = rng;
  }

  /** One tick's changes. `more` may change further what has changed. */
  step(more: (entity: Loose) => void = () => undefined): void {
    const rng = this.#rng;
    const { world, state, game } = this.#stream;
    if (this.isRecycling && rng.below(8) === 0)
      for (let player = 0; player < 4; player++) if (rng.below(2) === 0) rewindIds(this.#stream, player as PlayerId);
    const pace = [0, 10, 60][rng.below(3)]!;
    for (const entity of allOf(this.#stream)) {
      if (rng.below(100) < pace) {
        Object.assign(entity, this.#valuesOf(entity.kind));
        more(entity);
      }
      if (rng.below(60) === 0) {
        const owner = this.#owner();
        if (owner !== this.neverGivenTo) entity.owner = owner;
      }
      if (rng.below(30) === 0) world.despawn(entity.id);
    }
    for (let n = rng.below(3); n > 0 && state.entityCount + n < this.entitiesMax; n--) {
      const { name } = game.kinds[rng.below(game.kinds.length)]!;
      world.spawn(name, { ...this.#valuesOf(name), owner: this.#owner() });
    }
  }

  #owner(): PlayerId {
    return this.#rng.below(4) as PlayerId;
  }

  #valuesOf(kind: string): Readonly<Record<string, unknown>> {
    const { index } = this.#stream.game.kinds.find(({ name }) => name === kind)!;
    const sets = this.#values[index]!;
    return sets[this.#rng.below(sets.length)]!;
  }
}
