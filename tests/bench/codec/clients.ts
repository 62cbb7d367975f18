/**
 * What many clients cost: one capture of the world for all of them, then a snapshot for each. The worlds are plain points
 * of which a tenth moves; and the cubes, since there is a target for eight clients of those.
 */
import type { EntityId, Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame, float, u8 } from '../../../netcode/index.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';
import { mean, median } from './measure.ts';
import { CHUNK_BYTES, OursClient, OursHost, UNLIMITED_BYTES } from './ours.ts';
import { differenceFrom, type Frame, frameOf, type Trace } from './trace.ts';

export interface ClientsMeasurement {
  readonly world: string;
  readonly entities: number;
  readonly clients: number;
  readonly captureUs: number;
  /** Per client and snapshot, acks included. */
  readonly encodeUs: number;
  readonly bytes: number;
  readonly heldBack: number;
  /** Of one core, at `perSecond` snapshots. */
  readonly coreShare: number;
  readonly perSecond: number;
  readonly wrong: readonly string[];
}

const RATE = 30;
const MOVING_SHARE = 0.1;
/** Chance that a moving point comes to rest in a tick, and another one starts. */
const CHANGE_CHANCE = 0.02;
const SPEED_MAX = 64;
/** In 16ths: the last that 16 bits hold. */
const POSITION_LAST = 65_535;

const pointsGame = defineGame({
  id: 'bench-points',
  version: 1,
  tickRate: RATE,
  sendRate: RATE,
  entitiesMax: 8192,
  input: {},
  entities: {
    point: {
      x: float({ min: 0, max: POSITION_LAST / 16, step: 1 / 16, velocity: 'vx' }),
      y: float({ min: 0, max: POSITION_LAST / 16, step: 1 / 16, velocity: 'vy' }),
      vx: float({ min: -256, max: 256, step: 1 / 4 }),
      vy: float({ min: -256, max: 256, step: 1 / 4 }),
      hp: u8(),
    },
  },
  step: () => undefined,
});

/** Points, a tenth of them moving in straight lines. `seed` names the world. */
export function pointsTrace(entities: number, frameCount: number, seed: number): Trace {
  const rng = new Sfc32(seed);
  const state = new WorldState(pointsGame.kinds);
  const table = state.tables[0]!;
  for (let id = 1; id <= entities; id++) table.insert(id as EntityId);
  const { stride, data } = table;
  const last = POSITION_LAST;
  const kick = (row: number): void => {
    for (const column of [3, 4]) data[row * stride + column] = rng.below(2 * SPEED_MAX) - SPEED_MAX;
  };
  for (let row = 0; row < entities; row++) {
    data.set([0, rng.below(last), rng.below(last), 0, 0, 100], row * stride);
    if (rng.float() < MOVING_SHARE) kick(row);
  }
  const frames: Frame[] = [];
  for (let tick = 1; tick <= frameCount; tick++) {
    for (let row = 0; row < entities; row++) {
      const at = row * stride;
      if (data[at + 3] === 0 && data[at + 4] === 0) continue;
      for (const axis of [1, 2])
        data[at + axis] = Math.min(last, Math.max(0, data[at + axis]! + Math.round((data[at + axis + 2]! * 4) / RATE)));
      if (rng.float() < CHANGE_CHANCE) {
        data[at + 3] = data[at + 4] = 0;
        kick(rng.below(entities));
      }
    }
    state.tick = tick as Tick;
    frames.push(frameOf(state, tick - 1));
  }
  return { name: `${entities} points`, game: pointsGame, snapshotsPerSecond: RATE, warmUpFrames: frameCount >> 1, frames };
}

/**
 * All clients get every snapshot, acknowledged `ackDelayFrames` later. The first goes out without a budget and is known at
 * once, so that a world of 5,000 need not first trickle through. Only the first client's packets are decoded and checked.
 */
export function measureClients(trace: Trace, clients: number, ackDelayFrames: number): ClientsMeasurement {
  const host = new OursHost(trace.game);
  const all = Array.from({ length: clients }, () => new OursClient(host));
  const [captureMs, encodeMs]: [number[], number[]] = [[], []];
  const [bytes, heldBack]: [number[], number[]] = [[], []];
  const wrong: string[] = [];
  for (const frame of trace.frames) {
    host.load(frame);
    const startMs = performance.now();
    host.capture();
    const capturedMs = performance.now();
    const isFirst = frame.index === 0;
    const isCounted = frame.index >= trace.warmUpFrames;
    let excludedMs = 0;
    all.forEach((client, n) => {
      const ackedIndex = frame.index - ackDelayFrames;
      if (ackedIndex > 0) client.acknowledge(ackedIndex);
      const packet = client.encode(frame.index, isFirst ? UNLIMITED_BYTES : CHUNK_BYTES);
      const checkMs = performance.now();
      if (isCounted) bytes.push(packet.length);
      if (isFirst) client.acknowledge(frame.index);
      if (n === 0) {
        client.decode(packet);
        const difference = differenceFrom(trace, frame, client.decoded(), client.heldBack());
        if (difference !== undefined && wrong.length < 3) wrong.push(difference);
        if (isCounted) heldBack.push(client.heldBack().size);
      }
      excludedMs += performance.now() - checkMs;
    });
    if (!isCounted) continue;
    captureMs.push(capturedMs - startMs);
    encodeMs.push((performance.now() - capturedMs - excludedMs) / clients);
  }
  const [captureUs, encodeUs] = [median(captureMs) * 1000, median(encodeMs) * 1000];
  return {
    world: trace.name,
    entities: trace.frames[0]!.tables.reduce((sum, { ids }) => sum + ids.length, 0),
    clients,
    captureUs,
    encodeUs,
    bytes: mean(bytes),
    heldBack: mean(heldBack),
    coreShare: ((captureUs + clients * encodeUs) * trace.snapshotsPerSecond) / 1e6,
    perSecond: trace.snapshotsPerSecond,
    wrong,
  };
}
