/**
 * Watches one player's screen. Every frame it notes what was drawn where and for which tick, and once the host has been
 * through that tick it judges: how far off was it, did something stand that should move, did something leap or blink.
 */
import type { ViewEntity } from '../client/view-builder.ts';
import type { EntityId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import { DrawnTally, type Incident, worse } from './drawn-tally.ts';
import { distance, type Place, type Point, pointOf, type Truth } from './truth.ts';

/** Frames a second: what most screens draw. */
export const FRAMES_PER_SECOND = 60;
/** A thing may stand for so long while the host moves it: two frames, and half a one because clocks are not exact. */
const STILL_MS_MAX = (2.5 * 1000) / FRAMES_PER_SECOND;
/** Drawn slower than this part of the host's motion is standing. */
const STILL_PART = 0.1;
/** A drawn acceleration may be so much larger than the host's sharpest around that moment: frames do not fall on ticks. */
const JUMP_MARGIN = 1.5;
/** How far around the moment the host's motion is looked at, in ms: an input that came late acts a little later there. */
const JUMP_WINDOW_MS = 100;
/** What steered clocks may do to a thing in steady motion: from 5 % too slow to 5 % too fast in one frame. */
const CLOCK_PART = 0.1;
/** Rounding: positions are whole steps, and a bend takes four of them. */
const ROUNDING_STEPS = 2;
/** Nobody sees a motion change by less than this in a frame. */
const VISIBLE_PX = 1;
/** What leaps again within this time after a jump is still the same jump. */
const SAME_JUMP_MS = 200;
/** Gone for longer than this is no blink: what comes back then is new to the eye. */
const BLINK_MS_MAX = 1000;

/** What a screen shows, and for which ticks. */
export interface DrawnFrame {
  readonly view: readonly ViewEntity[];
  readonly atMs: number;
  /** The tick that predicted things are drawn for. */
  readonly present: number;
  /** The tick that interpolated things are drawn for. */
  readonly past: number;
}

interface Sample {
  readonly frame: number;
  readonly atMs: number;
  readonly id: EntityId;
  readonly place: Place;
  readonly isMine: boolean;
  readonly isPredicted: boolean;
  /** The tick that it was drawn for. */
  readonly moment: number;
  readonly at: Point;
}

/**
 * The last two drawn positions of a thing, and what is going on with it. Only while the host has the thing at both ticks
 * around: at birth and death there is but one place to draw it at.
 */
interface Track {
  before: Sample | undefined;
  last: Sample;
  stillMs: number;
  jumpedMs: number;
}

export interface WatcherOptions {
  readonly truth: Truth;
  readonly places: readonly (Place | undefined)[];
  readonly pixelsPerUnit: number;
}

export class Watcher {
  /** The player's own things, drawn in the predicted present. */
  readonly own = new DrawnTally();
  /** Everything else. */
  readonly others = new DrawnTally();
  readonly #game: AnyGame;
  readonly #truth: Truth;
  readonly #placeOf: ReadonlyMap<string, Place | undefined>;
  readonly #pixelsPerUnit: number;
  readonly #msPerTick: number;
  readonly #windowTicks: number;
  /** Ticks between snapshots: between two, a leap that is not declared can only be drawn as a way. */
  readonly #snapshotTicks: number;
  /** Whether everybody sees everything: if not, what is gone from the screen may be out of sight. */
  readonly #isAllSeen: boolean;
  readonly #tracks = new Map<EntityId, Track>();
  /** Drawn, and to be judged when the host has got so far; in the order of drawing. */
  readonly #present: Sample[] = [];
  readonly #past: Sample[] = [];
  #frame = 0;

  constructor(game: AnyGame, { truth, places, pixelsPerUnit }: WatcherOptions) {
    this.#game = game;
    this.#truth = truth;
    this.#placeOf = new Map(game.kinds.map(({ name, index }) => [name, places[index]]));
    this.#pixelsPerUnit = pixelsPerUnit;
    this.#msPerTick = 1000 / game.tickRate;
    this.#windowTicks = Math.ceil((JUMP_WINDOW_MS * game.tickRate) / 1000);
    this.#snapshotTicks = game.tickRate / game.sendRate;
    this.#isAllSeen = game.interest === undefined && game.spec.isVisible === undefined;
  }

  /** Notes a drawn frame and judges the earlier ones that are due. */
  watch({ view, atMs, present, past }: DrawnFrame): void {
    const frame = ++this.#frame;
    for (const entity of view) {
      const place = this.#placeOf.get(entity.kind);
      const at = place === undefined ? undefined : pointOf(entity[place.name]);
      if (place === undefined || at === undefined) continue;
      const { predict } = this.#game.kinds[place.kind]!;
      const { id, isMine } = entity;
      const isPredicted = predict === 'all' || (predict === 'owner' && isMine);
      const moment = isPredicted ? present : past;
      (isPredicted ? this.#present : this.#past).push({ frame, atMs, id, place, isMine, isPredicted, moment, at });
    }
    this.#judgeDue(this.#present);
    this.#judgeDue(this.#past);
  }

  #judgeDue(samples: Sample[]): void {
    const dueTick = this.#truth.tick - 1 - this.#windowTicks;
    let count = 0;
    while (count < samples.length && samples[count]!.moment < dueTick) this.#judge(samples[count++]!);
    samples.splice(0, count);
  }

  #judge(sample: Sample): void {
    const { place, id, moment, frame } = sample;
    const tally = sample.isMine && sample.isPredicted ? this.own : this.others;
    const error = this.#truth.errorOf(place, id, sample);
    if (error === undefined) {
      if (!this.#truth.has(place, id, moment)) tally.phantoms++;
      this.#tracks.delete(id);
      return;
    }
    const errorPx = error * this.#pixelsPerUnit;
    tally.error.add(errorPx);
    if (errorPx > (tally.worstError?.px ?? 0)) tally.worstError = this.#incident(errorPx, sample);
    const track = this.#tracks.get(id);
    if (track === undefined || track.last.frame !== frame - 1 || track.last.isPredicted !== sample.isPredicted) {
      if (track !== undefined && this.#isBlink(track.last, sample)) tally.blinks++;
      this.#tracks.set(id, { before: undefined, last: sample, stillMs: 0, jumpedMs: -Infinity });
      return;
    }
    this.#judgeStanding(track, sample, tally);
    this.#judgeJump(track, sample, tally);
    track.before = track.last;
    track.last = sample;
  }

  /** Not drawn for a while, though the host had the same thing in all the ticks between. */
  #isBlink(last: Sample, { id, place, frame, atMs, moment }: Sample): boolean {
    if (!this.#isAllSeen || last.frame === frame - 1 || atMs - last.atMs > BLINK_MS_MAX) return false;
    for (let tick = Math.floor(last.moment); tick <= moment; tick++) if (this.#truth.at(place, id, tick) === undefined) return false;
    return true;
  }

  #judgeStanding(track: Track, { place, id, atMs, moment, at }: Sample, tally: DrawnTally): void {
    const frameMs = atMs - track.last.atMs;
    const from = this.#truth.between(place, id, moment - frameMs / this.#msPerTick);
    const to = this.#truth.between(place, id, moment);
    const due = from === undefined || to === undefined ? 0 : distance(from, to);
    const isStanding = due > place.step && distance(track.last.at, at) < due * STILL_PART;
    const wasFrozen = track.stillMs > STILL_MS_MAX;
    track.stillMs = isStanding ? track.stillMs + frameMs : 0;
    if (track.stillMs <= STILL_MS_MAX) return;
    if (!wasFrozen) tally.freezes++;
    tally.longestFreezeMs = Math.max(tally.longestFreezeMs, track.stillMs);
  }

  #judgeJump(track: Track, sample: Sample, tally: DrawnTally): void {
    const { place, id, atMs } = sample;
    const { before, last } = track;
    if (before === undefined) return;
    const drawn = bendOf(before, last, sample);
    const rounding = ROUNDING_STEPS * place.step;
    if (drawn <= rounding || drawn * this.#pixelsPerUnit <= VISIBLE_PX) return;
    const first = Math.min(before.moment, sample.moment);
    const final = Math.max(before.moment, sample.moment);
    // A leap of the host's is drawn at its tick, or (not declared, and drawn from the past) on the way between two snapshots.
    if (this.#truth.leapsWithin({ place, id }, first, final, sample.isPredicted ? 1 : this.#snapshotTicks)) return;
    const motion = this.#truth.motion(place, id, Math.floor(first) - this.#windowTicks, Math.ceil(final) + this.#windowTicks);
    // What bends at a tick shows in one frame; if frames are longer than ticks, several bends add up. Between snapshots, too.
    const frameTicks = Math.max(atMs - last.atMs, last.atMs - before.atMs) / this.#msPerTick;
    const stretch = Math.max(frameTicks, frameTicks * frameTicks) * (sample.isPredicted ? 1 : this.#snapshotTicks);
    if (drawn <= motion.bend * stretch * JUMP_MARGIN + motion.speed * frameTicks * CLOCK_PART + rounding) return;
    if (atMs - track.jumpedMs > SAME_JUMP_MS) {
      tally.jumps++;
      track.jumpedMs = atMs;
    }
    tally.worstJump = worse(tally.worstJump, this.#incident(drawn * this.#pixelsPerUnit, sample));
  }

  #incident(px: number, { place, id, moment }: Sample): Incident {
    return { px, kind: this.#game.kinds[place.kind]!.name, id, tick: Math.floor(moment) };
  }
}

/** How far a thing is from where it would be had it gone on as in the frame before; frames may be of different length. */
function bendOf(before: Sample, last: Sample, now: Sample): number {
  const stretch = (now.atMs - last.atMs) / (last.atMs - before.atMs);
  const on = (axis: 0 | 1 | 2): number => last.at[axis] + (last.at[axis] - before.at[axis]) * stretch;
  return distance(now.at, [on(0), on(1), on(2)]);
}
