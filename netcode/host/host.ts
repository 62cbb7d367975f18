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
import type { SettingValues } from '../wire/settings.ts';
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
  /** What was chosen in the lobby. Default: the game's own. */
  readonly settings?: SettingValues;
  readonly recorder?: Recorder;
}

/** How somebody takes part. */
export interface Place {
  /** Sees everything a player would and does nothing: no `onJoin`, no inputs. */
  readonly isSpectator: boolean;
  readonly team: number;
}
const PLAYING: Place = { isSpectator: false, team: 0 };

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
  readonly #joined: { readonly player: PlayerId; readonly team: number }[] = [];
  readonly #left: PlayerId[] = [];
  /** Since the last snapshots. */
  readonly #events: SimEvent[] = [];
  #droppedEvents = 0;
  #result: { readonly value: unknown } | undefined;

  constructor(game: AnyGame, options: HostOptions) {
    this.#game = game;
    this.#options = options;
    this.#simulation = new Simulation(game, options.seed, options.settings);
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

  /** Lets somebody in at the next tick; their snapshots come over `channel`. Returns the tick they join behind. */
  addPlayer(player: PlayerId, channel: StateChannel, { isSpectator, team }: Place = PLAYING): Tick {
    if (this.#clients.has(player)) throw new Error(`player ${player} is in the match already`);
    const interest = this.#grid === undefined ? undefined : new Interest(this.#game, player);
    const client = new RemoteClient(this.#game, { player, channel, match: this.#options.match, tick: this.tick, interest });
    this.#clients.set(player, client);
    client.isSpectator = isSpectator;
    if (!isSpectator) this.#joined.push({ player, team });
    return this.tick;
  }

  /** From the next tick on somebody plays, or only watches. */
  setPlace(player: PlayerId, { isSpectator, team }: Place): void {
    const client = this.#clients.get(player);
    if (client === undefined || client.isSpectator === isSpectator) return;
    client.isSpectator = isSpectator;
    if (isSpectator) {
      this.#leave(player);
      return;
    }
    client.beginInputs(this.tick);
    this.#joined.push({ player, team });
  }

  removePlayer(player: PlayerId): void {
    const client = this.#clients.get(player);
    if (client === undefined) return;
    this.#clients.delete(player);
    if (!client.isSpectator) this.#leave(player);
  }

  #leave(player: PlayerId): void {
    const waiting = this.#joined.findIndex((joining) => joining.player === player);
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
      if (client.isSpectator) continue;
      inputs.set(client.player, client.inputs.take(tick));
      delays[client.player] = client.viewDelayTicks;
    }
    const joining = this.#joined.splice(0);
    const joined = joining.map(({ player }) => player);
    const teams = joining.map(({ team }) => team);
    const left = this.#left.splice(0);
    for (const player of left) if (this.#clients.get(player)?.isSpectator !== false) delays[player] = 0;
    this.#simulation.step(tick, {
      isFirstTime: true,
      isAuthority: true,
      sightOf: this.#sights.of,
      ...(joined.length > 0 && { joined, teams }),
      ...(left.length > 0 && { left }),
      onEvent: (event) => {
        if (this.#events.length < EVENTS_MAX) this.#events.push(event);
        else this.#droppedEvents++;
      },
    });
    this.#options.recorder?.record(tick, { inputs, delays, joined, teams, left, state: this.#simulation.state });
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
        client.interest?.update(grid, this.#world);
      }
      if (isDue) client.hear(this.#events);
      if (room > 0) client.sendSnapshot({ writer: this.#writer, bytesMax: Math.min(room, this.#options.packetBytesMax), nowMs });
    }
    if (isDue) this.#events.length = 0;
  }
}
