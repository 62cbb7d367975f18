/**
 * One player's machine in a simulated match: pulses, frames and hands, each at moments of their own, by a clock that may
 * run too fast or too slow, on a processor that may be slow.
 */
import type { Client } from '../client/client.ts';
import type { ViewEntity } from '../client/view-builder.ts';
import type { PlayerId } from '../core/ids.ts';
import { mix32, type Rng, Sfc32 } from '../core/rng.ts';
import { type AnyGame, defineGame } from '../define-game.ts';
import { randomInput } from './random-driver.ts';
import type { SeatMeter } from './seat-meter.ts';
import type { LocalClock, SimClock } from './sim-link.ts';
import { FRAMES_PER_SECOND } from './watcher.ts';

/** What a page's Worker and Node's timer give. */
export const PULSE_MS = 4;
const FRAME_MS = 1000 / FRAMES_PER_SECOND;
/** Tell the players' luck and the screens' from that of the match. */
const DRIVE_STREAM = 0xd41e;
const SCREEN_STREAM = 0x5c4e;

/**
 * A processor to which nothing costs time but steps of the game. Its clock stands while the simulator looks elsewhere, and
 * goes on by a step's cost with each step.
 */
export class Processor {
  readonly #stepCostMs: number;
  #startMs = 0;
  #steps = 0;

  constructor(stepCostMs: number) {
    this.#stepCostMs = stepCostMs;
  }

  /** The machine turns to something, at this moment. */
  begin(nowMs: number): void {
    this.#startMs = nowMs;
    this.#steps = 0;
  }

  readonly measureMs = (): number => this.#startMs + this.#steps * this.#stepCostMs;

  /** The same game; its steps cost this machine time. */
  running(game: AnyGame): AnyGame {
    const { spec } = game;
    return defineGame({
      ...spec,
      step: (...step: Parameters<typeof spec.step>) => {
        this.#steps++;
        spec.step(...step);
      },
    } as never);
  }
}

export interface MachineOptions {
  readonly client: Client;
  /** The simulator's, set to the moment at which something happens. */
  readonly clock: SimClock;
  /** This machine's own. */
  readonly local: LocalClock;
  /** Undefined: nothing costs time. */
  readonly processor: Processor | undefined;
  readonly meter: SeatMeter;
  readonly player: PlayerId;
  readonly seed: number;
  readonly drive:
    | ((player: PlayerId, tick: number, rng: Rng, view: readonly ViewEntity[]) => Readonly<Record<string, unknown>>)
    | undefined;
}

export class SimMachine {
  readonly #game: AnyGame;
  readonly #options: MachineOptions;
  readonly #rng: Rng;
  readonly #tickMs: number;
  // All by this machine's own clock.
  #nextPulseMs: number;
  #nextFrameMs: number;
  #nextTickMs: number;
  /** Until then the machine is busy. */
  #freeMs = -Infinity;
  #tick = 0;
  #view: readonly ViewEntity[] = [];

  constructor(game: AnyGame, options: MachineOptions) {
    this.#game = game;
    this.#options = options;
    this.#rng = new Sfc32(mix32(mix32(options.seed, DRIVE_STREAM), options.player));
    this.#tickMs = 1000 / game.tickRate;
    const phases = new Sfc32(mix32(mix32(options.seed, SCREEN_STREAM), options.player));
    this.#nextPulseMs = phases.between(0, PULSE_MS);
    this.#nextFrameMs = phases.between(0, FRAME_MS);
    this.#nextTickMs = phases.between(0, this.#tickMs);
  }

  /** Does what is due up to this moment of the simulator's clock, in order. */
  runUntil(endMs: number): void {
    const { client, clock, local, processor, meter } = this.#options;
    for (;;) {
      const dueMs = Math.min(this.#nextPulseMs, this.#nextFrameMs, this.#nextTickMs);
      const localMs = Math.max(dueMs, this.#freeMs);
      const nowMs = local.hostMs(localMs);
      if (nowMs > endMs) return;
      clock.ms = nowMs;
      processor?.begin(localMs);
      if (dueMs === this.#nextTickMs) {
        this.#nextTickMs += this.#tickMs;
        client.setInput(this.#drive(this.#tick++));
      } else if (dueMs === this.#nextPulseMs) {
        this.#nextPulseMs += PULSE_MS;
        client.update(localMs);
      } else {
        this.#nextFrameMs += FRAME_MS;
        this.#view = client.view(localMs);
        meter.draw(this.#view, { nowMs, localMs });
      }
      if (processor !== undefined) this.#beBusyUntil(processor.measureMs());
    }
  }

  /** What comes due while the machine is busy comes late; frames and pulses that another one follows by then are left out. */
  #beBusyUntil(freeMs: number): void {
    this.#freeMs = freeMs;
    while (this.#nextPulseMs + PULSE_MS <= freeMs) this.#nextPulseMs += PULSE_MS;
    for (; this.#nextFrameMs + FRAME_MS <= freeMs; this.#nextFrameMs += FRAME_MS) this.#options.meter.dropFrame();
  }

  #drive(tick: number): Readonly<Record<string, unknown>> {
    const { drive, player } = this.#options;
    if (drive === undefined) return randomInput(this.#game.input, this.#game.tickRate, this.#rng);
    return drive(player, tick, this.#rng, this.#view);
  }
}
