/** A game's own priors: trained by playing it, they make its packets smaller; what does not fit the game is refused by name. */
import { describe, expect, test } from 'vitest';
import type { Rng } from '../../../netcode/core/rng.ts';
import { bool, defineGame, event, int, u8, vec2 } from '../../../netcode/index.ts';
import { trainPriors } from '../../../netcode/node.ts';
import { DEFAULT_PRIORS } from '../../../netcode/snapshot/default-priors.ts';
import { readPriors } from '../../../netcode/snapshot/priors.ts';
import { SnapshotModel } from '../../../netcode/snapshot/snapshot-model.ts';
import { TallyingEncoder } from '../../../netcode/snapshot/tally.ts';
import { TestMatch, type TestPlayer } from '../../harness/match.ts';
import { skiffGame } from '../../harness/skiff-game.ts';

const steer = (rng: Rng) => ({ turn: rng.below(3) - 1, thrust: rng.below(3) > 0, fire: rng.below(6) === 0 });
const TRAINING = {
  seconds: 20,
  players: 3,
  seed: 5,
  input: (_player: number, tick: number, rng: Rng) => (tick % 15 === 0 ? steer(rng) : {}),
};
const SKIFF_PRIORS = trainPriors(skiffGame, TRAINING);
const trainedSkiff = defineGame({ ...skiffGame.spec, priors: SKIFF_PRIORS });

/** Three players on another seed, on a network with loss. */
async function play(game: typeof skiffGame): Promise<TestMatch> {
  const match = await TestMatch.start(game, { guests: 2, seed: 77, conditions: { delayMs: 40, lossPct: 5 } });
  match.drive = (player: TestPlayer, nowMs, rng) => {
    if ((nowMs + 100 * player.id) % 240 === 0) player.client.setInput(steer(rng));
  };
  match.run(10_000);
  return match;
}

const stateBytes = ({ players }: TestMatch): number => players.reduce((sum, { hostLink }) => sum + hostLink.counters.stateBytesOut, 0);

describe('training', () => {
  test('[PRI5] the same options give the same text, another seed another one', () => {
    expect(trainPriors(skiffGame, TRAINING)).toBe(SKIFF_PRIORS);
    expect(trainPriors(skiffGame, { ...TRAINING, seed: 6 })).not.toBe(SKIFF_PRIORS);
  });

  test('[PRI6] it begins with the pool, whatever priors the game has, even such as do not fit it any more', () => {
    expect(trainPriors(trainedSkiff, TRAINING)).toBe(SKIFF_PRIORS);
    expect(trainPriors(defineGame({ ...skiffGame.spec, priors: 'abc' }), TRAINING)).toBe(SKIFF_PRIORS);
  });

  test('[PRI7] a character for each context of each kind; what was never met stays as in the pool', () => {
    const { kinds, contextCount } = new SnapshotModel(skiffGame);
    expect(SKIFF_PRIORS).toHaveLength(contextCount);
    const own = readPriors(SKIFF_PRIORS, contextCount);
    const pool = readPriors(DEFAULT_PRIORS);
    const fromPool = Uint16Array.from(kinds.flatMap(({ priorOf }) => Array.from(priorOf, (index) => pool[index]!)));
    const kept = own.filter((prior, i) => prior === fromPool[i]).length;
    expect(kept).toBeGreaterThan(contextCount / 2);
    expect(kept).toBeLessThan(contextCount);
    const idle = trainPriors(defineGame({ ...skiffGame.spec, onStart: () => undefined, onJoin: () => undefined }), TRAINING);
    expect(readPriors(idle, contextCount)).toEqual(fromPool);
  });

  test('[PRI8] inputs are held, presses last one tick, and a match that ends is followed by another', () => {
    const seen: string[] = [];
    const starts: number[] = [];
    const game = defineGame({
      id: 'pressed',
      version: 1,
      tickRate: 30,
      input: { go: bool(), hit: event(), pace: int({ min: 0, max: 3 }) },
      entities: { runner: { way: u8() } },
      onStart: () => void starts.push(seen.length),
      onJoin: (world, player) => void world.spawn('runner', { owner: player }),
      step(world, inputs, { tick }) {
        for (const runner of world.all('runner')) {
          const { go, hit, pace } = inputs.of(runner.owner);
          seen.push(`${tick} ${runner.owner} ${Number(go)}${Number(hit)}${pace}`);
          runner.way += pace;
        }
      },
      result: (world) => (world.first('runner')!.way >= 6 ? 'there' : undefined),
    });
    const presses = [{ go: true, pace: 2 }, { hit: true }, {}];
    trainPriors(game, { seconds: 0.2, players: 2, seed: 1, input: (_player, tick) => presses[tick - 1] ?? {} });
    // Joined in tick 1, stepped from tick 1 on; way is 6 after three ticks, so that six ticks are two matches.
    const match = ['1 1 102', '1 2 102', '2 1 112', '2 2 112', '3 1 102', '3 2 102'];
    expect(seen).toEqual([...match, ...match]);
    expect(starts).toEqual([0, match.length]);
  });

  test('[PRI13] an attempt that did not fit counts for nothing, and a body counts once', () => {
    const model = new SnapshotModel(skiffGame);
    const encoder = new TallyingEncoder(64, model);
    const [, second] = model.kinds;
    const at = 2 * model.kinds[0]!.contexts.length;
    encoder.encode(1, second!.contexts, 3);
    encoder.reset();
    for (const bit of [0, 1, 1]) encoder.encode(bit, second!.contexts, 3);
    encoder.commit();
    encoder.commit();
    expect([...encoder.counts.subarray(at + 6, at + 8)]).toEqual([1, 2]);
    const prior = second!.priorOf[3]!;
    expect([...encoder.pooled().subarray(2 * prior, 2 * prior + 2)]).toEqual([1, 2]);
    for (const counts of [encoder.counts, encoder.pooled()]) expect(counts.reduce((a, b) => a + b)).toBe(3);
  });

  test('[PRI12] only what the players may know is counted', () => {
    const near = { pos: vec2({ min: 0, max: 1000, step: 1 }), n: u8() };
    const game = defineGame({
      id: 'far',
      version: 1,
      input: {},
      entities: { near, far: near },
      interest: { enter: 10 },
      onJoin: (world, player) => void world.spawn('near', { owner: player }),
      onStart(world) {
        for (let i = 0; i < 20; i++) world.spawn('far', { pos: [500 + 9 * i, 500] });
      },
      step(world, _inputs, { tick }) {
        for (const kind of ['near', 'far'] as const) for (const thing of world.all(kind)) thing.n = tick % 7;
      },
    });
    const train = (trained: typeof game): string => trainPriors(trained, { seconds: 2, players: 2, seed: 1, input: () => ({}) });
    const { kinds, contextCount } = new SnapshotModel(game);
    const start = kinds[0]!.contexts.length;
    // Of the kind that nobody sees, no more than "there are none" is told, which has no context.
    expect(readPriors(train(game), contextCount).subarray(start)).toEqual(kinds[1]!.priors);
    const { interest: _interest, ...open } = game.spec;
    expect(readPriors(train(defineGame(open)), contextCount).subarray(start)).not.toEqual(kinds[1]!.priors);
  });

  test('[PRI9] options that make no sense are refused by name', () => {
    for (const seconds of [0, -1, NaN, Infinity, 3601]) expect(() => trainPriors(skiffGame, { ...TRAINING, seconds })).toThrow(/seconds/);
    for (const players of [0, 1.5, 9]) expect(() => trainPriors(skiffGame, { ...TRAINING, players })).toThrow(/players .* 1 to 8/);
    for (const seed of [-1, 0.5, 2 ** 32]) expect(() => trainPriors(skiffGame, { ...TRAINING, seed })).toThrow(/seed/);
    const input = () => ({ nonsense: 1 }) as object;
    expect(() => trainPriors(skiffGame, { ...TRAINING, input })).toThrow(/nonsense/);
  });
});

describe('a game with priors of its own', () => {
  test('[PRI10] has smaller packets than with the pool, and host and clients read each other', async () => {
    const [own, pool] = [await play(trainedSkiff), await play(skiffGame)];
    for (const { players } of [own, pool])
      for (const { client } of players) expect(client.stats(10_000)).toMatchObject({ malformedPackets: 0 });
    // The same match, seen the same way: to the last bit of what each player is shown.
    const shown = ({ players }: TestMatch): string => JSON.stringify(players.map(({ client }) => client.view(10_000)));
    expect(own.host.tick).toBe(pool.host.tick);
    expect(shown(own).length).toBeGreaterThan(1000);
    expect(shown(own)).toBe(shown(pool));
    expect(stateBytes(own) / stateBytes(pool)).toBeLessThan(0.97);
  });

  test('[PRI11] is refused by name if they were trained for another shape of it, or are no priors', () => {
    const wider = { ...skiffGame.spec, entities: { ...skiffGame.spec.entities, buoy: { bob: u8(), lit: bool() } }, priors: SKIFF_PRIORS };
    const refused = /own priors .* trained for another shape of it .* run trainPriors again/;
    expect(() => new SnapshotModel(defineGame({ ...wider, onStart: () => undefined, step: () => undefined }))).toThrow(refused);
    expect(() => new SnapshotModel(defineGame({ ...skiffGame.spec, priors: SKIFF_PRIORS.slice(1) }))).toThrow(RangeError);
    expect(() => new SnapshotModel(defineGame({ ...skiffGame.spec, priors: `!${SKIFF_PRIORS.slice(1)}` }))).toThrow("'!' is no prior");
  });
});

describe('the shape of a game', () => {
  const spec = {
    id: 'shaped',
    version: 1,
    input: { go: bool() },
    entities: { dot: { x: int({ min: 0, max: 9 }), y: int({ min: 0, max: 9 }) } },
    events: { hit: { by: u8() } },
    step: () => undefined,
  };
  const { dot } = spec.entities;

  test.each([
    ['the rates', { ...spec, tickRate: 30 }],
    ['the send rate', { ...spec, sendRate: 60 }],
    ['how many entities there may be', { ...spec, entitiesMax: 9 }],
    ['an input', { ...spec, input: { go: event() } }],
    ['an event', { ...spec, events: { hit: { by: bool() } } }],
    ["a kind's name", { ...spec, entities: { spot: dot } }],
    ['another kind', { ...spec, entities: { dot, spot: dot } }],
    ['the order of fields', { ...spec, entities: { dot: { y: dot.y, x: dot.x } } }],
    ['a range', { ...spec, entities: { dot: { ...dot, y: int({ min: 0, max: 8 }) } } }],
    ['a predictor', { ...spec, entities: { dot: { ...dot, y: int({ min: 0, max: 9, predictor: 'linear' }) } } }],
    ['priors', { ...spec, priors: 'abc' }],
  ] as const)('[SHAPE1] changes with %s', (_what, changed) => {
    expect(defineGame(changed as typeof spec).shape).not.toBe(defineGame(spec).shape);
  });

  test('[SHAPE2] is 32 bits, and stays with what the wire does not show', () => {
    const { shape } = defineGame(spec);
    expect(shape).toBe(shape >>> 0);
    const y = int({ min: 0, max: 9, tolerance: 1, smooth: 'none' });
    const other = { ...spec, id: 'other', version: 2, playersMax: 2, entities: { dot: { ...dot, y } }, step: () => void 1 };
    expect(defineGame(other).shape).toBe(shape);
  });
});
