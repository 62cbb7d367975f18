/**
 * How much one address, and one signalling client, may ask of the broker. It decides and counts; it knows neither HTTP nor
 * sockets, and the clock is given. Memory is bounded however many addresses come (`addressesMax`).
 *
 * What is asked for is granted or refused (`takeRequest`, `takeLobby`, `openConnection`, `openSocket`, `openStream`). What has arrived
 * already is charged (`SocketLease.charge`): nothing is thrown away, but the socket is to be read no further until the
 * debt is paid, so that a flood waits in the flooder's own network stack. Honest bursts come through whole.
 */
import { addressKey } from './address-key.ts';
import { AddressTable } from './address-table.ts';
import { type Guess, GuessGate, type GuessRule } from './guess-gate.ts';
import { type Bucket, type BucketRule, charge, checkBucketRule, createBucket, tryTake } from './token-bucket.ts';

export interface LimitRules {
  /** HTTP requests of one address; those to the API cost more, see `limit-routes.ts`. */
  readonly requests: BucketRule;
  /** Lobbies opened by one address. */
  readonly lobbies: BucketRule;
  /** Wrong invite codes of one address. */
  readonly guesses: GuessRule;
  /** TCP connections of one address at a time, and how fast they may be made. */
  readonly connections: number;
  readonly connectionRate: BucketRule;
  /** Signalling sockets of one address at a time, and how fast they may be opened. */
  readonly sockets: number;
  readonly socketRate: BucketRule;
  /** Streams of the public lobbies that one address reads at a time. */
  readonly streams: number;
  /** Signalling frames and bytes of one client, */
  readonly peerFrames: BucketRule;
  readonly peerBytes: BucketRule;
  /** and of all clients of one address. */
  readonly addressFrames: BucketRule;
  readonly addressBytes: BucketRule;
  /** Addresses remembered: the bound of all this memory. */
  readonly addressesMax: number;
}

/** Chosen so that a school or a LAN party behind one address plays undisturbed, and one machine alone cannot wear the broker out. */
export const DEFAULT_LIMITS: LimitRules = {
  // A page load is 20 to 50 requests; a class of thirty loads it at once.
  requests: { burst: 2_000, perSecond: 100 },
  lobbies: { burst: 60, perSecond: 1 / 20 },
  // Thirty hosts behind one address come back after a restart with two unknown codes each (heartbeat, then PUT).
  guesses: { free: 60, forgiveMs: 600_000, delayMs: 10_000, delayMaxMs: 600_000 },
  connections: 512,
  connectionRate: { burst: 1_000, perSecond: 50 },
  sockets: 256,
  // All sockets of an address return at once when the broker restarts.
  socketRate: { burst: 300, perSecond: 5 },
  // As many menus as people behind one address have open at once. There are 1,000 in all.
  streams: 64,
  // A host whose 64 guests join in the same second answers with some 20 frames of 200 bytes each.
  peerFrames: { burst: 2_000, perSecond: 50 },
  peerBytes: { burst: 524_288, perSecond: 65_536 },
  addressFrames: { burst: 20_000, perSecond: 1_000 },
  addressBytes: { burst: 8_388_608, perSecond: 1_048_576 },
  // About 1 KB each. More than the connections a process holds, so that those which are open are never forgotten.
  addressesMax: 32_768,
};

/** Every counter only grows. */
export interface LimitCounters {
  refusedRequests: number;
  refusedLobbies: number;
  refusedGuesses: number;
  refusedConnections: number;
  refusedSockets: number;
  refusedStreams: number;
  /** Signalling frames beyond the budget of their client or address, whose sockets were left unread for a while. */
  overdrawnFrames: number;
}

/** One connection's place among those of its address. */
export interface Lease {
  /** It has ended. Calling it again does nothing. */
  release(): void;
}

export interface SocketLease extends Lease {
  /** Books what has arrived. Milliseconds for which the socket is to be left unread; 0: none. */
  charge(frames: number, bytes: number): number;
}

interface AddressState {
  connections: number;
  sockets: number;
  streams: number;
  readonly requests: Bucket;
  readonly lobbies: Bucket;
  readonly connectionRate: Bucket;
  readonly socketRate: Bucket;
  readonly frames: Bucket;
  readonly bytes: Bucket;
}

export interface LimitsOptions {
  /** Milliseconds since any fixed moment; never goes back. */
  readonly nowMs: () => number;
  /** What is left out is as in DEFAULT_LIMITS. */
  readonly rules?: Partial<LimitRules> | undefined;
}

export class Limits {
  readonly counters: LimitCounters = {
    refusedRequests: 0,
    refusedLobbies: 0,
    refusedGuesses: 0,
    refusedConnections: 0,
    refusedSockets: 0,
    refusedStreams: 0,
    overdrawnFrames: 0,
  };
  readonly #rules: LimitRules;
  readonly #nowMs: () => number;
  readonly #addresses: AddressTable<AddressState>;
  readonly #guesses: GuessGate;

  /** Throws RangeError naming the rule that lets nothing through. */
  constructor(options: LimitsOptions) {
    const { nowMs } = options;
    const rules = { ...DEFAULT_LIMITS, ...options.rules };
    for (const [name, rule] of Object.entries(rules)) {
      if (typeof rule === 'number') {
        if (!(rule >= 1)) throw new RangeError(`limits: ${name} ${rule} must be at least 1`);
      } else if ('burst' in rule) {
        checkBucketRule(rule, `limits: ${name}`);
      }
    }
    this.#rules = rules;
    this.#nowMs = nowMs;
    this.#addresses = new AddressTable({
      entriesMax: rules.addressesMax,
      create: () => createState(rules, nowMs()),
      isPinned: ({ connections, sockets, streams }) => connections > 0 || sockets > 0 || streams > 0,
    });
    this.#guesses = new GuessGate(rules.guesses, rules.addressesMax, nowMs);
  }

  /** Addresses remembered now. */
  get addresses(): number {
    return this.#addresses.size;
  }

  /** 0: go ahead. Otherwise the milliseconds after which to ask again. */
  takeRequest(address: string | undefined, cost = 1): number {
    const waitMs = tryTake(this.#stateOf(address).requests, this.#rules.requests, cost, this.#nowMs());
    if (waitMs > 0) this.counters.refusedRequests++;
    return waitMs;
  }

  /** The same for opening a lobby. */
  takeLobby(address: string | undefined): number {
    const waitMs = tryTake(this.#stateOf(address).lobbies, this.#rules.lobbies, 1, this.#nowMs());
    if (waitMs > 0) this.counters.refusedLobbies++;
    return waitMs;
  }

  /** Before an invite code is looked up: a guess to be taken back when the code was good, or the milliseconds to wait. */
  takeGuess(address: string | undefined): Guess | number {
    const waitMs = this.#guesses.waitMs(address);
    if (waitMs === 0) return this.#guesses.book(address);
    this.counters.refusedGuesses++;
    return waitMs;
  }

  /** A TCP connection. Undefined: the address has too many, or makes them too fast. */
  openConnection(address: string | undefined): Lease | undefined {
    const state = this.#stateOf(address);
    const { connections, connectionRate } = this.#rules;
    if (state.connections >= connections || tryTake(state.connectionRate, connectionRate, 1, this.#nowMs()) > 0) {
      this.counters.refusedConnections++;
      return undefined;
    }
    return new PlaceLease(state, 'connections');
  }

  /** A signalling socket, or the milliseconds after which to ask again. */
  openSocket(address: string | undefined): SocketLease | number {
    const state = this.#stateOf(address);
    const { sockets, socketRate } = this.#rules;
    const nowMs = this.#nowMs();
    const waitMs = state.sockets >= sockets ? FULL_WAIT_MS : tryTake(state.socketRate, socketRate, 1, nowMs);
    if (waitMs > 0) {
      this.counters.refusedSockets++;
      return waitMs;
    }
    return new ClientLease(state, this);
  }

  /** A stream of the public lobbies, or the milliseconds after which to ask again. */
  openStream(address: string | undefined): Lease | number {
    const state = this.#stateOf(address);
    if (state.streams < this.#rules.streams) return new PlaceLease(state, 'streams');
    this.counters.refusedStreams++;
    return FULL_WAIT_MS;
  }

  /** For a `ClientLease`. Books what has arrived from a client; `lease` is what it has used up. */
  charge(lease: ClientLease, state: AddressState, frames: number, bytes: number): number {
    const { peerFrames, peerBytes, addressFrames, addressBytes } = this.#rules;
    const nowMs = this.#nowMs();
    lease.framesFullAtMs = Math.max(lease.framesFullAtMs, nowMs) + msFor(frames, peerFrames);
    lease.bytesFullAtMs = Math.max(lease.bytesFullAtMs, nowMs) + msFor(bytes, peerBytes);
    const waitMs = Math.max(
      debtMs(lease.framesFullAtMs - nowMs, peerFrames),
      debtMs(lease.bytesFullAtMs - nowMs, peerBytes),
      charge(state.frames, addressFrames, frames, nowMs),
      charge(state.bytes, addressBytes, bytes, nowMs),
    );
    if (waitMs > 0) this.counters.overdrawnFrames += frames;
    return waitMs;
  }

  #stateOf(address: string | undefined): AddressState {
    return this.#addresses.get(addressKey(address));
  }
}

/** When a place gets free nobody knows; this is how soon asking again makes sense. */
const FULL_WAIT_MS = 10_000;

/**
 * A signalling client's budget, in two numbers: ten thousand idle clients are to stay cheap. When a bucket will be full again says
 * as much as how full it was when.
 */
class ClientLease implements SocketLease {
  framesFullAtMs = 0;
  bytesFullAtMs = 0;
  readonly #limits: Limits;
  readonly #state: AddressState;
  #isReleased = false;

  constructor(state: AddressState, limits: Limits) {
    this.#state = state;
    this.#limits = limits;
    state.sockets++;
  }

  charge(frames: number, bytes: number): number {
    return this.#limits.charge(this, this.#state, frames, bytes);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#state.sockets--;
  }
}

/** How long it takes until a bucket has gained so much. */
function msFor(tokens: number, { perSecond }: BucketRule): number {
  return (tokens * 1000) / perSecond;
}

/** Milliseconds until a bucket that is full again after `untilFullMs` is out of debt; 0: it has none. */
function debtMs(untilFullMs: number, rule: BucketRule): number {
  return Math.max(0, Math.ceil(untilFullMs - msFor(rule.burst, rule)));
}

class PlaceLease implements Lease {
  readonly #state: AddressState;
  readonly #among: 'connections' | 'streams';
  #isReleased = false;

  constructor(state: AddressState, among: 'connections' | 'streams') {
    this.#state = state;
    this.#among = among;
    state[among]++;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#state[this.#among]--;
  }
}

function createState(rules: LimitRules, nowMs: number): AddressState {
  return {
    connections: 0,
    sockets: 0,
    streams: 0,
    requests: createBucket(rules.requests, nowMs),
    lobbies: createBucket(rules.lobbies, nowMs),
    connectionRate: createBucket(rules.connectionRate, nowMs),
    socketRate: createBucket(rules.socketRate, nowMs),
    frames: createBucket(rules.addressFrames, nowMs),
    bytes: createBucket(rules.addressBytes, nowMs),
  };
}
