/**
 * The authority over a match. `update` runs the ticks that are due, each top to bottom:
 *
 *   drain -> bufferInputs -> validate -> step -> capture -> per client: prioritise -> delta -> pace -> send
 *
 * It knows no sockets and no lobby: players come with a link and go.
 */
import type { AnyGame } from '../define-game.ts';
import { type PlayerId, type Tick } from '../core/ids.ts';
import type { StateLink } from '../channel/state-link.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { SnapshotModel } from '../snapshot/snapshot-model.ts';
import { FixedStep } from '../time/fixed-step.ts';
import { RangeEncoder } from '../wire/range-coder.ts';
import { type SimEvent, Simulation } from '../world/simulation.ts';
import { StateHistory } from '../world/world-state.ts';
import { RemoteClient } from './remote-client.ts';
import type { Recorder } from './recording.ts';

/** Events remembered for clients that lack them: as long as baselines live, and no more than this. */
const EVENTS_MAX = 1024;

export interface HostOptions {
  readonly match: number;
  readonly seed: number;
  readonly nowMs: number;
  readonly packetBytesMax: number;
  readonly recorder?: Recorder;
}

export class Host {
  readonly #game: AnyGame;
  readonly #options: HostOptions;
  readonly #simulation: Simulation;
  readonly #history: StateHistory;
  readonly #clock: FixedStep;
  readonly #encoder: RangeEncoder;
  readonly #model: SnapshotModel;
  readonly #clients = new Map<PlayerId, RemoteClient>();
  readonly #joined: PlayerId[] = [];
  readonly #left: PlayerId[] = [];
  #events: SimEvent[] = [];
  #result: { readonly value: unknown } | undefined;

  constructor(game: AnyGame, options: HostOptions) {
    this.#game = game;
    this.#options = options;
    this.#simulation = new Simulation(game, options.seed);
    this.#history = new StateHistory(game.kinds, HISTORY_TICKS);
    this.#clock = new FixedStep(game.tickRate, options.nowMs);
    this.#encoder = new RangeEncoder(options.packetBytesMax);
    this.#model = new SnapshotModel(game);
    this.#simulation.start();
    options.recorder?.begin(this.#simulation.state);
  }

  get tick(): Tick {
    return this.#simulation.state.tick;
  }

  /** Events beyond the limit of their tick. */
  get droppedEvents(): number {
    return this.#simulation.droppedEvents;
  }

  /** Ticks never run, because the machine slept or was too slow. */
  get skippedTicks(): number {
    return this.#clock.skippedTicks;
  }

  get clients(): ReadonlyMap<PlayerId, RemoteClient> {
    return this.#clients;
  }

  /** The game's outcome once there is one. */
  get result(): { readonly value: unknown } | undefined {
    return this.#result;
  }

  /** Lets a player in at the next tick; their snapshots come over `link`. Returns the tick they join behind. */
  addPlayer(player: PlayerId, link: StateLink): Tick {
    if (this.#clients.has(player)) throw new Error(`player ${player} is in the match already`);
    this.#clients.set(player, new RemoteClient(this.#game, { player, link, match: this.#options.match, tick: this.tick }));
    this.#joined.push(player);
    return this.tick;
  }

  removePlayer(player: PlayerId): void {
    if (!this.#clients.delete(player)) return;
    const waiting = this.#joined.indexOf(player);
    if (waiting >= 0) this.#joined.splice(waiting, 1);
    else this.#left.push(player);
  }

  update(nowMs: number): void {
    const position = (atMs: number): number => this.#clock.position(atMs);
    for (const client of this.#clients.values()) client.drain(nowMs, position);
    let isSnapshotDue = false;
    for (;;) {
      const tick = this.#result === undefined ? this.#clock.next(nowMs) : undefined;
      if (tick === undefined) break;
      this.#step(tick);
      this.#capture(tick);
      isSnapshotDue ||= tick % (this.#game.tickRate / this.#game.sendRate) === 0;
    }
    // After a hitch several ticks run at once; only the newest state is worth sending.
    if (isSnapshotDue) this.#send(nowMs);
  }

  #step(tick: Tick): void {
    const { inputs } = this.#simulation;
    inputs.clear();
    for (const client of this.#clients.values()) inputs.set(client.player, client.inputs.take(tick));
    const joined = this.#joined.splice(0);
    const left = this.#left.splice(0);
    this.#simulation.step(tick, {
      isFirstTime: true,
      ...(joined.length > 0 && { joined }),
      ...(left.length > 0 && { left }),
      onEvent: (event) => this.#events.push(event),
    });
    this.#options.recorder?.record(tick, { inputs, joined, left, state: this.#simulation.state });
    const result = this.#simulation.result();
    if (result !== undefined) this.#result = { value: result };
  }

  #capture(tick: Tick): void {
    this.#history.claim(tick).copyFrom(this.#simulation.state);
    if (this.#events.length > EVENTS_MAX) this.#events.splice(0, this.#events.length - EVENTS_MAX);
    if (this.#events.length > 0 && this.#events[0]!.tick < tick - HISTORY_TICKS) {
      this.#events = this.#events.filter((event) => event.tick >= tick - HISTORY_TICKS);
    }
  }

  #send(nowMs: number): void {
    for (const client of this.#clients.values()) {
      client.sendSnapshot(this.#encoder, {
        model: this.#model,
        state: this.#simulation.state,
        history: this.#history,
        events: this.#events,
        bytesMax: this.#options.packetBytesMax,
        nowMs,
      });
    }
  }
}
