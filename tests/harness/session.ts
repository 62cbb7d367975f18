/**
 * Whole sessions in virtual time: real rooms, real protocol, a conditioned network, and a lobby directory in memory that
 * can be switched off. `run(ms)` is the only thing that makes time pass.
 */
import { noVoice } from '../../netcode/voice/no-voice.ts';
import { type Ticker, VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId } from '../../netcode/core/ids.ts';
import { Sfc32 } from '../../netcode/core/rng.ts';
import type { AnyGame } from '../../netcode/define-game.ts';
import type { SessionDeps } from '../../netcode/session/deps.ts';
import type { HostOptions, JoinOptions, Room, RoomEvents } from '../../netcode/session/room.ts';
import { hostRoom, joinRoom } from '../../netcode/session/session.ts';
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import { ConditionedNetwork } from '../../netcode/transport/conditioned.ts';
import type { BrokerResult, LobbyDirectory } from '../../netcode/transport/directory.ts';
import { DialError, type Link, type Transport } from '../../netcode/transport/transport.ts';
import { decodeHostMessage, encodeControl, type GuestMessage, type HostMessage } from '../../netcode/wire/control.ts';
import { CODE_ALPHABET, type LobbyUpdate } from '../../netcode/wire/lobby-api.ts';
import { PROTOCOL_VERSION } from '../../netcode/wire/packet.ts';

const PUMP_MS = 5;
/** Microtasks between two pumps: as many as the longest chain of awaits in a join. */
const SETTLE_TURNS = 12;

interface KnownLobby extends LobbyUpdate {
  readonly peerId: PeerId;
  readonly gameId: string;
  readonly token: string;
}

export class MemoryDirectory implements LobbyDirectory {
  isUp = true;
  readonly lobbies = new Map<string, KnownLobby>();
  readonly #rng = new Sfc32(5);

  #answer<T>(make: () => BrokerResult<T>): Promise<BrokerResult<T>> {
    return Promise.resolve(this.isUp ? make() : { ok: false, failure: 'unreachable', message: 'The server cannot be reached.' });
  }

  createLobby: LobbyDirectory['createLobby'] = ({ peerId, ...rest }) =>
    this.#answer(() => {
      const code = Array.from({ length: 6 }, () => CODE_ALPHABET[this.#rng.below(CODE_ALPHABET.length)]).join('');
      this.lobbies.set(code, { ...rest, peerId: peerId as PeerId, token: `token-${code}` });
      return { ok: true, value: { code, ownerToken: `token-${code}`, expiresInMs: 15_000 } };
    });

  resolveLobby: LobbyDirectory['resolveLobby'] = (code) =>
    this.#answer(() => {
      const lobby = this.lobbies.get(code);
      return lobby === undefined ? { ok: false, failure: 'unknown-code', message: 'unknown' } : { ok: true, value: { code, ...lobby } };
    });

  reclaimLobby: LobbyDirectory['reclaimLobby'] = (code, token, { peerId, ...rest }) =>
    this.#answer(() => {
      const owner = this.lobbies.get(code);
      if (owner !== undefined && owner.token !== token) return { ok: false, failure: 'code-taken', message: 'taken' };
      this.lobbies.set(code, { ...rest, peerId: peerId as PeerId, token });
      return { ok: true, value: { code, ownerToken: token, expiresInMs: 15_000 } };
    });

  heartbeat: LobbyDirectory['heartbeat'] = (code, token, update = {}) =>
    this.#answer(() => {
      const lobby = this.lobbies.get(code);
      if (lobby === undefined) return { ok: false, failure: 'unknown-code', message: 'unknown' };
      if (lobby.token !== token) return { ok: false, failure: 'not-owner', message: 'not yours' };
      this.lobbies.set(code, { ...lobby, ...update });
      return { ok: true, value: { expiresInMs: 15_000 } };
    });

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
  readonly chat: RoomEvents['chat'][];
  readonly roles: RoomEvents['role'][];
}

/** A guest as an attacker writes it. */
export class Stranger {
  readonly link: Link;
  /** Everything the host has said to it. */
  readonly heard: HostMessage[] = [];

  constructor(link: Link) {
    this.link = link;
  }

  say(message: GuestMessage): void {
    this.link.sendControl(encodeControl(message));
  }

  hello(game: AnyGame, hello: Partial<Extract<GuestMessage, { type: 'hello' }>> = {}): void {
    const { id, version, shape } = game;
    const whoever = { name: 'x', identity: '', takeOver: false, password: '', isSpectating: false };
    this.say({ type: 'hello', protocol: PROTOCOL_VERSION, game: id, version, shape, ...whoever, ...hello });
  }

  listen(): readonly HostMessage[] {
    for (let received = this.link.receiveControl(); received !== undefined; received = this.link.receiveControl()) {
      const message = decodeHostMessage(received.bytes);
      if (message !== undefined) this.heard.push(message);
    }
    return this.heard;
  }
}

/** Voice that leaves the lobby alone: what tests say of who is in voice stays. */
const DEAF = { players: [], onChange: () => () => undefined, announce: () => undefined };
const createVoice = () => noVoice(DEAF, new VirtualClock());

export class TestSession {
  readonly clock = new VirtualClock();
  readonly directory = new MemoryDirectory();
  readonly network: ConditionedNetwork;
  readonly #tickers: ManualTicker[] = [];
  readonly #rng: Sfc32;
  readonly #peers = new Map<Room, PeerId>();
  readonly #tickerOf = new Map<Room, ManualTicker>();
  readonly #accepted = new Map<PeerId, Link[]>();
  #peerCount = 0;

  constructor(seed: number) {
    this.network = new ConditionedNetwork(this.clock, seed);
    this.#rng = new Sfc32(seed);
  }

  host(game: AnyGame, options: Partial<HostOptions> = {}): Promise<SessionRoom> {
    const { deps, id } = this.#deps();
    return this.#settle(hostRoom(game, { name: 'Host', isRecording: true, ...options }, deps), { id, ticker: deps.ticker });
  }

  join(game: AnyGame, code: string, options: Partial<JoinOptions> = {}): Promise<SessionRoom> {
    const { deps, id } = this.#deps();
    return this.#settle(joinRoom(game, code, { name: 'Guest', ...options }, deps), { id, ticker: deps.ticker });
  }

  /** The guest's machine dies without a word. */
  vanish(room: Room): void {
    this.network.vanish(this.#peers.get(room)!);
  }

  /** The page dies without a word, and its room with it. */
  kill(room: Room): void {
    this.vanish(room);
    this.#tickerOf.get(room)!.stop();
  }

  /** The broker dies, and forgets everything. */
  stopBroker(): void {
    this.network.setBrokerUp(false);
    this.directory.isUp = false;
    this.directory.lobbies.clear();
  }

  startBroker(): void {
    this.network.setBrokerUp(true);
    this.directory.isUp = true;
  }

  peerIdOf(room: Room): PeerId {
    return this.#peers.get(room)!;
  }

  /** A peer that speaks for itself: what it sends no room of ours would. */
  async stranger(host: Room): Promise<Stranger> {
    const dialling = this.network.createTransport().connect(this.peerIdOf(host), { timeoutMs: 10_000 });
    let link: Link | undefined;
    dialling.then(
      (opened) => (link = opened),
      () => undefined,
    );
    while (link === undefined) await this.#pump();
    return new Stranger(link);
  }

  /** Puts a message into the mouth of a host, for one of its guests. */
  tamper(host: Room, guest: Room, message: HostMessage): void {
    const links = this.#accepted.get(this.peerIdOf(host))!;
    links.find(({ remoteId }) => remoteId === this.peerIdOf(guest))!.sendControl(encodeControl(message));
  }

  async run(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < endMs) await this.#pump();
  }

  /** Lets time pass until it is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    while (!isSettled) await this.#pump();
    return promise;
  }

  /** Everything a room has said from now on. */
  listen(room: Room): Heard {
    const heard: Heard = { notices: [], closed: [], events: [], chat: [], roles: [] };
    room.on('notice', (notice) => heard.notices.push(notice));
    room.on('closed', (closed) => heard.closed.push(closed));
    room.on('event', (event) => heard.events.push(event));
    room.on('chat', (message) => heard.chat.push(message));
    room.on('role', (role) => heard.roles.push(role));
    return heard;
  }

  #deps(): { deps: SessionDeps & { readonly ticker: ManualTicker }; id: PeerId } {
    const id = `peer-${++this.#peerCount}` as PeerId;
    const ticker = new ManualTicker();
    this.#tickers.push(ticker);
    const openTransport: SessionDeps['openTransport'] = () => {
      if (!this.network.isBrokerUp) return Promise.reject(new DialError('broker-unreachable', 'down'));
      return Promise.resolve(this.#watched(this.network.createTransport(id)));
    };
    return {
      id,
      deps: { clock: this.clock, ticker, directory: this.directory, openTransport, randomU32: () => this.#rng.u32(), createVoice },
    };
  }

  /** Remembers the links that a peer accepts, for `tamper`. */
  #watched(transport: Transport): Transport {
    const accept = transport.accept.bind(transport);
    const links: Link[] = [];
    this.#accepted.set(transport.localId, links);
    transport.accept = () => {
      const link = accept();
      if (link !== undefined) links.push(link);
      return link;
    };
    return transport;
  }

  async #settle<T extends Room>(promise: Promise<T>, { id, ticker }: { readonly id: PeerId; readonly ticker: ManualTicker }): Promise<T> {
    const room = await this.until(promise);
    this.#peers.set(room, id);
    this.#tickerOf.set(room, ticker);
    return room;
  }

  async #pump(): Promise<void> {
    this.clock.advance(PUMP_MS);
    this.network.pump();
    for (const ticker of this.#tickers) ticker.callback?.();
    for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
  }
}
