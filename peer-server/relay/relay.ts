/**
 * The relay at the WebSocket path `/relay`, for two players whom no direct path and no TURN server joins. Each end says who it is, is checked
 * at the door (`relay-door.ts`), waits for the other (`meeting-place.ts`), and then everything one sends is handed to the other
 * (`relay-socket.ts`). Nothing is kept and nothing is read but the first byte of a frame.
 *
 * Who comes in is counted by address, by lobby and in all; a place that is taken is given back in `#forget`, and nowhere else.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RelayHello, RelayRefusal } from '../../netcode/wire/relay.ts';
import { addressKey } from '../limits/address-key.ts';
import { type MeetingPlace, pairName, type RelayEnd, type RelayRole } from './meeting-place.ts';
import type { RelayDoor } from './relay-door.ts';
import { RelayEntrance, type RelayEntranceOptions, type RelayEntranceRefusal } from './relay-entrance.ts';
import { type RelayFault, RelaySocket, type RelaySocketOwner } from './relay-socket.ts';
import { type RelayFrameCount, RelayTally } from './relay-tally.ts';

/** With 60 frames a second each way they take about one core, at some 80 microseconds a frame. */
export const RELAY_PAIRS_MAX = 100;
/** A host and as many guests as a match holds. */
const ENDS_PER_LOBBY_MAX = 64;
/** Guests that wait are nobody's yet: whoever knows a code can make them, and must not take the places of those who play. */
const WAITING_PER_LOBBY_MAX = 256;
/** A host whose 64 guests all come through the relay, and a class of thirty behind the same address. */
const SOCKETS_PER_ADDRESS_MAX = 128;
/** Ends without the other end, in all. */
const WAITING_MAX = 1_000;
const SWEEP_EVERY_MS = 1_000;
/** A host that forbids the relay means now. */
const RECHECK_EVERY_SWEEPS = 5;
const CLOSE_SERVICE_RESTART = 1012;

export type RelayEvent = `relay-${RelayRefusal | RelayFault | RelayEntranceRefusal}`;

export interface RelayOptions extends Omit<RelayEntranceOptions, 'socketsMax' | 'onRefused' | 'onSocket'> {
  readonly place: MeetingPlace;
  readonly door: RelayDoor;
  /** Default 100. */
  readonly pairsMax?: number | undefined;
  /** Without limits addresses are not counted. */
  readonly hasAddressLimits: boolean;
  /** Called with a word for everything that is refused or ended. */
  readonly onRefused?: ((reason: RelayEvent) => void) | undefined;
  /** Milliseconds since any fixed moment; never goes back. Default: the process's clock. */
  readonly nowMs?: (() => number) | undefined;
}

export interface Relay {
  /** What became of the frames, and bytes handed on by kind, since the start. */
  readonly frames: readonly RelayFrameCount[];
  readonly bytes: Readonly<Record<'state' | 'control', number>>;
  /** Pairs of which at least one end is here. */
  readonly pairs: number;
  /** Takes nobody in from now on and sends those who are there away with close code 1012, evenly over `spreadMs`. */
  drain(spreadMs: number): Promise<void>;
  /** Ends every socket at once. */
  close(): void;
}

/** Serves the relay on `server`. Its sockets end with `close()`; the server and the meeting place are the caller's. */
export function startRelay(server: Server, options: RelayOptions): Relay {
  const hall = new RelayHall(options);
  const onUpgrade = (request: IncomingMessage, connection: Duplex, head: Buffer): void => {
    hall.entrance.upgrade(request, connection, head);
  };
  server.on('upgrade', onUpgrade);
  return {
    get frames() {
      return hall.frames;
    },
    bytes: hall.tally.bytes,
    get pairs() {
      return options.place.pairs;
    },
    drain: (spreadMs) => hall.drain(spreadMs),
    close() {
      server.off('upgrade', onUpgrade);
      hall.close();
    },
  };
}

interface Visitor {
  readonly socket: RelaySocket;
  readonly addressKey: string;
  /** Undefined until it was let in. */
  code: string | undefined;
  end: RelayEnd | undefined;
  /** Among whom it is counted. */
  lobbyKey: string | undefined;
  isPaired: boolean;
}

class RelayHall implements RelaySocketOwner {
  readonly tally = new RelayTally();
  readonly entrance: RelayEntrance;
  readonly #options: RelayOptions;
  readonly #nowMs: () => number;
  readonly #pairsMax: number;
  readonly #visitors = new Map<RelaySocket, Visitor>();
  /** Sockets by address; ends by lobby and role. Entries go when they are at 0. */
  readonly #byAddress = new Map<string, number>();
  readonly #byLobby = new Map<string, { paired: number; waiting: number }>();
  readonly #sweeping: NodeJS.Timeout;
  #sweeps = 0;
  #paired = 0;
  #isRechecking = false;
  /** Lobbies whose pairs are being ended, and why. */
  #ended: ReadonlyMap<string, RelayRefusal> = new Map();
  #isDraining = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#pairsMax = options.pairsMax ?? RELAY_PAIRS_MAX;
    this.entrance = new RelayEntrance({
      ...options,
      socketsMax: 2 * this.#pairsMax + WAITING_MAX,
      onRefused: (reason) => options.onRefused?.(`relay-${reason}`),
      onSocket: (webSocket, address) => {
        const socket = new RelaySocket({ webSocket, address, owner: this, nowMs: this.#nowMs });
        this.#enter(socket);
      },
    });
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  get frames(): readonly RelayFrameCount[] {
    const { supersededState } = this.#options.place;
    return this.tally.frames.map((count) =>
      count.outcome === 'superseded' ? { ...count, frames: count.frames + supersededState } : count,
    );
  }

  onHello(socket: RelaySocket, hello: RelayHello): void {
    void this.#seat(socket, hello);
  }

  onFrame(socket: RelaySocket, frame: Uint8Array): void {
    const end = this.#visitors.get(socket)?.end;
    if (end !== undefined) this.#options.place.pass(end, frame);
  }

  onRefused(reason: RelayRefusal): void {
    this.#options.onRefused?.(`relay-${reason}`);
  }

  onFault(fault: RelayFault): void {
    this.#options.onRefused?.(`relay-${fault}`);
  }

  onEnd(socket: RelaySocket): void {
    const visitor = this.#visitors.get(socket);
    if (visitor === undefined) return;
    this.#forget(visitor);
    if (visitor.end !== undefined) this.#options.place.leave(visitor.end);
  }

  drain(spreadMs: number): Promise<void> {
    this.#isDraining = true;
    const closings = [...this.#visitors.keys()].map((socket) => () => socket.closeAfterLastWords(CLOSE_SERVICE_RESTART, 'service restart'));
    return this.entrance.drain(closings, spreadMs);
  }

  close(): void {
    this.#isDraining = true;
    clearInterval(this.#sweeping);
    for (const socket of [...this.#visitors.keys()]) socket.terminate();
    this.entrance.close();
  }

  #enter(socket: RelaySocket): void {
    const key = addressKey(socket.address);
    const sockets = this.#byAddress.get(key) ?? 0;
    const visitor: Visitor = { socket, addressKey: key, code: undefined, end: undefined, lobbyKey: undefined, isPaired: false };
    this.#visitors.set(socket, visitor);
    this.#byAddress.set(key, sockets + 1);
    if (this.#options.hasAddressLimits && sockets >= SOCKETS_PER_ADDRESS_MAX) socket.refuse('too-many');
  }

  /** Gives back every place that was taken. */
  #forget(visitor: Visitor): void {
    const { socket, addressKey: key, lobbyKey } = visitor;
    this.#visitors.delete(socket);
    const sockets = this.#byAddress.get(key)! - 1;
    if (sockets === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, sockets);
    if (visitor.isPaired) this.#paired--;
    const ends = lobbyKey === undefined ? undefined : this.#byLobby.get(lobbyKey);
    if (lobbyKey === undefined || ends === undefined) return;
    if (visitor.isPaired) ends.paired--;
    else ends.waiting--;
    if (ends.paired + ends.waiting === 0) this.#byLobby.delete(lobbyKey);
  }

  async #seat(socket: RelaySocket, hello: RelayHello): Promise<void> {
    const { place, door } = this.#options;
    if (this.#isFull()) return socket.refuse('too-many');
    const refusal = await door.check(hello, socket.address);
    const visitor = this.#visitors.get(socket);
    if (visitor === undefined || socket.isEnded) return;
    if (refusal !== undefined) return socket.refuse(refusal);
    if (!this.#takeSeat(visitor, hello)) return socket.refuse('too-many');
    const answer = await place.arrive(visitor.end!);
    if (answer !== 'seated') socket.refuse(answer);
  }

  #isFull(): boolean {
    return this.#options.place.pairs >= this.#pairsMax || this.#visitors.size - this.#paired > WAITING_MAX;
  }

  #takeSeat(visitor: Visitor, { role, code, pair }: RelayHello): boolean {
    if (this.#isFull()) return false;
    const key = `${role}:${code}`;
    const ends = this.#byLobby.get(key) ?? { paired: 0, waiting: 0 };
    if (ends.paired >= ENDS_PER_LOBBY_MAX || ends.waiting >= WAITING_PER_LOBBY_MAX) return false;
    ends.waiting++;
    this.#byLobby.set(key, ends);
    visitor.lobbyKey = key;
    visitor.code = code;
    visitor.end = this.#endOf(visitor, role, pairName(code, pair));
    return true;
  }

  #endOf(visitor: Visitor, role: RelayRole, name: string): RelayEnd {
    const { socket } = visitor;
    return {
      role,
      name,
      onPaired: () => {
        const ends = this.#byLobby.get(visitor.lobbyKey!);
        if (socket.isEnded || ends === undefined) return;
        ends.waiting--;
        ends.paired++;
        visitor.isPaired = true;
        this.#paired++;
        socket.paired();
      },
      onFrame: (frame) => socket.deliver(frame),
      onPeerGone: () => {
        const reason = this.#ended.get(visitor.code!);
        if (reason !== undefined) socket.refuse(reason);
        else if (this.#isDraining) socket.closeAfterLastWords(CLOSE_SERVICE_RESTART, 'service restart');
        else socket.closeAfterLastWords();
      },
    };
  }

  #sweep(): void {
    for (const socket of [...this.#visitors.keys()]) socket.sweep();
    if (++this.#sweeps % RECHECK_EVERY_SWEEPS === 0) void this.#recheck();
  }

  /** Lobbies that were closed, or whose host forbids the relay by now. */
  async #recheck(): Promise<void> {
    if (this.#isRechecking) return;
    this.#isRechecking = true;
    const codes = new Set([...this.#visitors.values()].flatMap(({ code }) => code ?? []));
    this.#ended = await this.#options.door.recheck([...codes]);
    for (const { socket, code } of [...this.#visitors.values()]) {
      const reason = code === undefined ? undefined : this.#ended.get(code);
      if (reason !== undefined) socket.refuse(reason);
    }
    this.#ended = new Map();
    this.#isRechecking = false;
  }
}
