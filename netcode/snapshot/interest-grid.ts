/**
 * Where everything is, once for all clients: the entities that have a position, in square cells as wide as a player sees.
 * What is near an eye is then found in nine cells, however large the world is. Cells are hashed into a table of twice as
 * many buckets as there are entities (Teschner et al., "Optimized Spatial Hashing", 2003), so that a world has no borders
 * and empty space costs nothing. Heights count in distances but not for cells: worlds are flatter than they are wide.
 *
 * Entities are numbered through all kinds that have a position, in the order of kinds and ids. Distances are compared in
 * the stored steps of each kind, which are whole numbers: what is at the border is so for every entity of it alike.
 */
import type { AnyGame, InterestRules, Place } from '../define-game.ts';
import { NOBODY, type PlayerId, PLAYERS_MAX } from '../core/ids.ts';
import type { Table, WorldState } from '../world/world-state.ts';

/** How an entity relates to the player that is being asked about. */
export const WITHIN_LEAVE = 1;
export const WITHIN_ENTER = 2;
export const OWN = 3;
type Nearness = typeof WITHIN_LEAVE | typeof WITHIN_ENTER | typeof OWN;
/** Marks of one player are above those of the player before, so that they need no clearing. */
const MARKS_PER_PLAYER = 4;

/** Buckets at least; and how many an entity, so that few cells share one. */
const BUCKETS_MIN = 64;
const BUCKETS_PER_ENTITY = 2;
/** Two large primes, as in the paper. */
const HASH_X = 73_856_093;
const HASH_Y = 19_349_663;

/** A place to look from, in steps of `step`. */
export interface Eye {
  x: number;
  y: number;
  z: number;
  step: number;
  /** Without a height: sees all heights alike. */
  isFlat: boolean;
}

/** What distances are measured with in the steps of one kind. */
interface Scale {
  readonly place: Place;
  readonly enterSquared: number;
  readonly leaveSquared: number;
}

export class InterestGrid {
  /** Entities whose distance was measured since the grid was made: what interest costs. */
  measured = 0;
  /** The state that `rebuild` was given last. */
  state: WorldState;
  /** The numbers of the entities found near the player by now, `foundCount` of them. */
  found = new Int32Array(0);
  foundCount = 0;
  #spare = new Int32Array(0);
  readonly #scales: readonly (Scale | undefined)[];
  readonly #cellSide: number;
  /** By kind: the number of its first entity, and one beyond the last kind's; kinds without a position have none. */
  readonly #firsts: Int32Array;
  /** By number: what it is, and where, in its kind's steps. */
  #kinds = new Uint8Array(0);
  #x = new Int32Array(0);
  #y = new Int32Array(0);
  #z = new Int32Array(0);
  #marks = new Int32Array(0);
  #mark = 0;
  /** Numbers by bucket: those of bucket b are at `#bucketEnds[b - 1]` to `#bucketEnds[b] - 1` of `#byBucket`. */
  #bucketEnds = new Int32Array(BUCKETS_MIN);
  #byBucket = new Int32Array(0);
  #bucketOf = new Int32Array(0);
  #mask = BUCKETS_MIN - 1;
  /** Numbers by owner, in the same way. */
  readonly #ownerEnds = new Int32Array(PLAYERS_MAX + 1);
  #byOwner = new Int32Array(0);
  /** The eye in the steps of each kind. */
  readonly #eyeX: Float64Array;
  readonly #eyeY: Float64Array;
  readonly #eyeZ: Float64Array;
  /** 1 if heights count between the eye and a kind, else 0. */
  readonly #eyeHeight: Float64Array;

  constructor(game: AnyGame, state: WorldState) {
    const kindCount = game.kinds.length;
    this.state = state;
    this.#scales = game.kinds.map((kind) => scaleOf(game.interest, kind.index));
    let stepMax = 0;
    for (const scale of this.#scales) stepMax = Math.max(stepMax, scale?.place.step ?? 0);
    // A step wider than needed: whatever rounding does, what is within `leave` is in a neighbouring cell.
    this.#cellSide = (game.interest?.leave ?? 0) + stepMax;
    this.#firsts = new Int32Array(kindCount + 1);
    this.#eyeX = new Float64Array(kindCount);
    this.#eyeY = new Float64Array(kindCount);
    this.#eyeZ = new Float64Array(kindCount);
    this.#eyeHeight = new Float64Array(kindCount);
    this.rebuild(state);
  }

  /** Takes in a state. It must stay as it is until the players have been asked about. */
  rebuild(state: WorldState): void {
    this.state = state;
    let count = 0;
    for (let k = 0; k < this.#scales.length; k++) {
      this.#firsts[k] = count;
      if (this.#scales[k] !== undefined) count += state.tables[k]!.count;
    }
    this.#firsts[this.#scales.length] = count;
    this.#reserve(count);
    this.#marks.fill(0);
    this.#mark = 0;
    this.foundCount = 0;
    this.#bucketEnds.fill(0);
    this.#ownerEnds.fill(0);
    for (let k = 0; k < this.#scales.length; k++) {
      const scale = this.#scales[k];
      if (scale !== undefined) this.#place(state.tables[k]!, scale.place);
    }
    endsOfCounts(this.#bucketEnds);
    endsOfCounts(this.#ownerEnds);
    this.#fill(state);
  }

  /** Whether a kind's entities have a place: the others are known to everybody. */
  hasPlaces(kind: number): boolean {
    return this.#scales[kind] !== undefined;
  }

  /** Begins to ask about a player: their own entities are found. */
  begin(player: PlayerId): void {
    this.#mark += MARKS_PER_PLAYER;
    this.foundCount = 0;
    if (player === NOBODY) return;
    const end = this.#ownerEnds[player]!;
    for (let i = this.#ownerEnds[player - 1]!; i < end; i++) this.#find(this.#byOwner[i]!, OWN);
  }

  /** Finds what is within `leave` of an eye. */
  look(eye: Eye): void {
    for (let k = 0; k < this.#scales.length; k++) this.#scaleEye(eye, k);
    const cellX = Math.floor((eye.x * eye.step) / this.#cellSide);
    const cellY = Math.floor((eye.y * eye.step) / this.#cellSide);
    for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) this.#measure(this.#bucket(cellX + dx, cellY + dy));
  }

  /** Puts what was found in the order of numbers. Each cell came in order: what is left to do is to merge a few runs. */
  sortFound(): void {
    let runs = 2;
    while (runs > 1) {
      runs = mergeRuns(this.found, this.#spare, this.foundCount);
      const sorted = this.#spare;
      this.#spare = this.found;
      this.found = sorted;
    }
  }

  /** How near a found entity is. */
  nearness(number: number): Nearness {
    return (this.#marks[number]! - this.#mark) as Nearness;
  }

  kindOf(number: number): number {
    return this.#kinds[number]!;
  }

  rowOf(number: number): number {
    return number - this.#firsts[this.#kinds[number]!]!;
  }

  /** Makes `eye` look from where an entity is. */
  placeEye(eye: Eye, number: number): void {
    const { step, isFlat } = this.#scales[this.#kinds[number]!]!.place;
    eye.x = this.#x[number]!;
    eye.y = this.#y[number]!;
    eye.z = this.#z[number]!;
    eye.step = step;
    eye.isFlat = isFlat;
  }

  /** Reads where one kind's entities are, and counts them by bucket and owner. */
  #place({ kind, data, stride, count }: Table, { at, step, isFlat }: Place): void {
    const first = this.#firsts[kind.index]!;
    for (let row = 0; row < count; row++) {
      const number = first + row;
      const x = data[row * stride + at]!;
      const y = data[row * stride + at + 1]!;
      const bucket = this.#bucket(Math.floor((x * step) / this.#cellSide), Math.floor((y * step) / this.#cellSide));
      this.#kinds[number] = kind.index;
      this.#x[number] = x;
      this.#y[number] = y;
      this.#z[number] = isFlat ? 0 : data[row * stride + at + 2]!;
      this.#bucketOf[number] = bucket;
      this.#bucketEnds[bucket]!++;
      this.#ownerEnds[data[row * stride]!]!++;
    }
  }

  /** Puts the numbers where they belong, from the ends downwards: afterwards the ends are beginnings, and are set right again. */
  #fill(state: WorldState): void {
    for (let number = this.#firsts[this.#scales.length]! - 1; number >= 0; number--) {
      const table = state.tables[this.#kinds[number]!]!;
      const owner = table.data[this.rowOf(number) * table.stride]!;
      this.#byBucket[--this.#bucketEnds[this.#bucketOf[number]!]!] = number;
      this.#byOwner[--this.#ownerEnds[owner]!] = number;
    }
    const count = this.#firsts[this.#scales.length]!;
    endsOfBeginnings(this.#bucketEnds, count);
    endsOfBeginnings(this.#ownerEnds, count);
  }

  #bucket(cellX: number, cellY: number): number {
    return (Math.imul(cellX, HASH_X) ^ Math.imul(cellY, HASH_Y)) & this.#mask;
  }

  #scaleEye(eye: Eye, kind: number): void {
    const scale = this.#scales[kind];
    if (scale === undefined) return;
    // Exactly 1 between kinds of the same step.
    const ratio = eye.step / scale.place.step;
    this.#eyeX[kind] = eye.x * ratio;
    this.#eyeY[kind] = eye.y * ratio;
    this.#eyeZ[kind] = eye.z * ratio;
    this.#eyeHeight[kind] = eye.isFlat || scale.place.isFlat ? 0 : 1;
  }

  #measure(bucket: number): void {
    const end = this.#bucketEnds[bucket]!;
    const begin = bucket === 0 ? 0 : this.#bucketEnds[bucket - 1]!;
    this.measured += end - begin;
    for (let i = begin; i < end; i++) {
      const number = this.#byBucket[i]!;
      const kind = this.#kinds[number]!;
      const dx = this.#x[number]! - this.#eyeX[kind]!;
      const dy = this.#y[number]! - this.#eyeY[kind]!;
      const dz = (this.#z[number]! - this.#eyeZ[kind]!) * this.#eyeHeight[kind]!;
      const squared = dx * dx + dy * dy + dz * dz;
      const { enterSquared, leaveSquared } = this.#scales[kind]!;
      if (squared < enterSquared) this.#find(number, WITHIN_ENTER);
      else if (squared <= leaveSquared) this.#find(number, WITHIN_LEAVE);
    }
  }

  #find(number: number, nearness: Nearness): void {
    const mark = this.#marks[number]!;
    if (mark <= this.#mark) this.found[this.foundCount++] = number;
    if (mark < this.#mark + nearness) this.#marks[number] = this.#mark + nearness;
  }

  #reserve(count: number): void {
    if (count <= this.found.length) return;
    const size = Math.max(count, this.found.length * 2);
    this.found = new Int32Array(size);
    this.#spare = new Int32Array(size);
    this.#kinds = new Uint8Array(size);
    this.#x = new Int32Array(size);
    this.#y = new Int32Array(size);
    this.#z = new Int32Array(size);
    this.#marks = new Int32Array(size);
    this.#byBucket = new Int32Array(size);
    this.#bucketOf = new Int32Array(size);
    this.#byOwner = new Int32Array(size);
    let buckets = BUCKETS_MIN;
    while (buckets < size * BUCKETS_PER_ENTITY) buckets *= 2;
    this.#bucketEnds = new Int32Array(buckets);
    this.#mask = buckets - 1;
  }
}

function scaleOf(rules: InterestRules | undefined, kind: number): Scale | undefined {
  const place = rules?.places[kind];
  if (rules === undefined || place === undefined) return undefined;
  const enter = rules.enter / place.step;
  const leave = rules.leave / place.step;
  return { place, enterSquared: enter * enter, leaveSquared: leave * leave };
}

/** Turns how many each has into where each ends. */
function endsOfCounts(counts: Int32Array): void {
  let end = 0;
  for (let i = 0; i < counts.length; i++) {
    end += counts[i]!;
    counts[i] = end;
  }
}

/** Turns where each begins into where each ends. */
function endsOfBeginnings(begins: Int32Array, count: number): void {
  for (let i = 1; i < begins.length; i++) begins[i - 1] = begins[i]!;
  begins[begins.length - 1] = count;
}

/** Copies `count` numbers, each ascending run merged with the next one; returns how many runs are left. */
function mergeRuns(from: Int32Array, to: Int32Array, count: number): number {
  let runs = 0;
  let out = 0;
  while (out < count) {
    let a = out;
    const aEnd = endOfRun(from, a, count);
    let b = aEnd;
    const bEnd = endOfRun(from, b, count);
    while (a < aEnd && b < bEnd) to[out++] = from[a]! < from[b]! ? from[a++]! : from[b++]!;
    while (a < aEnd) to[out++] = from[a++]!;
    while (b < bEnd) to[out++] = from[b++]!;
    runs++;
  }
  return runs;
}

function endOfRun(numbers: Int32Array, begin: number, count: number): number {
  let end = Math.min(begin + 1, count);
  while (end < count && numbers[end]! > numbers[end - 1]!) end++;
  return end;
}
