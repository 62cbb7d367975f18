/**
 * What many clients cost: one capture of the world for all of them, then a snapshot for each. The worlds are plain points
 * of which a tenth moves, all known to everybody or just those near each client's eye; and the cubes, since there is a target
 * for eight clients of those. Where acks come equally late to all, bodies are shared; so there are clients set apart as well.
 */
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import { defineGame, float, u8, vec2 } from '../../../netcode/index.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';
import { mean, median } from './measure.ts';
import { CHUNK_BYTES, OursClient, OursHost, UNLIMITED_BYTES } from './ours.ts';
import { differenceFrom, type Frame, frameOf, type Trace } from './trace.ts';

export interface ClientsMeasurement {
  readonly world: string;
  readonly entities: number;
  readonly clients: number;
  /** What their baselines have in common, and by how many frames their acks are late. */
  readonly baselines: string;
  /** Entities that the first client is to know, on average. */
  readonly known: number;
  /** With interest the grid's rebuilding is part of it. */
  readonly captureUs: number;
  /** Per client and snapshot, acks and interest included. */
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

/** Half the size of what a client knows: about 200 of 5,000 points are nearer. */
const INTEREST_ENTER = 460;
/** In quarters a second: an eye crosses what it sees in six seconds. */
const EYE_SPEED = 600;

/** The same columns as above; who owns a point sees from it. */
const interestGame = defineGame({
  id: 'bench-interest',
  version: 1,
  tickRate: RATE,
  sendRate: RATE,
  playersMax: PLAYERS_MAX,
  entitiesMax: 8192,
  input: {},
  entities: {
    point: {
      pos: vec2({ min: 0, max: POSITION_LAST / 16, step: 1 / 16, velocity: 'vel' }),
      vel: vec2({ min: -256, max: 256, step: 1 / 4 }),
      hp: u8(),
    },
  },
  interest: { enter: INTEREST_ENTER },
  step: () => undefined,
});

/** Points, a tenth of them moving in straight lines. `seed` names the world. */
export function pointsTrace(entities: number, frameCount: number, seed: number): Trace {
  return traceOf({ name: `${entities} points`, game: pointsGame, entities, frameCount, seed, eyes: 0 });
}

/** The same, but a player knows what is near their own point, which never rests. Every seat has one. */
export function interestTrace(entities: number, frameCount: number, seed: number): Trace {
  return traceOf({ name: `${entities} points, interest`, game: interestGame, entities, frameCount, seed, eyes: PLAYERS_MAX });
}

interface PointsWorld {
  readonly name: string;
  readonly game: AnyGame;
  readonly entities: number;
  readonly frameCount: number;
  readonly seed: number;
  /** The first points belong to the seats from 1 to this. */
  readonly eyes: number;
}

function traceOf({ name, game, entities, frameCount, seed, eyes }: PointsWorld): Trace {
  const rng = new Sfc32(seed);
  const state = new WorldState(game.kinds);
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
    if (row < eyes) data.set([EYE_SPEED * (rng.below(2) * 2 - 1), rng.below(2 * EYE_SPEED) - EYE_SPEED], row * stride + 3);
    if (row < eyes) data[row * stride] = row + 1;
  }
  const frames: Frame[] = [];
  for (let tick = 1; tick <= frameCount; tick++) {
    for (let row = 0; row < entities; row++) {
      const at = row * stride;
      if (data[at + 3] === 0 && data[at + 4] === 0) continue;
      for (const axis of [1, 2])
        data[at + axis] = Math.min(last, Math.max(0, data[at + axis]! + Math.round((data[at + axis + 2]! * 4) / RATE)));
      if (row >= eyes && rng.float() < CHANGE_CHANCE) {
        data[at + 3] = data[at + 4] = 0;
        kick(eyes + rng.below(entities - eyes));
      }
    }
    state.tick = tick as Tick;
    frames.push(frameOf(state, tick - 1));
  }
  return { name, game, snapshotsPerSecond: RATE, warmUpFrames: frameCount >> 1, frames };
}

/** Acks of clients that are apart are late by up to this. */
const APART_SECONDS = 0.2;

/** Frames by which the n-th client's acks are late, each by another number: 1 to 12 at 60 Hz, evenly spread, or as many as it takes. */
export function apartDelay(trace: Trace, n: number, clients: number): number {
  const most = Math.max(clients, Math.round(APART_SECONDS * trace.snapshotsPerSecond));
  return 1 + Math.round((n * (most - 1)) / Math.max(1, clients - 1));
}

export interface ClientsSetup {
  readonly clients: number;
  /** For the table: what the clients' baselines have in common. */
  readonly baselines: 'shared' | 'apart' | 'own view';
  /** Frames by which the n-th client's acks are late. */
  delayOf(n: number): number;
}

/**
 * All clients get every snapshot, acknowledged `delayOf(client)` frames later. The first goes out without a budget and is known at
 * once, so that a world of 5,000 need not first trickle through. Only the first client's packets are decoded and checked.
 */
export function measureClients(trace: Trace, { clients, baselines, delayOf }: ClientsSetup): ClientsMeasurement {
  const host = new OursHost(trace.game);
  const all = Array.from({ length: clients }, (_, n) => new OursClient(host, (1 + (n % PLAYERS_MAX)) as PlayerId));
  const delays = all.map((_, n) => delayOf(n));
  const [captureMs, encodeMs]: [number[], number[]] = [[], []];
  const [bytes, heldBack, knownCounts]: [number[], number[], number[]] = [[], [], []];
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
      const ackedIndex = frame.index - delays[n]!;
      if (ackedIndex > 0) client.acknowledge(ackedIndex);
      const packet = client.encode(frame.index, isFirst ? UNLIMITED_BYTES : CHUNK_BYTES);
      const checkMs = performance.now();
      if (isCounted) bytes.push(packet.length);
      if (isFirst) client.acknowledge(frame.index);
      if (n === 0) {
        client.decode(packet);
        const known = client.knownOf(frame);
        const held = client.heldBack();
        const difference = differenceFrom(trace, known, client.decoded(), held);
        if (difference !== undefined && wrong.length < 3) wrong.push(difference);
        if (isCounted) heldBack.push(held.size);
        if (isCounted) knownCounts.push(entitiesIn(known));
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
    entities: entitiesIn(trace.frames[0]!),
    clients,
    baselines: `${baselines}, D${[...new Set([Math.min(...delays), Math.max(...delays)])].join('-')}`,
    known: mean(knownCounts),
    captureUs,
    encodeUs,
    bytes: mean(bytes),
    heldBack: mean(heldBack),
    coreShare: ((captureUs + clients * encodeUs) * trace.snapshotsPerSecond) / 1e6,
    perSecond: trace.snapshotsPerSecond,
    wrong,
  };
}

const entitiesIn = ({ tables }: Frame): number => tables.reduce((sum, { ids }) => sum + ids.length, 0);
