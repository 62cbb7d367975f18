/**
 * One player's end of a match, the host's own included. `update` is the client's frame, top to bottom:
 *
 *   drain -> decode -> ack -> reconcile -> predict(input) -> sendInputs      and, when drawn, -> interpolate -> view
 *
 * It owns no socket, no timer and no random source: packets come from a link, time from the caller.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { Endpoint } from '../channel/endpoint.ts';
import { RateMeter } from '../channel/rate-meter.ts';
import type { StateLink } from '../channel/state-link.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { fillShown } from '../snapshot/shown-state.ts';
import { SnapshotModel } from '../snapshot/snapshot-model.ts';
import { SnapshotReader } from '../snapshot/snapshot-reader.ts';
import { ArrivalLine } from '../time/arrival-line.ts';
import { InputLead } from '../time/input-lead.ts';
import { SteeredClock } from '../time/steered-clock.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { INPUTS_PER_PACKET_MAX, writeInputs } from '../wire/input-packet.ts';
import { INPUT_PACKET, readPreamble, SNAPSHOT_PACKET, writePreamble } from '../wire/packet.ts';
import { readEarliness } from '../wire/earliness.ts';
import type { SimEvent } from '../world/simulation.ts';
import { StateHistory } from '../world/world-state.ts';
import { EventQueue } from './event-queue.ts';
import { InputHistory } from './input-history.ts';
import { Prediction } from './prediction.ts';
import { type ViewEntity, ViewBuilder } from './view-builder.ts';

/** Packets drained in one update at most; a flood waits, and then overflows the link's bounded inbox. */
const PACKETS_PER_UPDATE_MAX = 64;
/** With nothing new to say, a packet still goes out this often so that acks and round trips keep flowing. */
const KEEP_ALIVE_MS = 100;
/** Ticks added to the interpolation delay beyond the measured need. */
const INTERPOLATION_MARGIN_TICKS = 0.5;
/** The interpolation delay follows a smaller need slowly (ticks per snapshot), a larger one at once: no oscillation. */
const DELAY_SHRINK_TICKS = 0.02;

export interface ClientOptions {
  readonly link: StateLink;
  readonly player: PlayerId;
  readonly match: number;
  readonly seed: number;
  /** The host's tick when it let this client in. */
  readonly joinTick: Tick;
  /** First guess of the round trip, from the handshake. */
  readonly rttMs: number;
  readonly onEvent: (event: SimEvent, isPredicted: boolean) => void;
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
  readonly predictedTicks: number;
  readonly corrections: number;
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
  readonly #reader = new BitReader(new Uint8Array(0));
  readonly #options: ClientOptions;
  readonly #endpoint = new Endpoint<Tick>();
  readonly #writer: BitWriter;
  readonly #snapshots: SnapshotReader;
  /** The received copies as they are drawn and predicted from. */
  readonly #shown: StateHistory;
  readonly #inputs: InputHistory;
  readonly #prediction: Prediction;
  readonly #events: EventQueue;
  readonly #arrivals: ArrivalLine;
  readonly #lead: InputLead;
  readonly #snapshotRate = new RateMeter();
  readonly #views: ViewBuilder;
  #present: SteeredClock | undefined;
  #past: SteeredClock | undefined;
  #newestTick: Tick;
  #reconciledTick = -1 as Tick;
  #hasSnapshot = false;
  #ackedInputTick = -1 as Tick;
  #newestSentTick = -1 as Tick;
  #delayTicks = 0;
  #lastSentMs = -Infinity;

  constructor(game: AnyGame, options: ClientOptions & { readonly packetBytesMax: number }) {
    this.#game = game;
    this.#options = options;
    this.#writer = new BitWriter(options.packetBytesMax);
    this.#shown = new StateHistory(game.kinds, HISTORY_TICKS);
    this.#snapshots = new SnapshotReader(game, { model: new SnapshotModel(game), player: options.player, newestTick: options.joinTick });
    this.#inputs = new InputHistory(game.input);
    this.#prediction = new Prediction(game, { seed: options.seed, player: options.player, inputs: this.#inputs });
    this.#events = new EventQueue(options.player, options.onEvent);
    this.#arrivals = new ArrivalLine(game.tickRate);
    this.#lead = new InputLead((options.rttMs * game.tickRate) / 1000);
    this.#views = new ViewBuilder(game, options.player);
    this.#newestTick = options.joinTick;
  }

  /** The predicted time that is drawn now, in ticks. Undefined before the first snapshot. */
  get presentTick(): number | undefined {
    return this.#present?.tick;
  }

  /** The interpolated time that is drawn now, in ticks. Undefined before the first snapshot. */
  get pastTick(): number | undefined {
    return this.#past?.tick;
  }

  /** Changes what this player does from the next tick on. */
  setInput(input: Readonly<Record<string, unknown>>): void {
    this.#inputs.hold(input);
  }

  update(nowMs: number): void {
    this.#drain(nowMs);
    if (this.#hasSnapshot) {
      const presentTick = this.#steer(nowMs);
      this.#reconcile();
      this.#predict(presentTick);
      this.#events.release(this.#past!.tick);
    }
    this.#sendInputs(nowMs);
  }

  /** Everything that is to be drawn now. The array and its objects are reused by the next call. */
  view(nowMs: number): readonly ViewEntity[] {
    this.update(nowMs);
    if (!this.#hasSnapshot) return [];
    return this.#views.build({
      prediction: this.#prediction,
      present: this.#present!.tick,
      frames: this.#shown,
      newestTick: this.#newestTick,
      past: this.#past!.tick,
      nowMs,
    });
  }

  stats(nowMs: number): ClientStats {
    const msPerTick = 1000 / this.#game.tickRate;
    return {
      tick: this.#prediction.tick,
      hostTick: this.#newestTick,
      rttMs: this.#endpoint.rttSamples === 0 ? this.#options.rttMs : this.#endpoint.rttMs,
      jitterMs: this.#arrivals.jitterTicks() * msPerTick,
      lossPct: this.#endpoint.receivedLossPct,
      snapshotsPerSecond: this.#snapshotRate.perSecond(nowMs),
      snapshotAgeMs: this.#hasSnapshot
        ? Math.max(0, this.#arrivals.tickAt(nowMs) - this.#newestTick) * msPerTick + this.#endpoint.rttMs / 2
        : 0,
      interpolationDelayMs: this.#delayTicks * msPerTick,
      predictedTicks: this.#prediction.replayedTicks,
      corrections: this.#prediction.corrections,
      incompleteSnapshots: this.incompleteSnapshots,
      malformedPackets: this.malformedPackets,
      stalePackets: this.stalePackets,
    };
  }

  #drain(nowMs: number): void {
    for (let i = 0; i < PACKETS_PER_UPDATE_MAX; i++) {
      const packet = this.#options.link.receiveState();
      if (packet === undefined) return;
      this.#receive(packet.bytes, Math.min(packet.atMs, nowMs));
    }
  }

  #receive(bytes: Uint8Array, atMs: number): void {
    const reader = this.#reader;
    reader.open(bytes);
    if (!readPreamble(reader, SNAPSHOT_PACKET, this.#options.match)) {
      this.stalePackets++;
      return;
    }
    const header = Endpoint.readHeader(reader);
    const earliness = readEarliness(reader);
    if (this.#endpoint.isDuplicate(header.sequence)) {
      this.stalePackets++;
      return;
    }
    const snapshots = this.#snapshots;
    const shownTick = this.#newestTick;
    const outcome = snapshots.read(bytes, reader);
    if (outcome !== 'ok') {
      if (outcome === 'malformed') this.malformedPackets++;
      else this.stalePackets++;
      return;
    }
    this.#endpoint.receive(header, atMs, (inputTick) => {
      if (inputTick > this.#ackedInputTick) this.#ackedInputTick = inputTick;
    });
    const { tick } = snapshots.state;
    fillShown(this.#shown.claim(tick), snapshots.state, snapshots.base, this.#shown.at(shownTick));
    this.#arrivals.add(tick, atMs);
    this.#snapshotRate.count(atMs);
    if (!snapshots.state.isComplete) this.incompleteSnapshots++;
    this.#events.receive(snapshots.events, snapshots.firstEvent);
    if (!this.#hasSnapshot || tick > this.#newestTick) this.#newestTick = tick;
    this.#hasSnapshot = true;
    this.#followDelay();
    if (earliness !== undefined) this.#lead.report(earliness, atMs, this.#endpoint.rttMs);
  }

  /** The delay that lets all but the latest 2 % of snapshots arrive before they are drawn. */
  #followDelay(): void {
    const interval = this.#game.tickRate / this.#game.sendRate;
    const needed = interval + this.#arrivals.jitterTicks() + INTERPOLATION_MARGIN_TICKS;
    this.#delayTicks = needed >= this.#delayTicks ? needed : Math.max(needed, this.#delayTicks - DELAY_SHRINK_TICKS);
  }

  /** Advances both times; returns the present. */
  #steer(nowMs: number): number {
    const line = this.#arrivals.tickAt(nowMs);
    const presentTarget = line + this.#lead.leadTicks;
    const pastTarget = line - this.#delayTicks;
    this.#present ??= new SteeredClock(this.#game.tickRate, presentTarget, nowMs);
    this.#past ??= new SteeredClock(this.#game.tickRate, pastTarget, nowMs);
    this.#past.advance(nowMs, pastTarget);
    return this.#present.advance(nowMs, presentTarget);
  }

  #reconcile(): void {
    const authority = this.#shown.at(this.#newestTick);
    if (authority === undefined || this.#newestTick === this.#reconciledTick) return;
    this.#reconciledTick = this.#newestTick;
    this.#views.keepDrawn(this.#prediction, this.#present!.tick);
    this.#prediction.reconcile(authority);
    this.#views.easeToCorrected(this.#prediction, this.#present!.tick);
  }

  /** Predicts one tick beyond the present, so that drawing can blend between the two around it. */
  #predict(presentTick: number): void {
    this.#prediction.advance((Math.floor(presentTick) + 1) as Tick, (event) => this.#events.predict(event));
  }

  #sendInputs(nowMs: number): void {
    const newest = this.#prediction.tick;
    if (newest <= this.#newestSentTick && nowMs - this.#lastSentMs < KEEP_ALIVE_MS) return;
    // What waits in the browser would arrive stale; the next packet carries the same inputs and newer ones.
    if (this.#options.link.stateBufferedBytes > 0) return;
    const count = Math.min(INPUTS_PER_PACKET_MAX, Math.max(1, newest - this.#ackedInputTick));
    this.#writer.reset();
    writePreamble(this.#writer, INPUT_PACKET, this.#options.match);
    const sequence = this.#endpoint.takeSequence();
    this.#endpoint.writeHeader(this.#writer, sequence, nowMs);
    this.#endpoint.remember(sequence, newest, nowMs);
    writeInputs(this.#writer, this.#game.input, newest, count, (tick) => this.#inputs.at(tick));
    this.#options.link.sendState(this.#writer.finish());
    this.#newestSentTick = Math.max(newest, this.#newestSentTick) as Tick;
    this.#lastSentMs = nowMs;
  }
}
