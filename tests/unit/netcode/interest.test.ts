/** SPEC.md's INT rules: which entities a player knows, compared with asking every entity of the world. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EntityId, NO_ENTITY, NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { type AnyGame, defineGame, type InterestSpec } from '../../../netcode/define-game.ts';
import { u8, vec2, vec3 } from '../../../netcode/index.ts';
import { Interest, interestGridOf, priorityOf } from '../../../netcode/snapshot/interest.ts';
import { type SimEvent, Simulation } from '../../../netcode/world/simulation.ts';
import { World } from '../../../netcode/world/world.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';

const ENTER = 10;
const LEAVE = 12.5;
const P1 = 1 as PlayerId;
const P2 = 2 as PlayerId;

// Powers of two: every coordinate and every square is exact, so that the naive answer has the same borders.
const entities = {
  ship: { pos: vec2({ min: -512, max: 512, step: 1 / 8 }), hiddenFrom: u8() },
  rock: { hiddenFrom: u8(), pos: vec2({ min: -512, max: 512, step: 1 / 2 }) },
  flag: { hiddenFrom: u8() },
};
const base = { id: 'i', version: 1, entitiesMax: 8192, input: {}, step: (): void => undefined };
type Spec = Partial<Parameters<typeof defineGame<Record<never, never>, typeof entities>>[0]>;
const gameWith = (spec: Spec): AnyGame => defineGame({ ...base, entities, ...spec });
const near: InterestSpec<typeof entities> = { enter: ENTER, leave: LEAVE };

interface Loose {
  readonly id: EntityId;
  readonly kind: string;
  owner: PlayerId;
  pos?: { x: number; y: number };
  hiddenFrom: number;
}

/** A world and what its players know of it. */
class Stage {
  readonly game: AnyGame;
  readonly state: WorldState;
  readonly world: World;
  readonly grid;
  readonly #interests = new Map<PlayerId, Interest>();
  #tick = 0;

  constructor(game: AnyGame) {
    this.game = game;
    this.state = new WorldState(game.kinds);
    this.world = new World(game, this.state);
    this.grid = interestGridOf(game)!;
  }

  of(player: PlayerId): Interest {
    const interest = this.#interests.get(player) ?? new Interest(this.game, player);
    this.#interests.set(player, interest);
    return interest;
  }

  put(kind: string, x: number, y: number, owner = NOBODY): EntityId {
    return this.world.spawn(kind, { owner, pos: [x, y] });
  }

  move(id: EntityId, x: number, y = 0): void {
    (this.world.get(id) as unknown as Loose).pos = { x, y };
  }

  /** Brings the grid and these players up to date; returns what the first of them knows, in the order of kinds and ids. */
  update(...players: readonly PlayerId[]): EntityId[] {
    this.world.commit();
    this.state.tick = ++this.#tick as Tick;
    this.grid.rebuild(this.state);
    for (const player of players) this.of(player).update(this.grid, this.world);
    return this.known(players[0]!);
  }

  known(player: PlayerId): EntityId[] {
    const { ids, counts } = this.of(player);
    return ids.flatMap((of, k) => [...of.subarray(0, counts[k])] as EntityId[]);
  }

  everything(): Loose[] {
    return this.game.kinds.flatMap(({ name }) => [...this.world.all(name)] as unknown as Loose[]);
  }
}

/** The naive way: every entity, every eye, a set. */
class Naive {
  eyes: readonly { readonly x: number; readonly y: number }[] = [];
  known = new Set<EntityId>();

  update(stage: Stage, player: PlayerId, eye: { x: number; y: number } | undefined | 'own'): EntityId[] {
    const all = stage.everything();
    const eyes =
      eye === 'own' ? all.flatMap(({ owner, pos }) => (owner === player && pos ? { x: pos.x, y: pos.y } : [])) : eye ? [eye] : [];
    if (eyes.length > 0) this.eyes = eyes;
    const isKnown = ({ id, owner, pos, hiddenFrom }: Loose): boolean => {
      if (owner === player) return true;
      if (hiddenFrom === player) return false;
      if (pos === undefined) return true;
      const distance = Math.min(...this.eyes.map(({ x, y }) => Math.sqrt((pos.x - x) ** 2 + (pos.y - y) ** 2)));
      return distance < ENTER || (distance <= LEAVE && this.known.has(id));
    };
    const known = all.filter(isKnown).map(({ id }) => id);
    this.known = new Set(known);
    return known;
  }
}

/** Places on a lattice on which many distances are exactly ENTER or LEAVE. */
const somewhere = (rng: Sfc32): number => (rng.below(41) - 20) * 2.5;

function shuffle(stage: Stage, rng: Sfc32): void {
  for (const entity of stage.everything()) {
    if (entity.pos !== undefined && rng.below(2) === 0) entity.pos = { x: entity.pos.x + (rng.below(5) - 2) * 1.25, y: entity.pos.y };
    if (rng.below(12) === 0) entity.hiddenFrom = rng.below(5);
    if (rng.below(20) === 0) entity.owner = rng.below(5) as PlayerId;
    if (rng.below(15) === 0) stage.world.despawn(entity.id);
  }
  for (let i = rng.below(12); i > 0; i--) {
    const owner = (rng.below(4) === 0 ? rng.below(4) : 0) as PlayerId;
    if (rng.below(5) === 0) stage.world.spawn('flag', { owner, hiddenFrom: rng.below(8) });
    else stage.put(rng.below(2) === 0 ? 'ship' : 'rock', somewhere(rng), somewhere(rng), owner);
  }
}

const isVisible = (_: unknown, player: PlayerId, { hiddenFrom }: { readonly hiddenFrom: number }): boolean => hiddenFrom !== player;

describe('interest', () => {
  test('[INT1] players know what asking every entity of the world would say, in ascending order', () => {
    const run = (seed: number, isOwnEye: boolean): void => {
      const rng = new Sfc32(seed);
      const eyes = new Map<PlayerId, { x: number; y: number } | undefined>();
      const eye = (_: unknown, player: PlayerId) => eyes.get(player);
      const stage = new Stage(gameWith({ interest: isOwnEye ? near : { ...near, eye }, isVisible }));
      const players = [1, 2, 3, 4] as PlayerId[];
      const naive = new Map(players.map((player) => [player, new Naive()]));
      for (let step = 0; step < 25; step++) {
        shuffle(stage, rng);
        for (const player of players)
          if (rng.below(3) > 0) eyes.set(player, rng.below(6) === 0 ? undefined : { x: somewhere(rng), y: somewhere(rng) });
        stage.update(...players);
        for (const player of players) {
          expect(stage.known(player)).toEqual(naive.get(player)!.update(stage, player, isOwnEye ? 'own' : eyes.get(player)));
        }
      }
    };
    fc.assert(fc.property(fc.integer(), fc.boolean(), run), { numRuns: 150 });
  });

  test('[INT2] what paces between the two distances stays what it was', () => {
    const stage = new Stage(gameWith({ interest: near }));
    const mine = stage.put('ship', 0, 0, P1);
    const rock = stage.put('rock', ENTER, 0);
    expect(stage.update(P1)).toEqual([mine]);
    const pace = (xs: readonly number[], known: readonly EntityId[]): void => {
      for (const x of xs) {
        stage.move(rock, x);
        expect(stage.update(P1), `at ${x}`).toEqual(known);
      }
    };
    pace([LEAVE, ENTER, 12, LEAVE + 5, 11], [mine]);
    pace([ENTER - 0.5, ENTER, LEAVE, 11, LEAVE], [mine, rock]);
    pace([LEAVE + 0.5, LEAVE, ENTER], [mine]);
  });

  test('[INT2] the border is exact in steps that are no power of two', () => {
    const game = defineGame({
      ...base,
      entities: { mote: { spot: vec2({ min: -1000, max: 1000, step: 0.1 }) } },
      interest: { by: 'spot', enter: 10, leave: 12 },
    });
    const stage = new Stage(game);
    const spawn = (x: number, owner = NOBODY) => stage.world.spawn('mote', { owner, spot: [x, 777.7] });
    const mine = spawn(-900.3, P1);
    const border = spawn(-900.3 + 10);
    expect(stage.update(P1)).toEqual([mine]);
    const set = (x: number) => ((stage.world.get(border) as unknown as { spot: readonly number[] }).spot = [x, 777.7]);
    set(-900.3 + 9.9);
    expect(stage.update(P1)).toContain(border);
    set(-900.3 + 12);
    expect(stage.update(P1)).toContain(border);
    set(-900.3 + 12.1);
    expect(stage.update(P1)).not.toContain(border);
  });

  test("[INT3] one's own are always known: far from the eye, hidden, without a position", () => {
    const interest = { ...near, eye: () => ({ x: 0, y: 0 }) };
    const stage = new Stage(gameWith({ interest, isVisible: () => false }));
    const mine = [stage.put('ship', 500, -500, P1), stage.put('rock', 0, 0, P1), stage.world.spawn('flag', { owner: P1 })];
    stage.put('rock', 0, 0);
    stage.put('ship', 1, 1, P2);
    stage.world.spawn('flag');
    expect(stage.update(P1)).toEqual(mine);
  });

  test('[INT4] what is hidden is forgotten at once, and must come near again', () => {
    const stage = new Stage(gameWith({ interest: near, isVisible }));
    const mine = stage.put('ship', 0, 0, P1);
    const rock = stage.put('rock', 5, 0);
    const hide = (from: number): void => void ((stage.world.get(rock) as unknown as Loose).hiddenFrom = from);
    expect(stage.update(P1, P2)).toEqual([mine, rock]);
    hide(P1);
    expect(stage.update(P1)).toEqual([mine]);
    hide(0);
    stage.move(rock, 11);
    expect(stage.update(P1)).toEqual([mine]);
    stage.move(rock, 9);
    expect(stage.update(P1)).toEqual([mine, rock]);
  });

  test('[INT4] isVisible is asked about nothing out of range, and alone decides without interest', () => {
    const asked: number[] = [];
    const ask = (_: unknown, player: PlayerId, { id, hiddenFrom }: Readonly<Loose>) => asked.push(id) > 0 && hiddenFrom !== player;
    const stage = new Stage(gameWith({ interest: near, isVisible: ask }));
    stage.put('ship', 0, 0, P1);
    const rock = stage.put('rock', 5, 0);
    stage.put('rock', 50, 0);
    stage.put('rock', 11, 0);
    stage.update(P1);
    expect(asked).toEqual([rock]);
    const open = new Stage(gameWith({ isVisible }));
    const ids = [open.put('ship', 0, 0, P1), open.put('rock', 500, 0), open.world.spawn('flag')];
    open.world.spawn('flag', { hiddenFrom: P1 });
    expect(open.update(P1)).toEqual(ids);
  });

  test('[INT5] without a position: known to everybody; a game that hides nothing does no work', () => {
    const stage = new Stage(gameWith({ interest: near }));
    const flag = stage.world.spawn('flag', { owner: P2 });
    stage.put('rock', 0, 0);
    expect(stage.update(P1)).toEqual([flag]);
    expect(interestGridOf(gameWith({}))).toBeUndefined();
    expect(interestGridOf(gameWith({ priority: () => 1 }))).toBeUndefined();
  });

  test('[INT6] who has no eye keeps the last ones; all of an own fleet are eyes', () => {
    const stage = new Stage(gameWith({ interest: near }));
    const [west, east] = [stage.put('ship', -100, 0, P1), stage.put('ship', 100, 0, P1)];
    const rocks = [stage.put('rock', -95, 0), stage.put('rock', 105, 0), stage.put('rock', 0, 0)];
    expect(stage.update(P1)).toEqual([west, east, rocks[0], rocks[1]]);
    stage.world.despawn(west);
    expect(stage.update(P1)).toEqual([east, rocks[1]]);
    stage.world.despawn(east);
    stage.put('rock', 101, 0);
    expect(stage.update(P1)).toHaveLength(2);
  });

  test('[INT7] the despawned vanish, and an id that is given again is somebody new', () => {
    const stage = new Stage(gameWith({ interest: near }));
    const mine = stage.put('ship', 0, 0, P1);
    const rock = stage.put('rock', 5, 0);
    stage.update(P1);
    stage.world.despawn(rock);
    expect(stage.update(P1)).toEqual([mine]);
    const again = (kind: string): EntityId => {
      stage.state.nextCounter[NOBODY] = rock;
      return stage.put(kind, 11, 0);
    };
    expect(again('rock')).toBe(rock);
    expect(stage.update(P1)).toEqual([mine]);
    stage.move(rock, 5);
    expect(stage.update(P1)).toEqual([mine, rock]);
    stage.world.despawn(rock);
    stage.world.commit();
    expect(again('ship')).toBe(rock);
    expect(stage.update(P1)).toEqual([mine]);
  });

  test('[INT8] costs what is near, however much there is elsewhere', () => {
    const costs = [500, 8000].map((count) => {
      const rng = new Sfc32(7);
      const stage = new Stage(gameWith({ interest: near }));
      stage.put('ship', 0, 0, P1);
      for (let i = 0; i < 200; i++) stage.put('rock', rng.between(-30, 30), rng.between(-30, 30));
      for (let i = 201; i < count; i++) stage.put('rock', rng.between(40, 500), rng.between(-500, 500));
      stage.update(P1);
      expect(stage.of(P1).counts[1]).toBeGreaterThan(10);
      return stage.grid.measured;
    });
    expect(costs[0]).toBeLessThan(250);
    // What shares a bucket by chance comes on top.
    expect(costs[1]).toBeLessThan(costs[0]! + 50);
  });

  test('[INT8] the answer stays in the same arrays', () => {
    const stage = new Stage(gameWith({ interest: near }));
    for (let i = 0; i < 40; i++) stage.put('ship', i / 10, 0, P1);
    const arrays = Array.from({ length: 6 }, () => stage.update(P1).length === 40 && stage.of(P1).ids[0]);
    expect(new Set(arrays.slice(2)).size).toBe(2);
  });

  test('[INT9] heights count between kinds that have them', () => {
    const range = { min: -512, max: 512, step: 1 / 8 };
    const game = defineGame({
      ...base,
      entities: { bird: { pos: vec3(range) }, crab: { pos: vec2(range) } },
      interest: { enter: ENTER, leave: LEAVE },
    });
    const stage = new Stage(game);
    const mine = stage.world.spawn('bird', { owner: P1, pos: [0, 0, 50] });
    stage.world.spawn('bird', { pos: [0, 0, 39.5] });
    const level = stage.world.spawn('bird', { pos: [5, 0, 45] });
    const crab = stage.world.spawn('crab', { pos: [5, 0] });
    expect(stage.update(P1)).toEqual([level, mine, crab]);
  });

  test('[INT10] an event reaches who knows what it is about, or knew it to its end, and nobody else', () => {
    const stage = new Stage(gameWith({ interest: near }));
    stage.put('ship', 0, 0, P1);
    const rock = stage.put('rock', 5, 0);
    const far = stage.put('rock', 400, 0);
    stage.update(P1);
    const hears = (about: EntityId, to = NOBODY) => stage.of(P1).mayHear({ about, to });
    expect([hears(rock), hears(far), hears(NO_ENTITY)]).toEqual([true, false, true]);
    expect([hears(rock, P1), hears(far, P1), hears(rock, P2), hears(NO_ENTITY, P2)]).toEqual([true, false, false, false]);
    stage.world.despawn(rock);
    stage.world.despawn(far);
    stage.update(P1);
    expect([hears(rock), hears(far)]).toEqual([true, false]);
    stage.update(P1);
    expect(hears(rock)).toBe(false);
    const runaway = stage.put('rock', 5, 0);
    stage.update(P1);
    stage.move(runaway, 200);
    stage.update(P1);
    expect([hears(runaway), stage.of(P1).has(runaway)]).toEqual([false, false]);
  });

  test('[INT10] a step says whom its events are about and for', () => {
    const events: SimEvent[] = [];
    const game = defineGame({
      ...base,
      entities,
      events: { ping: { size: u8() } },
      step(_, __, { emit }) {
        emit('ping', { size: 1 });
        emit('ping', { size: 2 }, { by: P1, about: 77 as EntityId });
        emit('ping', { size: 3 }, { to: P2 });
      },
    });
    new Simulation(game, 1).step(1 as Tick, { isFirstTime: true, onEvent: (event) => events.push(event) });
    expect(events.map(({ by, about, to }) => `${by} ${about} ${to}`)).toEqual(['0 0 0', '1 77 0', '0 0 2']);
  });

  test('[INT11] urgency is clamped', () => {
    const stage = new Stage(gameWith({ interest: near }));
    const flag = stage.world.spawn('flag');
    stage.update(P1);
    const of = (priority: number): number => {
      const game = gameWith({ priority: (_, player, { kind, owner }) => (kind === 'flag' && owner !== player ? priority : 1) });
      return priorityOf(game, stage.world)!(P1, 2, flag);
    };
    expect([0.5, 0, -3, Infinity, 99].map(of)).toEqual([0.5, 1 / 16, 1 / 16, 16, 16]);
    expect(() => of(NaN)).toThrow("priority NaN of a 'flag' for player 1 is not a number");
    expect(priorityOf(stage.game, stage.world)).toBeUndefined();
  });

  test('[INT12] what makes no sense is refused, naming it', () => {
    const refused = (interest: object) => ({
      toThrow: (why: string) => expect(() => gameWith({ interest: interest as typeof near })).toThrow(why),
    });
    refused({ enter: 0 }).toThrow('interest.enter 0 must be above 0');
    refused({ enter: Infinity }).toThrow('interest.enter Infinity');
    refused({ enter: 10, leave: 9 }).toThrow('interest.leave 9 must be finite and at least enter, 10');
    refused({ enter: 10, by: 'place' }).toThrow("goes by 'place', which no kind of entity has");
    refused({ enter: 10, by: 'hiddenFrom' }).toThrow("goes by 'ship.hiddenFrom', which is no vec2 or vec3");
    expect(gameWith({ interest: { enter: 8 } }).interest).toMatchObject({ enter: 8, leave: 10 });
    const stage = new Stage(gameWith({ interest: { enter: 8, eye: () => ({ x: 1, y: NaN }) } }));
    expect(() => stage.update(P1)).toThrow('interest.eye of player 1 is (1, NaN), no finite point');
    const far = new Stage(gameWith({ interest: { enter: 8, eye: () => ({ x: 1e300, y: -1e300 }) } }));
    far.put('rock', 0, 0);
    expect(far.update(P1)).toEqual([]);
    stage.state.tick = 9 as Tick;
    stage.grid.rebuild(new WorldState(stage.game.kinds));
    expect(() => stage.of(P1).update(stage.grid, stage.world)).toThrow('the world is at tick 9, the grid at 0');
  });

  test('[INT13] everything is inferred from the one object', () => {
    const game = defineGame({
      ...base,
      entities,
      interest: { by: 'pos', enter: 1, eye: (world, player) => [...world.all('ship')].find(({ owner }) => owner === player)?.pos },
      isVisible(world, player, entity) {
        // @ts-expect-error -- what is asked about is not to be changed
        if (player > 99) entity.hiddenFrom = 1;
        // @ts-expect-error -- nor is the world
        if (player > 99) world.despawn(entity.id);
        return entity.kind === 'flag' || entity.pos.x < world.count('rock');
      },
      priority(_, __, entity) {
        // @ts-expect-error -- a flag has no position
        if (entity.kind === 'flag') return Number(entity.pos);
        return entity.pos.x;
      },
    });
    expect(game.interest?.places.map((place) => place?.at)).toEqual([1, 2, undefined]);
    // @ts-expect-error -- no kind has such a field
    expect(() => defineGame({ ...base, entities, interest: { by: 'place', enter: 1 } })).toThrow("'place'");
  });
});
