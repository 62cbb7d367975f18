/**
 * Builds what is drawn: for each entity the time its policy says (the predicted present or the received past), blended
 * between two ticks, with corrections eased. Objects are kept from frame to frame, so drawing allocates next to nothing.
 *
 * What is drawn without errors is a path that news may replace: a replay that of predicted things, a packet that of
 * received ones which went on by guess. So whoever takes in news calls `keep…` before and `ease…` after. Both paths are
 * then compared at the same moment, place and velocity, and what differs becomes an error that is eased. Where nothing
 * was refuted that is a comparison of integers, or not even that.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import { type Bracket, blendEntity, type BlendPlan, blendPlanOf } from '../world/blend.ts';
import { type StateHistory, type Table, WorldState } from '../world/world-state.ts';
import { type Change, Correction } from './correction.ts';
import { bracketAt, type DrawnBracket } from './interpolation.ts';

export type ViewEntity = { readonly id: EntityId; readonly kind: string; owner: PlayerId; isMine: boolean } & Record<string, unknown>;

/** What is predicted. */
export interface PredictedStates {
  /** The newest predicted tick. `stateAt` may know the next one, too, but only to be drawn. */
  readonly tick: Tick;
  /** The newest tick that the host said and that what is predicted starts from. */
  readonly authorityTick: Tick;
  /** While a replay is under way the newest states are still those from before it. */
  readonly isReplaying: boolean;
  stateAt(tick: Tick): WorldState | undefined;
}

export interface ViewMoment {
  readonly prediction: PredictedStates;
  /** False while the machine is too slow to predict: then everything is drawn as received. */
  readonly isPredicting: boolean;
  /** The predicted time, in ticks. */
  readonly present: number;
  readonly frames: StateHistory;
  readonly newestTick: Tick;
  /** The interpolated time, in ticks. */
  readonly past: number;
  /** When it is so. */
  readonly nowMs: number;
}

/**
 * Ids are counted by each simulation, so a shot that the host denies and the next one it allows have the same, here and
 * there. They are one thing if they were made within so much time of each other: a late press, not another one.
 */
const TWIN_MS = 150;
/** Velocities are told by comparing with so much earlier: less than a tick, so that little of another motion is in it. */
const EARLIER_TICKS = 1 / 16;

/** What is drawn in one of the two times; `other` is the other one. */
interface Drawing {
  readonly bracket: DrawnBracket;
  readonly other: DrawnBracket | undefined;
  readonly isPredicted: boolean;
}

interface KindView extends BlendPlan {
  readonly row: Float64Array;
  readonly change: Change;
}

interface KeptStates {
  readonly older: WorldState;
  readonly newer: WorldState;
  alpha: number;
  alphaPerTick: number;
  /** The newer one was a guess at a tick whose input was not fixed yet. */
  isGlimpse: boolean;
}

/** One entity as it was drawn last. */
interface Shown {
  readonly entity: ViewEntity;
  frame: number;
  isPredicted: boolean;
}

export class ViewBuilder {
  readonly #player: PlayerId;
  readonly #tickRate: number;
  readonly #twinTicks: number;
  readonly #earlierMs: number;
  readonly #kinds: readonly KindView[];
  readonly #correction = new Correction();
  readonly #list: ViewEntity[] = [];
  readonly #shown = new Map<EntityId, Shown>();
  /** The predicted states before a replay, copied: the replay overwrites them. */
  readonly #keptPredicted: KeptStates;
  #hasKeptPredicted = false;
  /** Where predicted things stood in the last drawing, if they did. */
  readonly #stood: WorldState;
  #isStanding = false;
  /** The received states around the drawn moment before a packet, and which they were. */
  #keptReceived: DrawnBracket | undefined;
  #keptTicks = 0;
  #drawnPast = 0;
  /** The newest tick that is not predicted, in what is drawn. */
  #authorityTick = Infinity;
  #frame = 0;

  constructor(game: AnyGame, player: PlayerId) {
    this.#player = player;
    this.#tickRate = game.tickRate;
    this.#twinTicks = (TWIN_MS * game.tickRate) / 1000;
    this.#earlierMs = (EARLIER_TICKS * 1000) / game.tickRate;
    this.#keptPredicted = {
      older: new WorldState(game.kinds),
      newer: new WorldState(game.kinds),
      alpha: 1,
      alphaPerTick: 1,
      isGlimpse: false,
    };
    this.#stood = new WorldState(game.kinds);
    this.#kinds = game.kinds
      .filter(({ isHidden }) => !isHidden)
      .map((kind) => {
        const row = () => new Float64Array(kind.layout.parts.length);
        const change = { drawn: row(), corrected: row(), drawnEarlier: row(), correctedEarlier: row(), earlierMs: 0 };
        return { ...blendPlanOf(kind, game.tickRate), row: row(), change };
      });
  }

  build(moment: ViewMoment): readonly ViewEntity[] {
    this.#list.length = 0;
    this.#correction.decay(moment.nowMs);
    const predicted = moment.isPredicting ? predictedAround(moment.prediction, moment.present) : undefined;
    if (predicted !== undefined) this.#easeFromStanding(predicted);
    this.#frame++;
    const received = this.#receivedAround(moment, moment.past);
    this.#drawnPast = moment.past;
    // What just went over from the one time to the other comes from where it was, even if that time is not drawn any more.
    const before = predicted ?? predictedAround(moment.prediction, moment.present);
    if (predicted !== undefined) this.#addPredicted({ bracket: predicted, other: received, isPredicted: true });
    if (received !== undefined) this.#addReceived({ bracket: received, other: before, isPredicted: false }, predicted);
    this.#correction.forgetUndrawn();
    if (this.#shown.size > this.#list.length) {
      for (const [id, { frame }] of this.#shown) if (frame !== this.#frame) this.#shown.delete(id);
    }
    return this.#list;
  }

  /** Before what was drawn is overwritten by a replay or the next tick: remembers it. `present` is the moment drawn last. */
  keepDrawn(prediction: PredictedStates, present: number): void {
    const bracket = predictedAround(prediction, present);
    const kept = this.#keptPredicted;
    this.#hasKeptPredicted = bracket !== undefined;
    if (bracket === undefined) return;
    kept.alpha = bracket.alpha;
    kept.alphaPerTick = bracket.alphaPerTick;
    kept.older.tick = bracket.older.tick;
    kept.newer.tick = bracket.newer.tick;
    kept.isGlimpse = bracket.newer.tick > prediction.tick;
    for (const { kind } of this.#kinds) {
      if (kind.predict === 'none') continue;
      kept.older.tables[kind.index]!.copyFrom(bracket.older.tables[kind.index]!);
      kept.newer.tables[kind.index]!.copyFrom(bracket.newer.tables[kind.index]!);
    }
  }

  /** When the states around that moment are there again: what moved keeps being drawn where it was, and eases from there. */
  easeToCorrected(prediction: PredictedStates): void {
    const { authorityTick } = prediction;
    const { older: keptOlder, newer: keptNewer, alpha, alphaPerTick } = this.#keptPredicted;
    const older = prediction.stateAt(keptOlder.tick);
    const newer = prediction.stateAt(keptNewer.tick);
    if (this.#hasKeptPredicted && older !== undefined && newer !== undefined) {
      const bracket = { older, newer, alpha, alphaPerTick };
      for (const view of this.#kinds) if (view.kind.predict !== 'none') this.#easePredicted(view, bracket, authorityTick);
    }
    if (!prediction.isReplaying) this.#authorityTick = authorityTick;
    this.#hasKeptPredicted = false;
  }

  /** After a long silence predicted things stand, until the host is heard again: then they were elsewhere all the time. */
  #easeFromStanding(predicted: DrawnBracket): void {
    const stood = this.#stood;
    if (predicted.alphaPerTick === 0) {
      stood.copyFrom(predicted.newer);
      this.#isStanding = true;
    } else if (this.#isStanding) {
      this.#isStanding = false;
      const bracket = { older: stood, newer: stood, alpha: 1, alphaPerTick: 0 };
      for (const view of this.#kinds) {
        const { ids, count } = stood.tables[view.kind.index]!;
        for (let row = 0; row < count; row++) {
          const id = ids[row] as EntityId;
          if (this.#wasDrawn(id, true)) this.#ease(id, view, bracket, predicted);
        }
      }
    }
  }

  /** Before packets are taken in: remembers how received things were drawn last. */
  keepInterpolated(moment: ViewMoment): void {
    const bracket = this.#receivedAround(moment, this.#drawnPast);
    this.#keptReceived = bracket;
    if (bracket !== undefined) this.#keptTicks = bracket.older.tick + bracket.newer.tick;
  }

  /** After it: if the packets changed what is around the drawn moment, what moved by that eases. As a rule they did not, and it costs nothing. */
  easeInterpolated(moment: ViewMoment): void {
    const kept = this.#keptReceived;
    this.#keptReceived = undefined;
    const bracket = this.#receivedAround(moment, this.#drawnPast);
    // States are kept in a ring: news from just so long after may have taken the place of what was kept.
    if (kept === undefined || bracket === undefined || kept.older.tick + kept.newer.tick !== this.#keptTicks) return;
    if (bracket.older === kept.older && bracket.newer === kept.newer && bracket.alpha === kept.alpha) return;
    for (const view of this.#kinds) {
      const { ids, count } = dueTable(view, bracket);
      for (let row = 0; row < count; row++) {
        const id = ids[row] as EntityId;
        if (this.#wasDrawn(id, false)) this.#ease(id, view, kept, bracket);
      }
    }
  }

  #receivedAround({ frames, newestTick }: ViewMoment, moment: number): DrawnBracket | undefined {
    return bracketAt(frames, { newestTick, moment, tickRate: this.#tickRate });
  }

  #isPredicted(kind: Kind, owner: number): boolean {
    return kind.predict === 'all' || (kind.predict === 'owner' && owner === this.#player);
  }

  #wasDrawn(id: EntityId, isPredicted: boolean): boolean {
    const shown = this.#shown.get(id);
    return shown !== undefined && shown.frame === this.#frame && shown.isPredicted === isPredicted;
  }

  /** What is new in a predicted state shows at once: it is this player's doing. */
  #addPredicted(drawing: Drawing): void {
    for (const view of this.#kinds) {
      if (view.kind.predict === 'none') continue;
      const { ids, data, stride, count } = drawing.bracket.newer.tables[view.kind.index]!;
      for (let row = 0; row < count; row++) {
        if (this.#isPredicted(view.kind, data[row * stride]!)) this.#add(ids[row] as EntityId, view, drawing);
      }
    }
  }

  #addReceived(drawing: Drawing, predicted: Bracket | undefined): void {
    const { bracket } = drawing;
    for (const view of this.#kinds) {
      if (view.kind.predict === 'all' && predicted !== undefined) continue;
      const { ids, data, stride, count } = dueTable(view, bracket);
      for (let row = 0; row < count; row++) {
        const id = ids[row] as EntityId;
        if (predicted !== undefined && view.kind.predict === 'owner') {
          // What changes hands is one's own in one of the two times only, and is drawn once all the same.
          if (this.#shown.get(id)?.frame === this.#frame) continue;
          const isMine = data[row * stride] === this.#player;
          if (isMine && predicted.newer.tables[view.kind.index]!.rowOf(id) < 0) continue;
        }
        this.#add(id, view, drawing);
      }
    }
  }

  #add(id: EntityId, view: KindView, { bracket, other, isPredicted }: Drawing): void {
    const { kind, row } = view;
    let shown = this.#shown.get(id);
    if (shown === undefined || shown.entity.kind !== kind.name) {
      shown = { entity: { id, kind: kind.name, owner: 0 as PlayerId, isMine: false }, frame: 0, isPredicted };
      this.#shown.set(id, shown);
    }
    // From the one time to the other, which is 0.2 s away: that is eased, too.
    if (shown.isPredicted !== isPredicted && shown.frame === this.#frame - 1 && other !== undefined) this.#ease(id, view, other, bracket);
    blendEntity(row, view, bracket, id);
    this.#correction.apply(id, row, view);
    const { entity } = shown;
    shown.frame = this.#frame;
    shown.isPredicted = isPredicted;
    entity.owner = row[0] as PlayerId;
    entity.isMine = row[0] === this.#player;
    for (const { name, field, at } of kind.layout.entries) entity[name] = field.read(row, at);
    this.#list.push(entity);
  }

  #easePredicted(view: KindView, bracket: DrawnBracket, authorityTick: number): void {
    const { older, newer, isGlimpse } = this.#keptPredicted;
    const { index } = view.kind;
    const table = newer.tables[index]!;
    const nowTable = bracket.newer.tables[index]!;
    for (let row = 0; row < table.count; row++) {
      const id = table.ids[row] as EntityId;
      const now = nowTable.rowOf(id);
      if (now < 0 || !this.#wasDrawn(id, true)) continue;
      const isSameBefore = isSameEntity(older.tables[index]!, bracket.older.tables[index]!, id);
      if (isSameBefore && isSameRow(table, row, nowTable, now)) continue;
      const birth = birthOf(newer, { table, row, authorityTick: this.#authorityTick });
      const nowBirth = birthOf(bracket.newer, { table: nowTable, row: now, authorityTick });
      if (!this.#isTwin(birth, nowBirth, authorityTick)) this.#correction.forget(id);
      // The player pressed something in between: the answer is not to be softened, only its place.
      else if (isSameBefore && isGlimpse) this.#ease(id, view, still(this.#keptPredicted), still(bracket));
      else this.#ease(id, view, this.#keptPredicted, bracket);
    }
  }

  /** Whether a thing predicted before and one there is now are the same. Births that are not predicted are -1. */
  #isTwin(birth: number, nowBirth: number, authorityTick: number): boolean {
    if (birth < 0) return nowBirth < 0;
    // What the host has made since was made at its newest tick at the latest.
    return nowBirth < 0 ? birth - authorityTick <= this.#twinTicks : Math.abs(birth - nowBirth) <= this.#twinTicks;
  }

  /** Makes an error of what lies between an entity's old path and its new one. */
  #ease(id: EntityId, view: KindView, from: DrawnBracket, to: DrawnBracket): void {
    const { change } = view;
    if (!blendEntity(change.drawn, view, from, id) || !blendEntity(change.corrected, view, to, id)) return;
    blendEntity(change.drawnEarlier, view, earlier(from), id);
    blendEntity(change.correctedEarlier, view, earlier(to), id);
    // What has just come stands until the state that it came with: that is no velocity.
    change.earlierMs = isNew(from, view, id) || isNew(to, view, id) ? 0 : this.#earlierMs;
    this.#correction.absorb(id, change, view, view.kind.predict === 'all' && change.corrected[0] !== this.#player);
  }
}

/** What is there around a received moment: beyond the newest state what that holds, before it what the older one still held. */
function dueTable({ kind }: KindView, { older, newer, alpha }: Bracket): Table {
  return (alpha >= 1 ? newer : older).tables[kind.index]!;
}

/** The predicted states around a moment, as it is drawn. If there is none after it, things stand in the newest. */
function predictedAround(prediction: PredictedStates, present: number): DrawnBracket | undefined {
  const floor = Math.floor(present) as Tick;
  const newer = prediction.stateAt((floor + 1) as Tick);
  const older = prediction.stateAt(floor);
  if (newer !== undefined && older !== undefined) return { older, newer, alpha: present - floor, alphaPerTick: 1 };
  const newest = newer ?? older ?? prediction.stateAt(prediction.tick);
  return newest && { older: newest, newer: newest, alpha: 1, alphaPerTick: 0 };
}

/**
 * The tick at which a prediction made the entity in a row; -1 if the host had it already: what `born` says of received rows
 * is no later than the host's tick, or later than any.
 */
function birthOf(
  state: WorldState,
  { table, row, authorityTick }: { readonly table: Table; readonly row: number; readonly authorityTick: number },
): number {
  const born = table.born[row]!;
  return born > authorityTick && born <= state.tick ? born : -1;
}

const isNew = ({ older, newer }: Bracket, { kind }: KindView, id: EntityId): boolean =>
  older !== newer && older.tables[kind.index]!.rowOf(id) < 0;

const earlier = ({ older, newer, alpha, alphaPerTick }: DrawnBracket): Bracket => ({
  older,
  newer,
  alpha: alpha - alphaPerTick * EARLIER_TICKS,
});

/** The same place, without its motion. */
const still = ({ older, newer, alpha }: DrawnBracket): DrawnBracket => ({ older, newer, alpha, alphaPerTick: 0 });

function isSameEntity(a: Table, b: Table, id: EntityId): boolean {
  const rowA = a.rowOf(id);
  const rowB = b.rowOf(id);
  return rowA < 0 || rowB < 0 ? rowA === rowB : isSameRow(a, rowA, b, rowB);
}

function isSameRow(a: Table, rowA: number, b: Table, rowB: number): boolean {
  const atA = rowA * a.stride;
  const atB = rowB * b.stride;
  for (let i = 0; i < a.stride; i++) if (a.data[atA + i] !== b.data[atB + i]) return false;
  return true;
}
