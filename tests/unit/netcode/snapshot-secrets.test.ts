/**
 * What a snapshot does not say: fields for the owner alone, and changes within a field's tolerance. Two streams live the same
 * life but for what must not show; then their packets are the same, byte by byte.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntityId, PlayerId } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { type AnyGame, defineGame } from '../../../netcode/define-game.ts';
import { angle, any, arrayOf, float, int, quat, text, u16, u8, vec2 } from '../../../netcode/index.ts';
import type { FieldMap } from '../../../netcode/wire/schema.ts';
import type { World } from '../../../netcode/world/world.ts';
import type { WorldState } from '../../../netcode/world/world-state.ts';
import { type SchemaCase, schemaWithInits } from '../../harness/schema-arbitrary.ts';
import { allOf, Churn, type Loose, type Sent, SnapshotStream } from '../../harness/snapshot-stream.ts';

const RUNS = Number(process.env['SNAPSHOT_RUNS'] ?? 1);
const ME = 1 as PlayerId;
const YOU = 2 as PlayerId;

const gameWith = (entities: Readonly<Record<string, FieldMap>>): AnyGame =>
  defineGame({ id: 'q', version: 1, sendRate: 60, entitiesMax: 64, input: {}, entities, step: () => undefined });

/** The value of a field in the client's copy. */
function shown(copy: WorldState, id: EntityId, name: string): unknown {
  const table = copy.tableOf(id)!;
  const { field, at } = table.kind.layout.entries.find((entry) => entry.name === name)!;
  return field.read(table.data, table.rowOf(id) * table.stride + at);
}

/** One more tick, and the copy that its packet gives, checked and acknowledged. */
function next(stream: SnapshotStream, change: (world: World) => void = () => undefined): { copy: WorldState; bytes: Uint8Array } {
  stream.advance(change);
  const { bytes, sent } = stream.send();
  const copy = stream.receive(bytes);
  stream.expectCopy(copy, sent);
  stream.acknowledge(sent);
  return { copy: copy as WorldState, bytes };
}

describe('fields for the owner alone', () => {
  test('[SNAP9] any schema: what others keep secret changes no byte of my packets, whatever their size', () => {
    const anyKinds = fc.array(
      schemaWithInits(5, { receivers: ['all', 'owner', 'owner'], tolerances: [0, 0, 4], fieldsMax: 4, lengthMax: 3, bytesMax: 12 }),
      { minLength: 1, maxLength: 2 },
    );
    let differing = 0;
    fc.assert(
      fc.property(anyKinds, fc.nat(), fc.constantFrom(50, 120, 1150), fc.constantFrom(0, 4), (kinds, seed, bytesMax, ackDelay) => {
        const [mine, other] = [new Sfc32(seed), new Sfc32(seed + 1)];
        const game = gameWith(Object.fromEntries(kinds.map(([{ fields }], k) => [`kind${k}`, fields])));
        const values = kinds.map(([, sets]) => sets);
        const streams = [new SnapshotStream(game), new SnapshotStream(game)] as const;
        const churns = streams.map((stream) => new Churn(stream, values, new Sfc32(seed)));
        // What becomes mine I may know.
        for (const churn of churns) churn.neverGivenTo = ME;
        const waiting: Sent[] = [];
        for (let step = 0; step < 16; step++) {
          streams.forEach((stream, s) =>
            stream.advance(() => {
              churns[s]!.step();
              if (s === 1) changeSecrets(stream, kinds, other);
            }),
          );
          const [a, b] = streams.map((stream) => {
            stream.bytesMax = bytesMax;
            return stream.send();
          });
          expect([step, ...b!.bytes]).toEqual([step, ...a!.bytes]);
          if (streams[0].state.hash() !== streams[1].state.hash()) differing++;
          for (const stream of streams) stream.expectCopy(stream.receive(a!.bytes), a!.sent);
          waiting.push(a!.sent);
          if (waiting.length > ackDelay && mine.below(4) !== 0) for (const stream of streams) stream.acknowledge(waiting[0]!);
          if (waiting.length > ackDelay) waiting.shift();
        }
      }),
      { numRuns: 150 * RUNS },
    );
    expect(differing).toBeGreaterThan(500 * RUNS);
  });

  test('[SNAP9] a secret of any type stands nowhere in a packet to another, not even at birth', () => {
    const marks = [0x5a5a_1234, 0x1bad_cafe];
    const secret = { to: 'owner' } as const;
    const game = gameWith({
      card: {
        word: text({ bytesMax: 16, ...secret }),
        thing: any({ bytesMax: 24, ...secret }),
        code: int({ min: 0, max: 2 ** 31 - 1, ...secret }),
        hand: arrayOf(u16(secret), 4),
        place: vec2({ min: 0, max: 1000, step: 1, ...secret }),
      },
    });
    const bytesFor = (mark: number): number[][] => {
      const stream = new SnapshotStream(game);
      const packets: number[][] = [];
      for (let n = 0; n < 8; n++) {
        const { copy, bytes } = next(stream, (world) => {
          const values = { word: `w${mark}`, thing: { mark, n }, code: mark % 999_983, hand: [mark & 0xfff, n], place: [mark % 997, n] };
          if (n % 3 === 0) world.spawn('card', { ...values, owner: YOU });
          else Object.assign(world.first('card')!, values);
        });
        packets.push([...bytes]);
        const { id } = stream.world.first('card')!;
        expect([shown(copy, id, 'word'), shown(copy, id, 'code'), shown(copy, id, 'hand')]).toEqual(['', 0, [0, 0, 0, 0]]);
      }
      return packets;
    };
    expect(bytesFor(marks[1]!)).toEqual(bytesFor(marks[0]!));
  });

  test('[SNAP9] a new owner learns the secret at once, the old one keeps nothing of it', () => {
    const game = gameWith({ card: { face: u8({ to: 'owner' }), table: u8() } });
    const stream = new SnapshotStream(game);
    const you = stream.join(YOU);
    const both = (change: (world: World) => void): [WorldState, WorldState] => {
      const { copy } = next(stream, change);
      const { bytes, sent } = you.send();
      const yours = you.receive(bytes);
      you.expectCopy(yours, sent);
      you.acknowledge(sent);
      return [copy, yours as WorldState];
    };
    let id = 0 as EntityId;
    const card = (): Loose => stream.world.find('card', id) as unknown as Loose;
    both((world) => (id = world.spawn('card', { owner: YOU, face: 41, table: 7 })));
    const faces = (change: (world: World) => void): unknown[] => both(change).map((copy) => shown(copy, id, 'face'));
    expect(faces(() => undefined)).toEqual([0, 41]);
    expect(faces(() => (card()['face'] = 42))).toEqual([0, 42]);
    expect(faces(() => (card().owner = ME))).toEqual([42, 0]);
    expect(faces(() => (card()['face'] = 43))).toEqual([43, 0]);
    // There and back within what the clients have acknowledged, and with the secret as it was.
    expect(faces(() => (card().owner = YOU))).toEqual([0, 43]);
    expect(faces(() => (card().owner = ME))).toEqual([43, 0]);
    expect(faces(() => (card().owner = 0 as PlayerId))).toEqual([0, 0]);
    expect(faces(() => (card()['face'] = 44))).toEqual([0, 0]);
    expect(faces(() => (card().owner = YOU))).toEqual([0, 44]);
  });
});

/** In one of the two worlds the secrets of all others are others. */
function changeSecrets(
  stream: SnapshotStream,
  kinds: readonly (readonly [SchemaCase, readonly Readonly<Record<string, unknown>>[]])[],
  rng: Sfc32,
): void {
  for (const entity of allOf(stream)) {
    if (entity.owner === ME) continue;
    const { layout, index } = stream.game.kinds.find(({ name }) => name === entity.kind)!;
    const sets = kinds[index]![1];
    for (const [name, value] of Object.entries(sets[rng.below(sets.length)]!)) {
      const { field } = layout.entries.find((entry) => entry.name === name)!;
      if (field.receivers === 'owner') entity[name] = value;
    }
  }
}

describe('tolerances', () => {
  const game = gameWith({
    buoy: {
      x: float({ min: 0, max: 1000, step: 0.5, tolerance: 2, smooth: 'linear' }),
      turn: angle({ bits: 10, tolerance: 0.05 }),
      speed: int({ min: -100, max: 100, tolerance: 3 }),
      exact: u16(),
    },
  });
  const spawn = (world: World): EntityId => world.spawn('buoy', { x: 500, turn: 0, speed: 0 });
  const STEP = (2 * Math.PI) / 1024;

  test('[SNAP10] within the tolerance nothing is sent: the packets are those of a world that stands still', () => {
    const [still, moving] = [new SnapshotStream(game), new SnapshotStream(game)];
    for (const stream of [still, moving]) next(stream, spawn);
    const rng = new Sfc32(3);
    for (let n = 0; n < 60; n++) {
      const { bytes } = next(moving, (world) => {
        const x = 500 + rng.between(-2, 2);
        // The border of the tolerance, both ways, and through zero, where angles go round.
        Object.assign(world.first('buoy')!, {
          x: n % 5 === 0 ? 498 + 4 * rng.below(2) : x,
          turn: rng.between(-8, 8) * STEP,
          speed: rng.below(7) - 3,
        });
      });
      expect([...bytes]).toEqual([...next(still).bytes]);
      if (n > 12) expect(bytes.length).toBeLessThan(7);
    }
  });

  test('[SNAP10] beyond the tolerance it is sent, exactly as it is, whatever it was held at', () => {
    const stream = new SnapshotStream(game);
    next(stream, spawn);
    const { id } = stream.world.first('buoy')!;
    const tell = (values: object) => {
      const { copy } = next(stream, (world) => Object.assign(world.first('buoy')!, values));
      return ['x', 'turn', 'speed', 'exact'].map((name) => shown(copy, id, name));
    };
    expect(tell({ x: 502 })).toEqual([500, 0, 0, 0]);
    expect(tell({ x: 502.5 })).toEqual([502.5, 0, 0, 0]);
    // Counted from what was told, not from what it was before.
    expect(tell({ x: 500.5 })).toEqual([502.5, 0, 0, 0]);
    expect(tell({ x: 500, speed: 3 })).toEqual([500, 0, 0, 0]);
    expect(tell({ speed: 4, exact: 1 })).toEqual([500, 0, 4, 1]);
    expect(tell({ turn: 8 * STEP })[1]).toBe(0);
    expect(tell({ turn: 9 * STEP })[1]).toBeCloseTo(9 * STEP, 9);
  });

  test('[SNAP10] what a player sees is never off by more than the tolerance, however it moves', () => {
    const off = { x: 0, turn: 0, speed: 0 };
    let held = 0;
    for (let seed = 0; seed < 30; seed++) {
      const rng = new Sfc32(seed);
      const stream = new SnapshotStream(game);
      next(stream, spawn);
      const { id } = stream.world.first('buoy')!;
      for (let n = 0; n < 80; n++) {
        const { copy } = next(stream, (world) => {
          const buoy = world.first('buoy') as unknown as { x: number; turn: number; speed: number };
          buoy.x += rng.between(-1.5, 1.5);
          buoy.turn += rng.between(-6, 6) * STEP;
          buoy.speed += rng.below(5) - 2;
        });
        const buoy = stream.world.first('buoy') as unknown as { x: number; turn: number; speed: number };
        const turn = Math.abs((shown(copy, id, 'turn') as number) - buoy.turn);
        if (shown(copy, id, 'x') !== buoy.x) held++;
        off.x = Math.max(off.x, Math.abs((shown(copy, id, 'x') as number) - buoy.x));
        off.turn = Math.max(off.turn, Math.min(turn, 2 * Math.PI - turn));
        off.speed = Math.max(off.speed, Math.abs((shown(copy, id, 'speed') as number) - buoy.speed));
      }
    }
    expect(off.x).toBe(2);
    expect(off.turn).toBeCloseTo(8 * STEP, 9);
    expect(off.speed).toBe(3);
    expect(held).toBeGreaterThan(500);
  });

  test('[SNAP10] an orientation is never off by more than its tolerance, and is held while it shakes by less', () => {
    for (const [bits, tolerance] of [
      [10, 0.05],
      [14, 0.02],
      [12, 0.3],
    ] as const) {
      const rotating = gameWith({ top: { spin: quat({ bits, tolerance }) } });
      let worst = 0;
      let sent = 0;
      let total = 0;
      for (let seed = 0; seed < 40; seed++) {
        const rng = new Sfc32(seed);
        const stream = new SnapshotStream(rotating);
        // All four components alike show turns the least.
        const at = seed % 2 === 0 ? [1, 1, 1, 1] : [rng.between(-1, 1), rng.between(-1, 1), rng.between(-1, 1), 0.5];
        next(stream, (world) => world.spawn('top', { spin: at }));
        const { id } = stream.world.first('top')!;
        const pace = tolerance * [0.02, 0.1, 0.4][seed % 3]!;
        let before = shown(stream.reader.state, id, 'spin');
        for (let n = 0; n < 60; n++) {
          const { copy } = next(stream, () => {
            for (let i = 0; i < 4; i++) at[i]! += rng.between(-pace, pace);
            (stream.world.first('top') as unknown as Loose)['spin'] = at;
          });
          const spin = shown(copy, id, 'spin') as Quaternion;
          worst = Math.max(worst, angleBetween(spin, (stream.world.first('top') as unknown as { spin: Quaternion }).spin) / tolerance);
          total++;
          if (JSON.stringify(spin) !== JSON.stringify(before)) sent++;
          before = spin;
        }
      }
      expect([bits, worst <= 1 + 1e-6 ? 'within' : worst]).toEqual([bits, 'within']);
      expect(sent / total).toBeLessThan(0.6);
      expect(sent / total).toBeGreaterThan(0.05);
    }
  });
});

interface Quaternion {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly w: number;
}

/** By how much one orientation is turned against another. */
function angleBetween(a: Quaternion, b: Quaternion): number {
  // Of a small angle the arc cosine would lose half the digits.
  const dot = a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
  const sign = dot < 0 ? -1 : 1;
  return 4 * Math.asin(Math.min(1, Math.hypot(a.x - sign * b.x, a.y - sign * b.y, a.z - sign * b.z, a.w - sign * b.w) / 2));
}
