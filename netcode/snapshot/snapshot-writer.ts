/**
 * The host's half of a snapshot: what does the client lack, what of it fits, and the packet. One writer serves all clients
 * of a host; nothing is allocated once its buffers have grown. Its mirror is `snapshot-reader.ts`; PROTOCOL.md draws the
 * format.
 *
 *   choose the copies -> gather what differs -> write it -> if it does not fit: choose the most urgent -> remember
 *
 * Clients without a view of their own that stand at the same baselines get the same body, which is written once.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import type { BitWriter } from '../wire/bits.ts';
import type { RangeEncoder } from '../wire/range-coder.ts';
import type { SimEvent } from '../world/simulation.ts';
import { type Baselines, type Choice, HISTORY_TICKS, NEVER, type SentSnapshot, oldestValueTick } from './baselines.ts';
import { BodyWriter } from './body-writer.ts';
import type { Captures } from './capture.ts';
import { Draft } from './draft.ts';
import { type Frame, type FrameRules, makeFrame, writeEvents, writeFrame } from './frame.ts';
import type { Interest } from './interest.ts';
import { Selection } from './selection.ts';
import { SharedBodies } from './shared-bodies.ts';
import type { SnapshotModel } from './snapshot-model.ts';

/** Events may take this much of a packet; then the state comes first again. */
const EVENTS_SHARE = 0.5;
/** Room for their count and number, and for a body that says nothing. */
const EVENTS_HEAD_BYTES = 8;

/** One client as the writer sees it. */
export interface Recipient {
  readonly player: PlayerId;
  readonly baselines: Baselines;
  /** What the client is to know; undefined: everything. */
  readonly interest: Interest | undefined;
}

export interface SnapshotWriterOptions {
  readonly model: SnapshotModel;
  readonly captures: Captures;
  readonly bytesMax: number;
  /** One that looks on, for training. */
  readonly encoder?: RangeEncoder;
  /** How urgent news of an entity are to a player, from 1/16 to 16; 1 for all if undefined. */
  readonly priorityOf?: (player: PlayerId, kind: number, id: number) => number;
}

export class SnapshotWriter {
  readonly #game: AnyGame;
  readonly #options: SnapshotWriterOptions;
  readonly #body: BodyWriter;
  readonly #draft: Draft;
  readonly #selection: Selection;
  readonly #shared = new SharedBodies();
  readonly #frame: Frame = makeFrame();
  readonly #rules: FrameRules;
  readonly #choice: Choice = { first: undefined, older: [undefined, undefined, undefined], donors: [], donorCount: 0 };

  constructor(game: AnyGame, options: SnapshotWriterOptions) {
    this.#game = game;
    this.#options = options;
    this.#rules = { interval: game.tickRate / game.sendRate, isComplete: () => this.#choice.first!.isComplete };
    this.#body = new BodyWriter(options.model, options.bytesMax, options.encoder);
    this.#draft = new Draft(game, options.captures);
    this.#selection = new Selection(options.priorityOf);
  }

  /**
   * Appends the snapshot of the newest captured state to `packet`, up to the `bytesMax` of all of it, and remembers what was sent.
   * `events` are those the client is to hear of and has not acknowledged, oldest first. Returns the tick.
   */
  write(packet: BitWriter, to: Recipient, events: readonly SimEvent[], bytesMax = this.#options.bytesMax): Tick {
    const { captures } = this.#options;
    const { baselines } = to;
    const { tick } = captures.newest;
    const choice = this.#choice;
    baselines.choose(tick, captures, choice);
    this.#draft.open(to.player, choice);
    this.#fillFrame(to);
    writeFrame(packet, this.#frame, this.#rules);
    const eventsEnd = this.#writeEvents(packet, to, events, bytesMax);
    packet.align();
    const bodyBytesMax = bytesMax - packet.byteLength;
    const isShareable = to.interest === undefined && !captures.hasSecrets && isWhole(choice);
    const shared = isShareable ? this.#shared.find(tick, choice) : undefined;
    let isComplete = true;
    if (shared !== undefined && shared.length <= bodyBytesMax) {
      packet.append(shared.bytes, shared.length);
    } else {
      this.#draft.gather(to.interest, choice);
      isComplete = this.#writeBody(to, bodyBytesMax);
      packet.append(this.#body.bytes, this.#body.length);
      if (isShareable && isComplete) this.#shared.add(tick, choice, this.#body);
    }
    const sent = baselines.claim(tick);
    this.#remember(sent, to, isComplete);
    sent.eventsEnd = eventsEnd;
    baselines.lastSentTick = tick;
    return tick;
  }

  #fillFrame({ player }: Recipient): void {
    const { captures } = this.#options;
    const { first, older, donors, donorCount } = this.#choice;
    const frame = this.#frame;
    frame.tick = captures.newest.tick;
    frame.firstTick = first?.tick ?? NEVER;
    for (let n = 0; n < older.length; n++) frame.olderTicks[n] = older[n]?.tick ?? NEVER;
    frame.donorCount = donorCount;
    for (let i = 0; i < donorCount; i++) frame.donorTicks[i] = donors[i]!.tick;
    const counter = captures.newest.nextCounter[player]!;
    frame.counter = first !== undefined && captures.at(first.tick)!.nextCounter[player] === counter ? 0 : counter;
  }

  /** Returns the number of the first event that the client will still lack. */
  #writeEvents(packet: BitWriter, { baselines }: Recipient, events: readonly SimEvent[], bytesMax: number): number {
    const firstNumber = baselines.eventsAcked;
    const room = bytesMax - packet.byteLength - EVENTS_HEAD_BYTES;
    const count = writeEvents(packet, {
      game: this.#game,
      events,
      firstNumber,
      tick: this.#frame.tick,
      bytesMax: room * EVENTS_SHARE,
      singleBytesMax: room,
    });
    return firstNumber + count;
  }

  /** Fills the body's buffer; returns whether all that was gathered is in it. */
  #writeBody(to: Recipient, bytesMax: number): boolean {
    const draft = this.#draft;
    const body = this.#body;
    body.write(draft);
    if (body.length <= bytesMax) return true;
    this.#selection.begin(draft, to, body.writtenCount);
    do body.write(draft);
    while (!this.#selection.isSettled(draft, body, bytesMax));
    return false;
  }

  /** Notes which copy the client will have, should this packet arrive. */
  #remember(sent: SentSnapshot, { interest, baselines }: Recipient, isComplete: boolean): void {
    const { tick } = this.#frame;
    sent.isComplete = isComplete;
    sent.isWhole = isComplete && interest === undefined;
    sent.oldestTick = tick;
    if (isComplete) for (const list of baselines.leftOut) list.count = 0;
    if (sent.isWhole) return;
    const clampTick = oldestValueTick(tick, this.#rules.interval);
    const oldestTick = this.#draft.fillViews(sent.views, isComplete ? tick : NEVER, clampTick);
    // Old values of what has changed since cannot be told from young ones later on: no baseline then.
    sent.oldestTick = oldestTick < clampTick ? ((tick - HISTORY_TICKS) as Tick) : oldestTick;
    if (!isComplete) this.#selection.noteLeftOut(this.#draft, baselines);
  }
}

function isWhole({ first, older, donorCount }: Choice): boolean {
  if (donorCount > 0 || first?.isWhole === false) return false;
  for (const copy of older) if (copy?.isWhole === false) return false;
  return true;
}
