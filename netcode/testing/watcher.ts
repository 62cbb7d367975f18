/**
 * Watches one player's screen. Every frame it notes what was drawn where and for which tick, and once the host has been
 * through that tick it judges: how far off was it, did something stand that should move, did something leap.
 */
import type { EntityId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { ViewEntity } from '../client/view-builder.ts';
import { Histogram, type Spread } from './histogram.ts';
import { bend, distance, type Place, type Point, pointOf, type Truth } from './truth.ts';

/** Frames a second: what most screens draw. */
export const FRAMES_PER_SECOND = 60;
/** A thing may stand for so many frames while the host moves it; in the next it is frozen. */
const STILL_FRAMES_MAX = 2;
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
/** What leaps again within this time is still the same jump. */
const SAME_JUMP_FRAMES = 12;

/** The worst of its kind: where to look. */
export interface Incident {
  readonly px: number;
  /** Of entity. */
  readonly kind: string;
  readonly id: EntityId;
  /** The tick that was being drawn. */
  readonly tick: number;
}

/** How a group of things was drawn. Distances in pixels: the position's unit times `pixelsPerUnit`. */
export interface DrawnReport {
  /** Drawn positions that were judged: one a thing and frame. */
  readonly samples: number;
  /** Distance between what was drawn for a tick and what the host says for it. */
  readonly errorPx: Spread;
  /** Undefined if nothing was off by anything. */
  readonly worstError: Incident | undefined;
  /** Part of the drawn things that the host did not have at that tick: predicted in vain, or gone already. */
  readonly phantoms: number;
  /** Times that a thing stood for more than 2 frames while the host moved it. */
  readonly freezes: number;
  readonly longestFreezeMs: number;
  /** Times that a thing changed its motion more than the host's rules did around that tick. */
  readonly jumps: number;
  /** By how much a thing's way in one frame differed from that in the frame before. */
  readonly worstJump: Incident | undefined;
}

export class DrawnTally {
  readonly error = new Histogram();
  worstError: Incident | undefined;
  phantoms = 0;
  freezes = 0;
  longestFreezeFrames = 0;
  jumps = 0;
  worstJump: Incident | undefined;

  addAll(other: DrawnTally): void {
    this.error.addAll(other.error);
    this.phantoms += other.phantoms;
    this.freezes += other.freezes;
    this.longestFreezeFrames = Math.max(this.longestFreezeFrames, other.longestFreezeFrames);
    this.jumps += other.jumps;
    this.worstError = worse(this.worstError, other.worstError);
    this.worstJump = worse(this.worstJump, other.worstJump);
  }

  report(): DrawnReport {
    const samples = this.error.count + this.phantoms;
    return {
      samples,
      errorPx: this.error.spread(),
      worstError: this.worstError,
      phantoms: samples === 0 ? 0 : this.phantoms / samples,
      freezes: this.freezes,
      longestFreezeMs: (this.longestFreezeFrames * 1000) / FRAMES_PER_SECOND,
      jumps: this.jumps,
      worstJump: this.worstJump,
    };
  }
}

function worse(a: Incident | undefined, b: Incident | undefined): Incident | undefined {
  return a === undefined || (b !== undefined && b.px > a.px) ? b : a;
}

interface Sample {
  readonly frame: number;
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
  stillFrames: number;
  jumpedFrame: number;
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
  readonly #ticksPerFrame: number;
  readonly #windowTicks: number;
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
    this.#ticksPerFrame = game.tickRate / FRAMES_PER_SECOND;
    this.#windowTicks = Math.ceil((JUMP_WINDOW_MS * game.tickRate) / 1000);
  }

  /** Notes a drawn frame and judges the earlier ones that are due. `present` and `past`: the ticks drawn for. */
  watch(view: readonly ViewEntity[], present: number, past: number): void {
    this.#frame++;
    for (const entity of view) {
      const place = this.#placeOf.get(entity.kind);
      const at = place === undefined ? undefined : pointOf(entity[place.name]);
      if (place === undefined || at === undefined) continue;
      const { predict } = this.#game.kinds[place.kind]!;
      const { id, isMine } = entity;
      const isPredicted = predict === 'all' || (predict === 'owner' && isMine);
      const moment = isPredicted ? present : past;
      (isPredicted ? this.#present : this.#past).push({ frame: this.#frame, id, place, isMine, isPredicted, moment, at });
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
      this.#tracks.set(id, { before: undefined, last: sample, stillFrames: 0, jumpedFrame: -Infinity });
      return;
    }
    this.#judgeStanding(track, sample, tally);
    this.#judgeJump(track, sample, tally);
    track.before = track.last;
    track.last = sample;
  }

  #judgeStanding(track: Track, { place, id, moment, at }: Sample, tally: DrawnTally): void {
    const from = this.#truth.between(place, id, moment - this.#ticksPerFrame);
    const to = this.#truth.between(place, id, moment);
    const due = from === undefined || to === undefined ? 0 : distance(from, to);
    const isStanding = due > place.step && distance(track.last.at, at) < due * STILL_PART;
    track.stillFrames = isStanding ? track.stillFrames + 1 : 0;
    if (track.stillFrames === STILL_FRAMES_MAX + 1) tally.freezes++;
    if (track.stillFrames > STILL_FRAMES_MAX) tally.longestFreezeFrames = Math.max(tally.longestFreezeFrames, track.stillFrames);
  }

  #judgeJump(track: Track, sample: Sample, tally: DrawnTally): void {
    const { place, id, frame } = sample;
    if (track.before === undefined) return;
    const drawn = bend(track.before.at, track.last.at, sample.at);
    const rounding = ROUNDING_STEPS * place.step;
    if (drawn <= rounding || drawn * this.#pixelsPerUnit <= VISIBLE_PX) return;
    const fromTick = Math.floor(Math.min(track.before.moment, sample.moment)) - this.#windowTicks;
    const toTick = Math.ceil(Math.max(track.before.moment, sample.moment)) + this.#windowTicks;
    const motion = this.#truth.motion(place, id, fromTick, toTick);
    // What bends at a tick shows in one frame; if frames are longer than ticks, several bends add up. Between snapshots, too.
    const frameTicks = this.#ticksPerFrame;
    const stretch = Math.max(frameTicks, frameTicks * frameTicks) * (sample.isPredicted ? 1 : this.#game.tickRate / this.#game.sendRate);
    if (drawn <= motion.bend * stretch * JUMP_MARGIN + motion.speed * frameTicks * CLOCK_PART + rounding) return;
    if (frame - track.jumpedFrame > SAME_JUMP_FRAMES) tally.jumps++;
    track.jumpedFrame = frame;
    if (drawn * this.#pixelsPerUnit > (tally.worstJump?.px ?? 0)) tally.worstJump = this.#incident(drawn * this.#pixelsPerUnit, sample);
  }

  #incident(px: number, { place, id, moment }: Sample): Incident {
    return { px, kind: this.#game.kinds[place.kind]!.name, id, tick: Math.floor(moment) };
  }
}
