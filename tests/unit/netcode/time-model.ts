/**
 * The clocks of one guest without a game: a host that needs an input every tick and sends snapshots that hold nothing, and a
 * guest that steers its two times by them, over a network in virtual time. What a real match does with its clocks, but
 * seconds of it in a millisecond.
 */
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { ArrivalLine } from '../../../netcode/time/arrival-line.ts';
import { InputLead } from '../../../netcode/time/input-lead.ts';
import { InterpolationDelay } from '../../../netcode/time/interpolation-delay.ts';
import { SteeredClock } from '../../../netcode/time/steered-clock.ts';
import { ConditionedPath, type Conditions, conditionsOf } from '../../../netcode/transport/conditions.ts';

const PULSE_MS = 4;
/** As in the client: more ticks at once are no measure of the network. */
const REGULAR_TICKS_MAX = 6;
const INPUTS_PER_PACKET = 32;

export interface TimeModelOptions {
  readonly conditions: Partial<Conditions>;
  readonly seed: number;
  readonly tickRate?: number;
  readonly sendRate?: number;
  /** What the handshake is said to have measured. Default: the truth. */
  readonly rttMs?: number;
  /** How much faster the host's clock runs. */
  readonly driftPpm?: number;
}

interface Snapshot {
  readonly tick: number;
  readonly report: { readonly tick: number; readonly earliness: number } | undefined;
}

export class TimeModel {
  readonly line: ArrivalLine;
  readonly delay: InterpolationDelay;
  readonly lead: InputLead;
  present: SteeredClock | undefined;
  past: SteeredClock | undefined;
  /** Ticks that the host ran, and how many of them without their input. */
  ticks = 0;
  lateInputs = 0;
  newestTick = -1;
  nowMs = 0;
  /** Called after each of the guest's pulses. */
  onPulse: (() => void) | undefined;
  readonly #down: ConditionedPath;
  readonly #up: ConditionedPath;
  readonly #ticksPerMs: number;
  readonly #interval: number;
  readonly #drift: number;
  readonly #snapshots: Snapshot[] = [];
  readonly #inputs: number[] = [];
  readonly #arrived = new Set<number>();
  readonly #leads = new Map<number, number>();
  #newestArrived = 0;
  #worst: Snapshot['report'];
  #hostTick = 0;
  #sampled = 0;

  constructor({ conditions, seed, tickRate = 60, sendRate = 60, rttMs, driftPpm = 0 }: TimeModelOptions) {
    const full = conditionsOf(conditions);
    this.#down = new ConditionedPath(new Sfc32(seed * 2), full, 0);
    this.#up = new ConditionedPath(new Sfc32(seed * 2 + 1), full, 0);
    this.#ticksPerMs = tickRate / 1000;
    this.#interval = tickRate / sendRate;
    this.#drift = driftPpm / 1e6;
    this.line = new ArrivalLine(tickRate);
    this.delay = new InterpolationDelay({ tickRate, sendRate });
    this.lead = new InputLead((rttMs ?? 2 * full.delayMs) * this.#ticksPerMs, sendRate);
  }

  setConditions(conditions: { readonly down?: Partial<Conditions>; readonly up?: Partial<Conditions> }): void {
    if (conditions.down !== undefined) this.#down.setConditions(conditionsOf(conditions.down), this.nowMs);
    if (conditions.up !== undefined) this.#up.setConditions(conditionsOf(conditions.up), this.nowMs);
  }

  /** The host's time in ticks: what the guest's clocks are judged by. */
  get hostTime(): number {
    return this.nowMs * this.#ticksPerMs * (1 + this.#drift);
  }

  /** How old the newest snapshot is, in ticks. */
  get newestAge(): number {
    return this.hostTime - this.newestTick;
  }

  run(seconds: number): void {
    const endMs = this.nowMs + seconds * 1000;
    while (this.nowMs < endMs) {
      this.nowMs += PULSE_MS / 2;
      this.#pulseGuest();
      this.nowMs += PULSE_MS / 2;
      this.#pulseHost();
    }
  }

  #pulseHost(): void {
    this.#up.deliver(this.nowMs, { state: (bytes, atMs) => this.#hear(this.#inputs[idOf(bytes)]!, atMs), control() {}, close() {} });
    let isDue = false;
    while (this.#hostTick + 1 <= this.hostTime) {
      this.#hostTick++;
      this.ticks++;
      if (!this.#arrived.delete(this.#hostTick)) this.lateInputs++;
      isDue ||= this.#hostTick % this.#interval === 0;
    }
    if (!isDue) return;
    this.#down.sendState(bytesOf(this.#snapshots.length), this.nowMs);
    this.#snapshots.push({ tick: this.#hostTick, report: this.#worst });
    this.#worst = undefined;
  }

  #hear(newest: number, atMs: number): void {
    if (newest <= this.#newestArrived) return;
    const oldestNew = Math.max(this.#newestArrived, newest - INPUTS_PER_PACKET) + 1;
    const exact = oldestNew - atMs * this.#ticksPerMs * (1 + this.#drift);
    const earliness = Math.min(31.75, Math.max(-31.75, Math.round(exact * 4) / 4));
    if (earliness < (this.#worst?.earliness ?? Infinity)) this.#worst = { tick: oldestNew, earliness };
    for (let tick = oldestNew; tick <= newest; tick++) if (tick > this.#hostTick) this.#arrived.add(tick);
    this.#newestArrived = newest;
  }

  #pulseGuest(): void {
    this.#down.deliver(this.nowMs, {
      state: (bytes, atMs) => this.#receive(this.#snapshots[idOf(bytes)]!, atMs),
      control() {},
      close() {},
    });
    if (this.newestTick < 0) return;
    const line = this.line.tickAt(this.nowMs);
    this.present ??= new SteeredClock(this.#ticksPerMs * 1000, line + this.lead.leadTicks, this.nowMs);
    this.past ??= new SteeredClock(this.#ticksPerMs * 1000, line - this.delay.ticks, this.nowMs);
    this.past.advance(this.nowMs, line - this.delay.ticks);
    const present = this.present.advance(this.nowMs, line + this.lead.leadTicks);
    const target = Math.floor(present) + 1;
    if (target > this.#sampled) {
      const isRegular = !this.present.hasJumped && target - this.#sampled <= REGULAR_TICKS_MAX;
      if (isRegular) for (let tick = this.#sampled + 1; tick <= target; tick++) this.#leads.set(tick, present - line);
      this.#sampled = target;
      this.#up.sendState(bytesOf(this.#inputs.length), this.nowMs);
      this.#inputs.push(target);
    }
    this.onPulse?.();
  }

  #receive({ tick, report }: Snapshot, atMs: number): void {
    const moved = this.line.add(tick, atMs);
    if (moved !== 0) {
      this.delay.shift(moved);
      this.lead.shift(moved);
      for (const [of, lead] of this.#leads) this.#leads.set(of, lead - moved);
    }
    if (tick > this.newestTick) {
      const line = this.line.tickAt(atMs);
      this.delay.add(line - this.newestTick, line - tick);
      this.newestTick = tick;
    }
    const lead = report === undefined ? undefined : this.#leads.get(report.tick);
    if (lead !== undefined) this.lead.report(lead - report!.earliness);
    for (const old of this.#leads.keys()) {
      if (old > this.#sampled - 128) break;
      this.#leads.delete(old);
    }
  }
}

function bytesOf(id: number): Uint8Array {
  return Uint8Array.of(id & 255, (id >> 8) & 255, (id >> 16) & 255);
}

const idOf = (bytes: Uint8Array): number => bytes[0]! + bytes[1]! * 256 + bytes[2]! * 65_536;
