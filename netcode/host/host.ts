/**
 * The authority over a match. `update` runs the ticks that are due, each top to bottom:
 *
 *   drain -> bufferInputs -> validate -> step -> capture -> per client: prioritise -> delta -> pace -> send
 *
 * It knows no sockets and no lobby: players come with a link and go.
 */
import type { AnyGame } from '../define-game.ts';
import { type PlayerId, type Tick } from '../core/ids.ts';
import type { StateChannel } from '../channel/state-channel.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { Captures } from '../snapshot/capture.ts';
import type { InterestGrid } from '../snapshot/interest-grid.ts';
import { Interest, interestGridOf, priorityOf } from '../snapshot/interest.ts';
import { SnapshotModel } from '../snapshot/snapshot-model.ts';
import { SnapshotWriter } from '../snapshot/snapshot-writer.ts';
import { FixedStep } from '../time/fixed-step.ts';
import { type SimEvent, Simulation } from '../world/simulation.ts';
import { World } from '../world/world.ts';
import { EVENTS_MAX, RemoteClient } from './remote-client.ts';
import type { Recorder } from './recording.ts';
import { Sights } from './sights.ts';

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
  readonly #captures: Captures;
  /** What players were shown, for rules that ask (`seenBy`). */
  readonly #sights: Sights;
  readonly #clock: FixedStep;
  readonly #writer: SnapshotWriter;
  /** Who is to know what; undefined if everybody knows everything. */
  readonly #grid: InterestGrid | undefined;
  /** The newest state for the game's own questions about it. */
  readonly #world: World;
  readonly #clients = new Map<PlayerId, RemoteClient>();
  readonly #joined: PlayerId[] = [];
  readonly #left: PlayerId[] = [];
  /** Since the last snapshots. */
  readonly #events: SimEvent[] = [];
  #droppedEvents = 0;
  #result: { readonly value: unknown } | undefined;

  constructor(game: AnyGame, options: HostOptions) {
    this.#game = game;
    this.#options = options;
    this.#simulation = new Simulation(game, options.seed);
    this.#captures = new Captures(game, HISTORY_TICKS);
    this.#sights = new Sights(this.#captures);
    this.#clock = new FixedStep(game.tickRate, options.nowMs);
    this.#grid = interestGridOf(game);
    this.#world = new World(game, this.#simulation.state);
    const hook = priorityOf(game, this.#world);
    this.#writer = new SnapshotWriter(game, {
      model: new SnapshotModel(game),
      captures: this.#captures,
      bytesMax: options.packetBytesMax,
      ...(hook !== undefined && { priorityOf: hook }),
    });
    this.#simulation.start();
    options.recorder?.begin(this.#simulation.state);
  }

  get tick(): Tick {
    return this.#simulation.state.tick;
  }

  /** Events beyond the limit of their tick, or of what waits for a player. */
  get droppedEvents(): number {
    let dropped = this.#simulation.droppedEvents + this.#droppedEvents;
    for (const client of this.#clients.values()) dropped += client.droppedEvents;
    return dropped;
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

  /** Lets a player in at the next tick; their snapshots come over `channel`. Returns the tick they join behind. */
  addPlayer(player: PlayerId, channel: StateChannel): Tick {
    if (this.#clients.has(player)) throw new Error(`player ${player} is in the match already`);
    const interest = this.#grid === undefined ? undefined : new Interest(this.#game, player);
    this.#clients.set(player, new RemoteClient(this.#game, { player, channel, match: this.#options.match, tick: this.tick, interest }));
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
      this.#captures.capture(this.#simulation.state);
      isSnapshotDue ||= tick % (this.#game.tickRate / this.#game.sendRate) === 0;
    }
    this.#send(nowMs, isSnapshotDue);
    for (const { channel } of this.#clients.values()) channel.update(nowMs);
  }

  #step(tick: Tick): void {
    const { inputs } = this.#simulation;
    inputs.clear();
    const { delays } = this.#sights;
    for (const client of this.#clients.values()) {
      inputs.set(client.player, client.inputs.take(tick));
      delays[client.player] = client.viewDelayTicks;
    }
    const joined = this.#joined.splice(0);
    const left = this.#left.splice(0);
    for (const player of left) if (!this.#clients.has(player)) delays[player] = 0;
    this.#simulation.step(tick, {
      isFirstTime: true,
      isAuthority: true,
      sightOf: this.#sights.of,
      ...(joined.length > 0 && { joined }),
      ...(left.length > 0 && { left }),
      onEvent: (event) => {
        if (this.#events.length < EVENTS_MAX) this.#events.push(event);
        else this.#droppedEvents++;
      },
    });
    this.#options.recorder?.record(tick, { inputs, delays, joined, left, state: this.#simulation.state });
    const result = this.#simulation.result();
    if (result !== undefined) this.#result = { value: result };
  }

  /** Sends the newest state to everyone to whom a snapshot is due, or was and found no room yet. */
  #send(nowMs: number, isDue: boolean): void {
    const grid = this.#grid;
    let isGridFresh = false;
    for (const client of this.#clients.values()) {
      client.isOwed ||= isDue;
      if (!client.isOwed) continue;
      const room = client.channel.roomForSnapshot(nowMs);
      if (room === 0 && !isDue) continue;
      if (grid !== undefined) {
        if (!isGridFresh) grid.rebuild(this.#simulation.state);
        isGridFresh = true;
        client.interest!.update(grid, this.#world);
      }
      if (isDue) client.hear(this.#events);
      if (room > 0) client.sendSnapshot({ writer: this.#writer, bytesMax: Math.min(room, this.#options.packetBytesMax), nowMs });
    }
    if (isDue) this.#events.length = 0;
  }
}
