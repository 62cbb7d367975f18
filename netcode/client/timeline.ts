/**
 * The times a client lives in, all on one line: the *present* that it predicts, as far ahead of what arrives as its inputs
 * need to reach the host in time, and the *past* that it draws of others, as far behind as snapshots need to be there.
 */
import type { Tick } from '../core/ids.ts';
import { ArrivalLine } from '../time/arrival-line.ts';
import { InputLead } from '../time/input-lead.ts';
import { InterpolationDelay } from '../time/interpolation-delay.ts';
import { SteeredClock } from '../time/steered-clock.ts';
import type { SamplingMoment } from './input-history.ts';

/** Inputs fixed at once at most that still tell what lead is needed: 100 ms at 60 Hz. More are caught up with, after a stop. */
const REGULAR_TICKS_MAX = 6;

export class Timeline {
  readonly #tickRate: number;
  readonly #line: ArrivalLine;
  readonly #delay: InterpolationDelay;
  readonly #lead: InputLead;
  readonly #sampling = { leadTicks: undefined as number | undefined, viewDelayTicks: 0 };
  #present: SteeredClock | undefined;
  #past: SteeredClock | undefined;

  /** `rttMs` is the first guess of the round trip. */
  constructor(game: { readonly tickRate: number; readonly sendRate: number }, rttMs: number) {
    this.#tickRate = game.tickRate;
    this.#line = new ArrivalLine(game.tickRate);
    this.#delay = new InterpolationDelay(game);
    this.#lead = new InputLead((rttMs * game.tickRate) / 1000, game.sendRate);
  }

  /** In ticks, as of the last `steer`; undefined before the first. */
  get presentTick(): number | undefined {
    return this.#present?.tick;
  }

  get pastTick(): number | undefined {
    return this.#past?.tick;
  }

  /** How the clocks stand, for the inputs that are fixed now; reused. */
  get sampling(): SamplingMoment {
    return this.#sampling;
  }

  /** Takes note of a snapshot; `newestTick` is the newest before it, undefined for the first. Returns by how much the line moved. */
  arrive(tick: Tick, newestTick: Tick | undefined, atMs: number): number {
    const moved = this.#line.add(tick, atMs);
    // What was measured against the line moves with it, and so do both targets: neither clock notices.
    if (moved !== 0) {
      this.#delay.shift(moved);
      this.#lead.shift(moved);
    }
    if (newestTick !== undefined && tick <= newestTick) return moved;
    const line = this.#line.tickAt(atMs);
    this.#delay.add(line - (newestTick ?? tick), line - tick);
    return moved;
  }

  /** An input would have been just in time with this lead. */
  needLead(ticks: number): void {
    this.#lead.report(ticks);
  }

  /** Advances both clocks; returns the present. `sampledTick` is the newest whose input is fixed. */
  steer(nowMs: number, sampledTick: Tick): number {
    const line = this.#line.tickAt(nowMs);
    const presentTarget = line + this.#lead.leadTicks;
    const pastTarget = line - this.#delay.ticks;
    this.#present ??= new SteeredClock(this.#tickRate, presentTarget, nowMs);
    this.#past ??= new SteeredClock(this.#tickRate, pastTarget, nowMs);
    const past = this.#past.advance(nowMs, pastTarget);
    const present = this.#present.advance(nowMs, presentTarget);
    // Inputs that are fixed late because the clock leapt or stood say nothing about the network.
    const isRegular = !this.#present.hasJumped && Math.floor(present) - sampledTick <= REGULAR_TICKS_MAX;
    this.#sampling.leadTicks = isRegular ? present - line : undefined;
    this.#sampling.viewDelayTicks = present - past;
    return present;
  }

  /** How many ticks older than what could have arrived now a state is. */
  ageOf(tick: Tick, nowMs: number): number {
    return Math.max(0, this.#line.tickAt(nowMs) - tick);
  }

  stats() {
    const msPerTick = 1000 / this.#tickRate;
    return {
      jitterMs: this.#delay.jitterTicks * msPerTick,
      interpolationDelayMs: this.#delay.ticks * msPerTick,
      inputLeadMs: this.#lead.leadTicks * msPerTick,
      viewDelayMs: this.#sampling.viewDelayTicks * msPerTick,
      clockDriftPpm: this.#line.driftPpm,
      clockSnaps: (this.#present?.snaps ?? 0) + (this.#past?.snaps ?? 0),
    };
  }
}
