/**
 * Plays a game on a bad network, in virtual time: a host with its own player, guests over simulated networks, everybody
 * drawing 60 frames a second. Nothing looks at a real clock, so the same options give the same report bit for bit.
 *
 * The order of things is that of a browser: a pulse every 4 ms for the host and for each guest, and each screen's frames
 * between them, at moments of its own.
 */
import { StateChannel } from '../channel/state-channel.ts';
import { Client } from '../client/client.ts';
import { type PlayerId, PLAYERS_MAX } from '../core/ids.ts';
import { mix32, type Rng } from '../core/rng.ts';
import { type AnyGame, defineGame, type Game, type KindMap, type KindPolicy } from '../define-game.ts';
import { Host } from '../host/host.ts';
import type { ViewEntityOf } from '../session/room.ts';
import { loopbackPair } from '../transport/loopback.ts';
import { STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import type { FieldMap, InitsOf } from '../wire/schema.ts';
import { HitTally } from './hit-tally.ts';
import { type Network, openPaths } from './networks.ts';
import { type Seat, SeatMeter } from './seat-meter.ts';
import { LocalClock, SimClock, SimLink } from './sim-link.ts';
import { Processor, PULSE_MS, SimMachine } from './sim-machine.ts';
import { reportOf, type SimulationReport } from './simulation-report.ts';
import { placesOf, Truth } from './truth.ts';

/** Clocks and delays settle before anything is counted. */
const WARM_UP_SECONDS = 4;
/** Counted unless told otherwise. */
const SECONDS = 30;
/** Longest simulation: an hour of play. */
const SECONDS_MAX = 3600;
/** No clock is worse: a quartz is off by 100 ppm at most, a machine that is throttled or virtual by some hundreds. */
const DRIFT_PPM_MAX = 10_000;
/** Slower than this, a machine would not be through with a step within a second. */
const STEP_COST_MS_MAX = 1000;
/** Tells the networks' luck from that of the match. */
const NETWORK_STREAM = 0x4e77;

export interface SimulateOptions<I extends FieldMap = FieldMap, E extends KindMap = KindMap, V extends KindMap = KindMap> {
  /** How many play, the host's own player (seat 1) included: 2 to 31, whatever the game's `playersMax`. */
  readonly peers: number;
  /** A profile by name, conditions of your own, or a recording. Every guest has a network like this to the host. */
  readonly network: Network;
  /** Names match, networks and inputs. A whole number of 32 bits. */
  readonly seed: number;
  /** Seconds of play that are counted, 30 by default. The first 4 seconds of a match come on top. */
  readonly seconds?: number;
  /**
   * What a player presses in a tick, as for `room.setInput`: fields not named stay as they are. `view` is what that player's
   * screen showed last. Default: keys held for a while and let go, at random.
   */
  drive?(player: PlayerId, tick: number, rng: Rng, view: readonly ViewEntityOf<E>[]): InitsOf<I>;
  /** Other policies than the game's own: for every kind alike (but those that are never predicted), or by kind. */
  readonly policy?: 'owner' | 'all' | 'none' | { readonly [K in keyof E]?: KindPolicy };
  /** Pixels that a unit of a position is drawn as. Default 1. */
  readonly pixelsPerUnit?: number;
  /** The field that says where a thing is. Default 'pos', or else the first vector (or number) that is drawn smoothly. */
  readonly position?: keyof E[keyof E] & string;
  /**
   * The event that the rules emit for a hit, with `{ by: shooter }`: the report then says how often a hit that the shooter's
   * screen showed was denied by the host, and the reverse.
   */
  readonly hit?: keyof V & string;
  /** Guests' clocks run too fast (seats 2, 4, ...) or too slow (3, 5, ...) by so many millionths. Default 0. */
  readonly clockDriftPpm?: number;
  /**
   * What one step of the game costs a guest's machine, in ms of its time; all else costs nothing. Frames that come due while it
   * is busy come late, or never. Default: nothing costs time, and no machine is too slow to predict.
   */
  readonly stepCostMs?: number;
}

/**
 * Simulates a match and reports what the players would have seen. Ends early if the game has a result. Throws RangeError
 * on options that make no sense, and what the game's rules or `drive` throw.
 *
 * @example
 * const { guests } = simulate(pong, { peers: 4, network: 'bad-wifi', seed: 1 })
 * expect(guests.own.errorPx.p95).toBeLessThan(1)
 * expect(guests.others.freezes + guests.others.jumps).toBe(0)
 */
export function simulate<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: SimulateOptions<I, E, V>,
): SimulationReport {
  const untyped = options as unknown as SimulateOptions;
  requireSense(game, untyped);
  return new SimulatedMatch(withPolicy(game, untyped.policy), untyped).play();
}

const HOST_CLOCK = new LocalClock(0);

interface SimSeat {
  readonly local: LocalClock;
  readonly meter: SeatMeter;
  readonly machine: SimMachine;
}

class SimulatedMatch {
  readonly #game: AnyGame;
  readonly #options: SimulateOptions;
  readonly #clock = new SimClock();
  readonly #truth: Truth;
  readonly #host: Host;
  readonly #seats: SimSeat[];

  constructor(game: AnyGame, options: SimulateOptions) {
    this.#game = game;
    this.#options = options;
    this.#truth = new Truth(game, options.seed);
    this.#host = new Host(game, {
      match: 1,
      seed: options.seed,
      nowMs: 0,
      packetBytesMax: STATE_PACKET_BYTES_MAX,
      recorder: this.#truth,
    });
    this.#seats = Array.from({ length: options.peers }, (_, i) => this.#seat((i + 1) as PlayerId));
  }

  play(): SimulationReport {
    const warmUpMs = WARM_UP_SECONDS * 1000;
    const endMs = warmUpMs + (this.#options.seconds ?? SECONDS) * 1000;
    let isCounting = false;
    let nowMs = 0;
    while (nowMs < endMs && this.#host.result === undefined) {
      nowMs += PULSE_MS;
      if (!isCounting && nowMs > warmUpMs) {
        isCounting = true;
        for (const { meter, local } of this.#seats) meter.begin({ nowMs, localMs: local.localMs(nowMs) });
      }
      for (const { machine } of this.#seats) machine.runUntil(nowMs);
      this.#clock.ms = nowMs;
      this.#host.update(nowMs);
    }
    return reportOf(
      { gameId: this.#game.id, peers: this.#options.peers, seed: this.#options.seed },
      this.#seats.map(({ meter, local }) => meter.end({ nowMs, localMs: local.localMs(nowMs) })),
    );
  }

  #seat(player: PlayerId): SimSeat {
    const { seed, network, pixelsPerUnit = 1, position = 'pos', hit, stepCostMs, drive } = this.#options;
    const isHost = player === 1;
    const local = new LocalClock(isHost ? 0 : (this.#options.clockDriftPpm ?? 0) * (player % 2 === 0 ? 1 : -1));
    const processor = isHost || stepCostMs === undefined ? undefined : new Processor(stepCostMs);
    const { link, hostLink, rttMs } = isHost ? this.#loopback() : this.#remote(network, player, local);
    const isPaced = !isHost;
    const joinTick = this.#host.addPlayer(player, new StateChannel(hostLink, { isPaced }));
    const hitType = this.#game.eventTypes.find(({ name }) => name === hit)?.index;
    const hits = new HitTally(player, hitType);
    const client = new Client(processor?.running(this.#game) ?? this.#game, {
      channel: new StateChannel(link, { isPaced }),
      player,
      match: 1,
      seed,
      joinTick,
      rttMs,
      onEvent: (event, isPredicted) => hits.shown(event, isPredicted),
      onRetract: (event) => hits.retracted(event),
      ...(processor !== undefined && { measureMs: processor.measureMs }),
    });
    const remote = this.#host.clients.get(player)!;
    const seat: Seat = { player, isHost, client, counters: link.counters, remote, hits: hitType === undefined ? undefined : hits };
    const places = placesOf(this.#game, position);
    const meter = new SeatMeter(this.#game, { seat, truth: this.#truth, places, pixelsPerUnit });
    return {
      local,
      meter,
      machine: new SimMachine(this.#game, { client, clock: this.#clock, local, processor, meter, player, seed, drive }),
    };
  }

  #loopback() {
    const [link, hostLink] = loopbackPair(this.#clock);
    return { link, hostLink, rttMs: 0 };
  }

  #remote(network: Network, player: PlayerId, local: LocalClock) {
    const { down, up, rttMs } = openPaths(network, mix32(this.#options.seed, NETWORK_STREAM), player);
    const clock = this.#clock;
    const hostLink = new SimLink({ clock, local: HOST_CLOCK }, down, up);
    return { link: new SimLink({ clock, local }, up, down), hostLink, rttMs };
  }
}

function requireSense(game: AnyGame, options: SimulateOptions): void {
  const { peers, seconds = SECONDS, seed, pixelsPerUnit = 1, hit, clockDriftPpm = 0, stepCostMs = 0 } = options;
  if (!Number.isInteger(peers) || peers < 2 || peers > PLAYERS_MAX)
    throw new RangeError(`peers ${peers} must be a whole number from 2 to ${PLAYERS_MAX}`);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new RangeError(`seconds ${seconds} must be above 0 and at most ${SECONDS_MAX}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    throw new RangeError(`seed ${seed} must be a whole number of 32 bits from 0 up`);
  if (!(pixelsPerUnit > 0 && pixelsPerUnit < Infinity)) throw new RangeError(`pixelsPerUnit ${pixelsPerUnit} must be above 0`);
  if (hit !== undefined && !game.eventTypes.some(({ name }) => name === hit)) throw new TypeError(`there is no event '${hit}'`);
  if (!(Math.abs(clockDriftPpm) <= DRIFT_PPM_MAX))
    throw new RangeError(`clockDriftPpm ${clockDriftPpm} must be from -${DRIFT_PPM_MAX} to ${DRIFT_PPM_MAX}`);
  if (!(stepCostMs >= 0 && stepCostMs <= STEP_COST_MS_MAX))
    throw new RangeError(`stepCostMs ${stepCostMs} must be from 0 to ${STEP_COST_MS_MAX}`);
}

/** The same game under another policy; what a kind's own policy says beside `predict` stays. */
function withPolicy(game: AnyGame, policy: SimulateOptions['policy']): AnyGame {
  if (policy === undefined) return game;
  const own: { readonly [name: string]: KindPolicy | undefined } = game.spec.policy ?? {};
  const of = (name: string): KindPolicy => {
    if (typeof policy === 'object') return { ...own[name], ...policy[name] };
    return { ...own[name], predict: own[name]?.predict === 'none' ? 'none' : policy };
  };
  const names = Object.keys(game.spec.entities as KindMap);
  return defineGame({ ...game.spec, policy: Object.fromEntries(names.map((name) => [name, of(name)])) } as never);
}
