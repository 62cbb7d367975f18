/** Where the time of a host's tick goes: drain, step, capture, encode. */
import { defineGame } from '../../../netcode/index.ts';
import { Recorder } from '../../../netcode/host/recording.ts';
import { CostMatch, type CostPlan, type DemoGame, WARM_UP_TICKS, WatchedLink } from './match.ts';
import { type Times, timesOf } from './times.ts';

/** In ms a tick. The parts follow each other; `total` is by the clock, `cpu` what the process was charged for it. */
export interface HostCost {
  readonly total: Times;
  readonly cpuMs: number;
  /** Of one core, at the game's tick rate. */
  readonly coreShare: number;
  /** Packets read, inputs taken. */
  readonly drain: Times;
  /** The game's rules, and putting the tables in order. */
  readonly step: Times;
  readonly capture: Times;
  /** Choosing, coding and sending, for all clients. */
  readonly encode: Times;
  readonly bullets: number;
  readonly bytesPerPacket: number;
}

/** Tells when the rules are done, and keeps nothing. */
class Stopwatch extends Recorder {
  readonly #onStep: () => void;

  constructor(game: DemoGame, onStep: () => void) {
    super(game, 0);
    this.#onStep = onStep;
  }

  override begin(): void {}

  override record(): void {
    this.#onStep();
  }
}

/** Acks come about 100 ms after their snapshot was sent. */
const HOST_DELAY_MS = 48;

export function measureHost({ game, players, ticks, seed }: CostPlan): HostCost {
  const samples = { total: [] as number[], drain: [] as number[], step: [] as number[], capture: [] as number[], encode: [] as number[] };
  let [stepAt, steppedAt, askedAt, bullets, packets, bytes, cpuUs] = [0, 0, 0, 0, 0, 0, 0];
  const { spec } = game;
  const timed = defineGame({
    ...spec,
    step(world, inputs, ctx) {
      stepAt = performance.now();
      spec.step(world, inputs, ctx);
      bullets = world.count('bullet');
    },
  });
  const match = new CostMatch({
    hostGame: timed,
    players,
    delayMs: HOST_DELAY_MS,
    seed,
    recorder: new Stopwatch(game, () => (steppedAt = performance.now())),
    watchHostLink: (link) =>
      new WatchedLink(link, (what, size = 0) => {
        if (what === 'ask' && askedAt === 0) askedAt = performance.now();
        if (what === 'send') {
          packets++;
          bytes += size;
        }
      }),
  });
  for (let tick = 0; tick < WARM_UP_TICKS + ticks; tick++) {
    if (tick === WARM_UP_TICKS) packets = bytes = 0;
    match.next((nowMs) => {
      for (const client of match.clients) client.update(nowMs);
      askedAt = 0;
      const cpu = process.cpuUsage();
      const startAt = performance.now();
      match.host.update(nowMs);
      const endAt = performance.now();
      const { user, system } = process.cpuUsage(cpu);
      if (tick < WARM_UP_TICKS || askedAt === 0) return;
      cpuUs += user + system;
      samples.total.push(endAt - startAt);
      samples.drain.push(stepAt - startAt);
      samples.step.push(steppedAt - stepAt);
      samples.capture.push(askedAt - steppedAt);
      samples.encode.push(endAt - askedAt);
    });
  }
  const cpuMs = cpuUs / 1000 / samples.total.length;
  return {
    total: timesOf(samples.total),
    cpuMs,
    coreShare: (cpuMs * game.tickRate) / 1000,
    drain: timesOf(samples.drain),
    step: timesOf(samples.step),
    capture: timesOf(samples.capture),
    encode: timesOf(samples.encode),
    bullets,
    bytesPerPacket: bytes / packets,
  };
}
