/**
 * Whole sessions in virtual time: real rooms, real protocol, a conditioned network, and a lobby directory in memory that
 * can be switched off. `run(ms)` is the only thing that makes time pass.
 */
import { type Ticker, VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId } from '../../netcode/core/ids.ts';
import { Sfc32 } from '../../netcode/core/rng.ts';
import type { AnyGame } from '../../netcode/define-game.ts';
import type { SessionDeps } from '../../netcode/session/deps.ts';
import type { GuestRoom } from '../../netcode/session/guest-room.ts';
import type { HostRoom } from '../../netcode/session/host-room.ts';
import type { HostOptions, JoinOptions, Room, RoomEvents } from '../../netcode/session/room.ts';
import { hostRoom, joinRoom } from '../../netcode/session/session.ts';
import { ConditionedNetwork } from '../../netcode/transport/conditioned.ts';
import type { BrokerResult, LobbyDirectory } from '../../netcode/transport/directory.ts';
import { DialError } from '../../netcode/transport/transport.ts';
import { CODE_ALPHABET } from '../../netcode/wire/lobby-api.ts';

const PUMP_MS = 5;
/** Microtasks between two pumps: as many as the longest chain of awaits in a join. */
const SETTLE_TURNS = 12;

export class MemoryDirectory implements LobbyDirectory {
  isUp = true;
  readonly lobbies = new Map<string, { peerId: PeerId; gameId: string; token: string }>();
  readonly #rng = new Sfc32(5);

  #answer<T>(make: () => BrokerResult<T>): Promise<BrokerResult<T>> {
    return Promise.resolve(this.isUp ? make() : { ok: false, failure: 'unreachable', message: 'The server cannot be reached.' });
  }

  createLobby: LobbyDirectory['createLobby'] = ({ peerId, gameId }) =>
    this.#answer(() => {
      const code = Array.from({ length: 6 }, () => CODE_ALPHABET[this.#rng.below(CODE_ALPHABET.length)]).join('');
      this.lobbies.set(code, { peerId: peerId as PeerId, gameId, token: `token-${code}` });
      return { ok: true, value: { code, ownerToken: `token-${code}`, expiresInMs: 15_000 } };
    });

  resolveLobby: LobbyDirectory['resolveLobby'] = (code) =>
    this.#answer(() => {
      const lobby = this.lobbies.get(code);
      return lobby === undefined ? { ok: false, failure: 'unknown-code', message: 'unknown' } : { ok: true, value: { code, ...lobby } };
    });

  reclaimLobby: LobbyDirectory['reclaimLobby'] = (code, token, { peerId, gameId }) =>
    this.#answer(() => {
      const owner = this.lobbies.get(code);
      if (owner !== undefined && owner.token !== token) return { ok: false, failure: 'code-taken', message: 'taken' };
      this.lobbies.set(code, { peerId: peerId as PeerId, gameId, token });
      return { ok: true, value: { code, ownerToken: token, expiresInMs: 15_000 } };
    });

  heartbeat: LobbyDirectory['heartbeat'] = (code) =>
    this.#answer(() =>
      this.lobbies.has(code) ? { ok: true, value: { expiresInMs: 15_000 } } : { ok: false, failure: 'unknown-code', message: 'unknown' },
    );

  closeLobby: LobbyDirectory['closeLobby'] = (code) =>
    this.#answer(() => {
      this.lobbies.delete(code);
      return { ok: true, value: true };
    });
}

class ManualTicker implements Ticker {
  callback: (() => void) | undefined;

  start(callback: () => void): void {
    this.callback = callback;
  }

  stop(): void {
    this.callback = undefined;
  }
}

export interface Heard {
  readonly notices: RoomEvents['notice'][];
  readonly closed: RoomEvents['closed'][];
  readonly events: RoomEvents['event'][];
}

export class TestSession {
  readonly clock = new VirtualClock();
  readonly directory = new MemoryDirectory();
  readonly network: ConditionedNetwork;
  readonly #tickers: ManualTicker[] = [];
  readonly #rng: Sfc32;
  readonly #peers = new Map<Room, PeerId>();
  #peerCount = 0;

  constructor(seed: number) {
    this.network = new ConditionedNetwork(this.clock, seed);
    this.#rng = new Sfc32(seed);
  }

  host(game: AnyGame, options: Partial<HostOptions> = {}): Promise<HostRoom> {
    const { deps, id } = this.#deps();
    return this.#settle(hostRoom(game, { name: 'Host', isRecording: true, ...options }, deps), id);
  }

  join(game: AnyGame, code: string, options: Partial<JoinOptions> = {}): Promise<GuestRoom> {
    const { deps, id } = this.#deps();
    return this.#settle(joinRoom(game, code, { name: 'Guest', ...options }, deps), id);
  }

  /** The guest's machine dies without a word. */
  vanish(room: Room): void {
    this.network.vanish(this.#peers.get(room)!);
  }

  peerIdOf(room: Room): PeerId {
    return this.#peers.get(room)!;
  }

  async run(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < endMs) await this.#pump();
  }

  /** Everything a room has said from now on. */
  listen(room: Room): Heard {
    const heard: Heard = { notices: [], closed: [], events: [] };
    room.on('notice', (notice) => heard.notices.push(notice));
    room.on('closed', (closed) => heard.closed.push(closed));
    room.on('event', (event) => heard.events.push(event));
    return heard;
  }

  #deps(): { deps: SessionDeps; id: PeerId } {
    const id = `peer-${++this.#peerCount}` as PeerId;
    const ticker = new ManualTicker();
    this.#tickers.push(ticker);
    const openTransport: SessionDeps['openTransport'] = () => {
      if (!this.network.isBrokerUp) return Promise.reject(new DialError('broker-unreachable', 'down'));
      return Promise.resolve(this.network.createTransport(id));
    };
    return { id, deps: { clock: this.clock, ticker, directory: this.directory, openTransport, randomU32: () => this.#rng.u32() } };
  }

  async #settle<T extends Room>(promise: Promise<T>, id: PeerId): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    while (!isSettled) await this.#pump();
    const room = await promise;
    this.#peers.set(room, id);
    return room;
  }

  async #pump(): Promise<void> {
    this.clock.advance(PUMP_MS);
    this.network.pump();
    for (const ticker of this.#tickers) ticker.callback?.();
    for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
  }
}
