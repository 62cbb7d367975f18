/**
 * Plays a game on a bad network, in virtual time: a host with its own player, guests over simulated networks, everybody
 * drawing 60 frames a second. Nothing looks at a real clock, so the same options give the same report bit for bit.
 *
 * The order of things is that of a browser: a pulse every 4 ms for the host and for each guest, and each screen's frames
 * between them, at moments of its own.
 */
import { Client } from '../client/client.ts';
import type { ViewEntity } from '../client/view-builder.ts';
import { type PlayerId, PLAYERS_MAX } from '../core/ids.ts';
import { mix32, type Rng, Sfc32 } from '../core/rng.ts';
import { type AnyGame, defineGame, type Game, type KindMap, type KindPolicy } from '../define-game.ts';
import { Host } from '../host/host.ts';
import type { ViewEntityOf } from '../session/room.ts';
import { loopbackPair } from '../transport/loopback.ts';
import { STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import type { FieldMap, InitsOf } from '../wire/schema.ts';
import { type Network, openPaths } from './networks.ts';
import { randomInput } from './random-driver.ts';
import { type Seat, SeatMeter } from './seat-meter.ts';
import { reportOf, type SimulationReport } from './simulation-report.ts';
import { SimClock, SimLink } from './sim-link.ts';
import { placesOf, Truth } from './truth.ts';
import { FRAMES_PER_SECOND } from './watcher.ts';

/** What a page's Worker and Node's timer give. */
const PULSE_MS = 4;
const FRAME_MS = 1000 / FRAMES_PER_SECOND;
/** Clocks and delays settle before anything is counted. */
const WARM_UP_SECONDS = 4;
/** Longest simulation: an hour of play. */
const SECONDS_MAX = 3600;
/** Tell the players' luck, the networks' and the screens' from that of the match. */
const DRIVE_STREAM = 0xd41e;
const NETWORK_STREAM = 0x4e77;
const SCREEN_STREAM = 0x5c4e;

export interface SimulateOptions<I extends FieldMap = FieldMap, E extends KindMap = KindMap> {
  /** How many play, the host's own player (seat 1) included: 2 to 31, whatever the game's `playersMax`. */
  readonly players: number;
  /** A profile by name, conditions of your own, or a recording. Every guest has a network like this to the host. */
  readonly network: Network;
  /** Names match, networks and inputs. A whole number of 32 bits. */
  readonly seed: number;
  /** Seconds of play that are counted. The first 4 seconds of a match come on top. */
  readonly seconds: number;
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
}

/**
 * Simulates a match and reports what the players would have seen. Ends early if the game has a result. Throws RangeError
 * on options that make no sense, and what the game's rules or `drive` throw.
 *
 * @example
 * const { guests } = simulate(pong, { players: 4, network: 'bad-wifi', seed: 1, seconds: 60 })
 * expect(guests.own.errorPx.p95).toBeLessThan(1)
 * expect(guests.others.freezes + guests.others.jumps).toBe(0)
 */
export function simulate<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: SimulateOptions<I, E>,
): SimulationReport {
  const untyped = options as unknown as SimulateOptions;
  requireSense(untyped);
  return new SimulatedMatch(withPolicy(game, untyped.policy), untyped).play();
}

class SimulatedMatch {
  readonly #game: AnyGame;
  readonly #options: SimulateOptions;
  readonly #clock = new SimClock();
  readonly #truth: Truth;
  readonly #host: Host;
  readonly #seats: Player[];

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
    this.#seats = Array.from({ length: options.players }, (_, i) => this.#seat((i + 1) as PlayerId));
  }

  play(): SimulationReport {
    const warmUpMs = WARM_UP_SECONDS * 1000;
    const endMs = warmUpMs + this.#options.seconds * 1000;
    let isCounting = false;
    let nowMs = 0;
    while (nowMs < endMs && this.#host.result === undefined) {
      nowMs += PULSE_MS;
      if (!isCounting && nowMs > warmUpMs) {
        isCounting = true;
        for (const { meter } of this.#seats) meter.begin(nowMs);
      }
      for (const player of this.#seats) player.runUntil(nowMs);
      this.#clock.ms = nowMs;
      this.#host.update(nowMs);
    }
    return reportOf(
      { gameId: this.#game.id, players: this.#options.players, seed: this.#options.seed },
      this.#seats.map(({ meter }) => meter.end(nowMs)),
    );
  }

  #seat(player: PlayerId): Player {
    const { seed, network, pixelsPerUnit = 1, position = 'pos' } = this.#options;
    const isHost = player === 1;
    const { link, hostLink, rttMs } = isHost ? this.#loopback() : this.#remote(network, player);
    const joinTick = this.#host.addPlayer(player, hostLink);
    const client = new Client(this.#game, {
      link,
      player,
      match: 1,
      seed,
      joinTick,
      rttMs,
      packetBytesMax: STATE_PACKET_BYTES_MAX,
      onEvent: () => undefined,
    });
    const seat: Seat = { player, isHost, client, counters: link.counters, remote: this.#host.clients.get(player)! };
    const places = placesOf(this.#game, position);
    const meter = new SeatMeter(this.#game, { seat, truth: this.#truth, places, pixelsPerUnit });
    return new Player(this.#game, { client, clock: this.#clock, meter, player, seed, drive: this.#options.drive });
  }

  #loopback() {
    const [link, hostLink] = loopbackPair(this.#clock);
    return { link, hostLink, rttMs: 0 };
  }

  #remote(network: Network, player: PlayerId) {
    const { down, up, rttMs } = openPaths(network, mix32(this.#options.seed, NETWORK_STREAM), player);
    return { link: new SimLink(this.#clock, up, down), hostLink: new SimLink(this.#clock, down, up), rttMs };
  }
}

interface PlayerOptions {
  readonly client: Client;
  readonly clock: SimClock;
  readonly meter: SeatMeter;
  readonly player: PlayerId;
  readonly seed: number;
  readonly drive: SimulateOptions['drive'] | undefined;
}

/** One player's machine: pulses, frames and hands, each at moments of their own. */
class Player {
  readonly meter: SeatMeter;
  readonly #game: AnyGame;
  readonly #options: PlayerOptions;
  readonly #rng: Rng;
  readonly #tickMs: number;
  #nextPulseMs: number;
  #nextFrameMs: number;
  #nextTickMs: number;
  #tick = 0;
  #view: readonly ViewEntity[] = [];

  constructor(game: AnyGame, options: PlayerOptions) {
    this.#game = game;
    this.#options = options;
    this.meter = options.meter;
    this.#rng = new Sfc32(mix32(mix32(options.seed, DRIVE_STREAM), options.player));
    this.#tickMs = 1000 / game.tickRate;
    const phases = new Sfc32(mix32(mix32(options.seed, SCREEN_STREAM), options.player));
    this.#nextPulseMs = phases.between(0, PULSE_MS);
    this.#nextFrameMs = phases.between(0, FRAME_MS);
    this.#nextTickMs = phases.between(0, this.#tickMs);
  }

  /** Does what is due up to this moment, in order. */
  runUntil(endMs: number): void {
    const { client, clock, meter } = this.#options;
    for (;;) {
      const nowMs = Math.min(this.#nextPulseMs, this.#nextFrameMs, this.#nextTickMs);
      if (nowMs > endMs) return;
      clock.ms = nowMs;
      if (nowMs === this.#nextTickMs) {
        this.#nextTickMs += this.#tickMs;
        client.setInput(this.#drive(this.#tick++));
      } else if (nowMs === this.#nextPulseMs) {
        this.#nextPulseMs += PULSE_MS;
        client.update(nowMs);
      } else {
        this.#nextFrameMs += FRAME_MS;
        this.#view = client.view(nowMs);
        meter.draw(this.#view, nowMs);
      }
    }
  }

  #drive(tick: number): Readonly<Record<string, unknown>> {
    const { drive, player } = this.#options;
    if (drive === undefined) return randomInput(this.#game.input, this.#game.tickRate, this.#rng);
    return drive(player, tick, this.#rng, this.#view);
  }
}

function requireSense({ players, seconds, seed, pixelsPerUnit = 1 }: SimulateOptions): void {
  if (!Number.isInteger(players) || players < 2 || players > PLAYERS_MAX)
    throw new RangeError(`players ${players} must be a whole number from 2 to ${PLAYERS_MAX}`);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new RangeError(`seconds ${seconds} must be above 0 and at most ${SECONDS_MAX}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    throw new RangeError(`seed ${seed} must be a whole number of 32 bits from 0 up`);
  if (!(pixelsPerUnit > 0 && pixelsPerUnit < Infinity)) throw new RangeError(`pixelsPerUnit ${pixelsPerUnit} must be above 0`);
}

/** The same game under another policy. */
function withPolicy(game: AnyGame, policy: SimulateOptions['policy']): AnyGame {
  if (policy === undefined) return game;
  const of = (name: string, own: 'owner' | 'all' | 'none'): KindPolicy => {
    if (typeof policy === 'object') return policy[name] ?? { predict: own };
    return { predict: own === 'none' ? 'none' : policy };
  };
  const policies = Object.fromEntries(game.kinds.map(({ name, predict }) => [name, of(name, predict)]));
  return defineGame({ ...game.spec, policy: policies } as never);
}
