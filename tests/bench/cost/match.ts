/**
 * A match whose parts can be timed apart: a host, and guests over a network that delays and does nothing else, all stepped
 * 60 times a second of virtual time. One guest may be a whole client; the others decode, acknowledge and press keys, and
 * predict nothing, so that they cost little beside what is measured.
 */
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { StateLink } from '../../../netcode/channel/state-link.ts';
import { Client } from '../../../netcode/client/client.ts';
import type { PlayerId } from '../../../netcode/core/ids.ts';
import { mix32, Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame } from '../../../netcode/index.ts';
import { Host } from '../../../netcode/host/host.ts';
import type { Recorder } from '../../../netcode/host/recording.ts';
import { openPaths } from '../../../netcode/testing/networks.ts';
import { LocalClock, SimClock, SimLink } from '../../../netcode/testing/sim-link.ts';
import { type Received, STATE_PACKET_BYTES_MAX } from '../../../netcode/transport/transport.ts';
import type { demoGame } from '../workloads/demo.ts';

export type DemoGame = typeof demoGame;

/** Hands hold keys for so many ticks. */
const HAND_TICKS = 20;
/** Ticks before those that count: everybody is in, as many bullets fly as will, and the engine knows the code. */
export const WARM_UP_TICKS = 240;

export interface CostPlan {
  readonly game: DemoGame;
  readonly players: number;
  readonly bullets: number;
  readonly ticks: number;
  readonly seed: number;
}

/** Lets a look be taken at the moments at which a link is used. */
export class WatchedLink implements StateLink {
  readonly #link: StateLink;
  readonly #look: (what: 'ask' | 'send', bytes?: number) => void;

  constructor(link: StateLink, look: (what: 'ask' | 'send', bytes?: number) => void) {
    this.#link = link;
    this.#look = look;
  }

  stateBufferedBytes(lane?: number): number {
    this.#look('ask');
    return this.#link.stateBufferedBytes(lane);
  }

  openLanes(count: number): void {
    this.#link.openLanes(count);
  }

  sendState(bytes: Uint8Array, lane?: number): boolean {
    this.#look('send', bytes.byteLength);
    return this.#link.sendState(bytes, lane);
  }

  receiveState(): Received | undefined {
    return this.#link.receiveState();
  }
}

export interface CostMatchOptions {
  readonly hostGame: DemoGame;
  /** Of the one guest, seat 2, that is a whole client. */
  readonly guestGame?: DemoGame;
  readonly players: number;
  /** One way. */
  readonly delayMs: number;
  readonly seed: number;
  readonly recorder?: Recorder;
  /** Wraps the host's end of every link. */
  readonly watchHostLink?: (link: StateLink) => StateLink;
  /** What the whole client is given. */
  readonly onGuestPacket?: (packet: Received | undefined) => void;
}

export class CostMatch {
  readonly host: Host;
  readonly clock = new SimClock();
  /** Seat 2 first. */
  readonly clients: Client[] = [];
  /** Whose hands did something this tick, and what. */
  readonly pressed = new Map<PlayerId, Readonly<Record<string, unknown>>>();
  readonly #tickMs: number;
  readonly #rng: Sfc32;
  #tick = 0;

  constructor(options: CostMatchOptions) {
    const { hostGame, guestGame, players, seed } = options;
    this.#tickMs = 1000 / hostGame.tickRate;
    this.#rng = new Sfc32(mix32(seed, 1));
    const local = new LocalClock(0);
    this.host = new Host(hostGame, {
      match: 1,
      seed,
      nowMs: 0,
      packetBytesMax: STATE_PACKET_BYTES_MAX,
      ...(options.recorder !== undefined && { recorder: options.recorder }),
    });
    const deaf = deafGame(hostGame);
    for (let seat = 2; seat <= players + 1; seat++) {
      const { down, up, rttMs } = openPaths({ delayMs: options.delayMs }, seed, seat);
      const clocks = { clock: this.clock, local };
      const isWhole = guestGame !== undefined && seat === 2;
      const guestLink: StateLink = new SimLink(clocks, up, down);
      const hostLink: StateLink = new SimLink(clocks, down, up);
      const { onGuestPacket } = options;
      const link = isWhole && onGuestPacket !== undefined ? overheard(guestLink, onGuestPacket) : guestLink;
      const joinTick = this.host.addPlayer(seat as PlayerId, new StateChannel(options.watchHostLink?.(hostLink) ?? hostLink));
      this.clients.push(
        new Client(isWhole ? guestGame : deaf, {
          channel: new StateChannel(link),
          player: seat as PlayerId,
          match: 1,
          seed,
          joinTick,
          rttMs,
          onEvent: () => undefined,
        }),
      );
    }
  }

  /** One tick later: hands, all guests but the whole client, and then what is measured. */
  next(measured: (nowMs: number) => void): void {
    const nowMs = ++this.#tick * this.#tickMs;
    this.clock.ms = nowMs;
    const rng = this.#rng;
    this.pressed.clear();
    for (const [i, client] of this.clients.entries()) {
      if ((this.#tick + i) % HAND_TICKS !== 0) continue;
      const input = { turn: rng.below(3) - 1, thrust: rng.below(3) > 0, fire: rng.below(2) === 0 };
      this.pressed.set((i + 2) as PlayerId, input);
      client.setInput(input);
    }
    measured(nowMs);
  }
}

/** The same on the wire; nothing is predicted. */
function deafGame(game: DemoGame): DemoGame {
  return defineGame({ ...game.spec, step: () => undefined });
}

function overheard(link: StateLink, hear: (packet: Received | undefined) => void): StateLink {
  return {
    stateBufferedBytes: (lane) => link.stateBufferedBytes(lane),
    openLanes: (count) => link.openLanes(count),
    sendState: (bytes, lane) => link.sendState(bytes, lane),
    receiveState() {
      const packet = link.receiveState();
      hear(packet);
      return packet;
    },
  };
}
