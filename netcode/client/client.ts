/**
 * One player's end of a match, the host's own included. `update` is the client's frame, top to bottom:
 *
 *   drain -> decode -> ack -> steer -> sample(input) -> reconcile -> predict -> sendInputs
 *
 * and, when it is drawn, a glimpse of the next tick, interpolation of the others, and the view.
 *
 * It owns no socket, no timer and no random source: packets come from a channel, time from the caller.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { RateMeter } from '../channel/rate-meter.ts';
import type { ArrivedPacket, StateChannel } from '../channel/state-channel.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { fillShown } from '../snapshot/shown-state.ts';
import { SnapshotModel } from '../snapshot/snapshot-model.ts';
import { SnapshotReader } from '../snapshot/snapshot-reader.ts';
import { INPUTS_PER_PACKET_MAX, toldViewDelay, writeInputs } from '../wire/input-packet.ts';
import { INPUT_PACKET, SNAPSHOT_PACKET } from '../wire/packet.ts';
import { readInputReport } from '../wire/input-report.ts';
import type { SettingValues } from '../wire/settings.ts';
import type { Sight } from '../world/seen-world.ts';
import type { SimEvent } from '../world/simulation.ts';
import { StateHistory } from '../world/world-state.ts';
import { EventQueue } from './event-queue.ts';
import { InputHistory } from './input-history.ts';
import { bracketAt } from './interpolation.ts';
import { Prediction, PREDICTED_TICKS_MAX } from './prediction.ts';
import { ReplayBudget } from './replay-budget.ts';
import { Timeline } from './timeline.ts';
import { type ViewEntity, ViewBuilder, type ViewMoment } from './view-builder.ts';

/** Packets drained in one update at most; a flood waits, and then overflows the link's bounded inbox. */
const PACKETS_PER_UPDATE_MAX = 64;
/** What was drawn longer ago than this is not eased from: nobody looked (the tab was hidden). In ticks. */
const DRAWN_TICKS_MAX = 30;
/** Inputs fixed at once at most, after the page slept: as many as are remembered. */
const SAMPLED_AT_ONCE_MAX = 120;
/** From so many inputs fixed at once on, presses are of the newest tick: the others are over for the host, or nearly so. */
const CATCH_UP_TICKS = 3;

export interface ClientOptions {
  readonly channel: StateChannel;
  readonly player: PlayerId;
  readonly match: number;
  readonly seed: number;
  /** What was chosen in the lobby. Default: the game's own. */
  readonly settings?: SettingValues;
  /** Whether it only watches: it predicts nothing and sends no inputs. Default false. */
  readonly isSpectating?: boolean;
  /** The host's tick when it let this client in. */
  readonly joinTick: Tick;
  /** First guess of the round trip, from the handshake. */
  readonly rttMs: number;
  readonly onEvent: (event: SimEvent, isPredicted: boolean) => void;
  /** A predicted event turned out not to have happened. */
  readonly onRetract?: (event: SimEvent) => void;
  /** Reads a clock that goes on while code runs, in ms: what prediction costs is limited by it. Default: no limit. */
  readonly measureMs?: () => number;
}

export interface ClientStats {
  readonly tick: number;
  readonly hostTick: number;
  readonly rttMs: number;
  readonly jitterMs: number;
  readonly lossPct: number;
  readonly snapshotsPerSecond: number;
  readonly snapshotAgeMs: number;
  readonly interpolationDelayMs: number;
  readonly inputLeadMs: number;
  readonly viewDelayMs: number;
  readonly clockDriftPpm: number;
  readonly clockSnaps: number;
  readonly predictedTicks: number;
  readonly corrections: number;
  readonly isPredicting: boolean;
  readonly overloads: number;
  readonly retractedEvents: number;
  readonly incompleteSnapshots: number;
  readonly malformedPackets: number;
  readonly stalePackets: number;
}

export class Client {
  malformedPackets = 0;
  /** Received snapshots that left something to later ones. */
  incompleteSnapshots = 0;
  stalePackets = 0;
  readonly #game: AnyGame;
  readonly #options: ClientOptions;
  readonly #snapshots: SnapshotReader;
  /** The received copies as they are drawn and predicted from. */
  readonly #shown: StateHistory;
  readonly #inputs: InputHistory;
  readonly #budget: ReplayBudget;
  readonly #prediction: Prediction;
  readonly #events: EventQueue;
  readonly #timeline: Timeline;
  readonly #snapshotRate = new RateMeter();
  readonly #views: ViewBuilder;
  #newestTick: Tick;
  #reconciledTick = -1 as Tick;
  #hasSnapshot = false;
  #isPredicting = true;
  #isSpectating: boolean;
  #sampledTick = -1 as Tick;
  /** The present when it was drawn last; undefined once that is no measure for a correction any more. */
  #drawnTick: number | undefined;
  #isDrawnKept = false;
  #ackedInputTick = -1 as Tick;
  #newestSentTick = -1 as Tick;

  constructor(game: AnyGame, options: ClientOptions) {
    const { channel, player, seed } = options;
    this.#game = game;
    this.#options = options;
    this.#isSpectating = options.isSpectating ?? false;
    this.#shown = new StateHistory(game.kinds, HISTORY_TICKS);
    this.#snapshots = new SnapshotReader(game, { model: new SnapshotModel(game), player, newestTick: options.joinTick });
    this.#inputs = new InputHistory(game.input);
    this.#budget = new ReplayBudget(options.measureMs);
    this.#prediction = new Prediction(game, {
      seed,
      settings: options.settings,
      player,
      inputs: this.#inputs,
      budget: this.#budget,
      sightAt: (tick) => this.#sightAt(tick),
    });
    this.#events = new EventQueue(game, player, { show: options.onEvent, retract: (event) => options.onRetract?.(event) });
    this.#timeline = new Timeline(game, options.rttMs);
    this.#views = new ViewBuilder(game, player);
    this.#newestTick = options.joinTick;
    channel.enterMatch(options.match, (inputTick) => {
      if (inputTick > this.#ackedInputTick) this.#ackedInputTick = inputTick;
    });
  }

  /** The match is over for this client: packets are no longer taken for its own. */
  close(): void {
    this.#options.channel.leaveMatch();
  }

  /** The predicted time that is drawn now, in ticks. Undefined before the first snapshot. */
  get presentTick(): number | undefined {
    return this.#timeline.presentTick;
  }

  /** The interpolated time that is drawn now, in ticks. Undefined before the first snapshot. */
  get pastTick(): number | undefined {
    return this.#timeline.pastTick;
  }

  /** From playing to watching or back. */
  setSpectating(isSpectating: boolean): void {
    this.#isSpectating = isSpectating;
  }

  /** Changes what this player does from now on. */
  setInput(input: Readonly<Record<string, unknown>>): void {
    this.#inputs.hold(input);
  }

  update(nowMs: number): void {
    this.#advance(nowMs, false);
  }

  /** Everything that is to be drawn now. The array and its objects are reused by the next call. */
  view(nowMs: number): readonly ViewEntity[] {
    this.#advance(nowMs, true);
    return this.#hasSnapshot ? this.#views.build(this.#moment(nowMs)) : [];
  }

  stats(nowMs: number): ClientStats {
    const msPerTick = 1000 / this.#game.tickRate;
    const { channel } = this.#options;
    return {
      ...this.#timeline.stats(),
      tick: Math.max(0, this.#sampledTick),
      hostTick: this.#newestTick,
      rttMs: channel.hasRtt ? channel.rttMs : this.#options.rttMs,
      lossPct: channel.receivedLossPct,
      snapshotsPerSecond: this.#snapshotRate.perSecond(nowMs),
      snapshotAgeMs: this.#hasSnapshot ? this.#timeline.ageOf(this.#newestTick, nowMs) * msPerTick + channel.rttMs / 2 : 0,
      predictedTicks: this.#prediction.replayedTicks,
      corrections: this.#prediction.corrections,
      isPredicting: this.#isPredicting,
      overloads: this.#budget.overloads,
      retractedEvents: this.#events.retracted,
      incompleteSnapshots: this.incompleteSnapshots,
      malformedPackets: this.malformedPackets,
      stalePackets: this.stalePackets,
    };
  }

  #advance(nowMs: number, isDrawing: boolean): void {
    this.#drain(nowMs);
    if (this.#hasSnapshot) {
      const presentTick = this.#timeline.steer(nowMs, this.#sampledTick);
      this.#predict(presentTick, isDrawing);
      this.#events.release(this.#timeline.pastTick!);
    }
    this.#sendInputs(nowMs);
    this.#options.channel.update(nowMs);
  }

  #drain(nowMs: number): void {
    const { channel } = this.#options;
    let packet = channel.receive(nowMs);
    if (packet === undefined) return;
    const isDrawn = this.#timeline.pastTick !== undefined;
    // What was drawn of others by guess may turn out wrong: then it eases.
    if (isDrawn) this.#views.keepInterpolated(this.#moment(nowMs));
    for (let count = 1; packet !== undefined; count++) {
      this.#receive(packet);
      packet = count < PACKETS_PER_UPDATE_MAX ? channel.receive(nowMs) : undefined;
    }
    if (isDrawn) this.#views.easeInterpolated(this.#moment(nowMs));
  }

  #receive(packet: ArrivedPacket): void {
    const { bytes, reader, atMs } = packet;
    if (packet.type !== SNAPSHOT_PACKET) {
      this.malformedPackets++;
      return;
    }
    const report = readInputReport(reader, this.#newestSentTick);
    const outcome = this.#snapshots.read(bytes, reader);
    if (outcome !== 'ok') {
      if (outcome === 'malformed') this.malformedPackets++;
      else this.stalePackets++;
      return;
    }
    this.#options.channel.accept(packet);
    this.#snapshotRate.count(atMs);
    this.#takeSnapshot(atMs);
    // What the host says of an input tells what lead it should have been fixed with.
    const leadThen = report === undefined ? undefined : this.#inputs.leadAt(report.tick);
    if (leadThen !== undefined) this.#timeline.needLead(leadThen - report!.earliness);
  }

  #takeSnapshot(atMs: number): void {
    const { state, base, events, firstEvent } = this.#snapshots;
    const { tick } = state;
    if (!state.isComplete) this.incompleteSnapshots++;
    fillShown(this.#shown.claim(tick), state, base, this.#shown.at(this.#newestTick));
    this.#events.receive(events, firstEvent, tick);
    const moved = this.#timeline.arrive(tick, this.#hasSnapshot ? this.#newestTick : undefined, atMs);
    if (moved !== 0) this.#inputs.shiftLeads(moved);
    if (!this.#hasSnapshot || tick > this.#newestTick) this.#newestTick = tick;
    this.#hasSnapshot = true;
  }

  /** Takes the newest state into account and predicts up to the present; one tick beyond it if it is to be drawn. */
  #predict(presentTick: number, isDrawing: boolean): void {
    const target = Math.floor(presentTick) as Tick;
    this.#sample(target);
    this.#watchBudget();
    if (!this.#isPredicting || !(isDrawing || target > this.#prediction.tick)) return;
    this.#budget.beginSlice();
    this.#keepDrawn();
    this.#reconcile();
    this.#prediction.advance(target, (event) => this.#events.predict(event));
    if (isDrawing) this.#drawPresent(presentTick);
    this.#budget.endSlice(!this.#prediction.isReplaying);
  }

  /** Predicts the tick that is half drawn with what is held now; what moved since the last drawing eases. */
  #drawPresent(presentTick: number): void {
    this.#prediction.peek();
    // Under a replay that is not through, too: the one before it may have ended since the last drawing.
    if (this.#isDrawnKept) this.#views.easeToCorrected(this.#prediction);
    this.#isDrawnKept = false;
    this.#drawnTick = presentTick;
  }

  /** Fixes the inputs of the ticks up to this one. */
  #sample(target: Tick): void {
    const last = Math.min(target, this.#newestTick + PREDICTED_TICKS_MAX) as Tick;
    const first = Math.max(this.#sampledTick + 1, last - SAMPLED_AT_ONCE_MAX, 0);
    const isCatchingUp = last - first >= CATCH_UP_TICKS;
    for (let tick = first; tick <= last; tick++) {
      this.#inputs.sample(tick as Tick, this.#timeline.sampling, isCatchingUp && tick < last);
      this.#sampledTick = tick as Tick;
    }
  }

  /** Gives prediction up while there is nothing to predict or the machine is too slow for it, and begins anew when it is to be tried again. */
  #watchBudget(): void {
    const isGivenUp = this.#budget.isGivenUp || this.#isSpectating;
    if (this.#isPredicting !== isGivenUp) return;
    this.#isPredicting = !isGivenUp;
    this.#isDrawnKept = false;
    if (isGivenUp) return;
    this.#prediction.restart(this.#shown.at(this.#newestTick)!, this.#ackedInputTick, this.#sampledTick);
    this.#reconciledTick = this.#newestTick;
  }

  #reconcile(): void {
    const prediction = this.#prediction;
    const isNews = this.#newestTick !== this.#reconciledTick;
    if ((!isNews && !prediction.isReplaying) || !this.#budget.mayReplay()) return;
    if (!prediction.isReplaying) {
      prediction.rewind(this.#shown.at(this.#newestTick)!, this.#ackedInputTick);
      this.#reconciledTick = this.#newestTick;
    }
    prediction.replay();
  }

  /** Once a frame, before what was drawn in it is overwritten. */
  #keepDrawn(): void {
    if (this.#isDrawnKept || this.#drawnTick === undefined) return;
    if (this.#timeline.presentTick! - this.#drawnTick > DRAWN_TICKS_MAX) {
      this.#drawnTick = undefined;
      return;
    }
    this.#views.keepDrawn(this.#prediction, this.#drawnTick);
    this.#isDrawnKept = true;
  }

  #moment(nowMs: number): ViewMoment {
    return {
      prediction: this.#prediction,
      isPredicting: this.#isPredicting,
      present: this.#timeline.presentTick!,
      frames: this.#shown,
      newestTick: this.#newestTick,
      past: this.#timeline.pastTick!,
      nowMs,
    };
  }

  /** What the screen showed of the others when the input for a tick was taken. */
  #sightAt(tick: Tick): Sight {
    return {
      delayTicks: tick > this.#sampledTick ? toldViewDelay(this.#timeline.sampling.viewDelayTicks) : this.#inputs.viewDelayAt(tick),
      bracketAt: (moment) => bracketAt(this.#shown, { newestTick: this.#newestTick, moment, tickRate: this.#game.tickRate }),
    };
  }

  #sendInputs(nowMs: number): void {
    const { channel } = this.#options;
    const newest = this.#sampledTick;
    // Whoever only watches says nothing but heartbeats, which acknowledge what came.
    if (this.#isSpectating) return;
    // What finds no room now would arrive stale; the next packet carries the same inputs and newer ones.
    if (newest <= this.#newestSentTick || channel.roomForInput(nowMs) === 0) return;
    const count = Math.min(INPUTS_PER_PACKET_MAX, Math.max(1, newest - this.#ackedInputTick));
    const rowOf = (tick: Tick): Int32Array => this.#inputs.at(tick);
    const packet = channel.begin(INPUT_PACKET, nowMs);
    writeInputs(packet, this.#game.input, { newest, count, viewDelayTicks: this.#inputs.viewDelayAt(newest), rowOf });
    channel.send(newest, nowMs);
    this.#newestSentTick = newest;
  }
}
