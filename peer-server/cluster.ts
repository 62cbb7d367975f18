/**
 * Several brokers as one: who is registered at which of them stands in Redis, and frames between their clients travel over
 * Redis's channels, one channel a broker.
 *
 *   {volley}:peer:ID         string   "TOKENHASH BROKER REGISTRATION SINCE"; expires unless its broker renews it
 *   {volley}:broker:BROKER   channel  frames for clients of that broker, and the news that one has moved away
 *
 * An id belongs to the hash of its client's token: while the entry lives, also after its broker was killed, only that token can
 * register it, at any broker. While Redis is away each broker goes on with the clients it has and takes new ones on its own
 * judgement. When Redis is back, empty perhaps, every broker enters its clients again; of two that took the same id meanwhile
 * the one who has had it longer keeps it, so nobody wins another's id by waiting for a restart.
 *
 * Everything that comes from Redis is checked like a frame from a stranger.
 */
import { randomBytes } from 'node:crypto';
import { isPeerId } from './peer-params.ts';
import {
  type DeliverFrame,
  ID_HOLD_MS,
  IdHolds,
  type PeerRouter,
  type RegisterAnswer,
  type RouteAnswer,
  type RoutedFrame,
  type UnregisterManner,
} from './peer-router.ts';
import { type RedisConnection, redisKey, redisScript } from './redis-connection.ts';
import { FRAME_BYTES_MAX, readSignalFrame } from './signal-frame.ts';

/** How long a killed broker's clients are still entered: long enough for all of them to come back elsewhere as themselves. */
const ENTRY_TTL_MS = 30_000;
/** Two renewals may fail. */
const RENEW_EVERY_MS = 10_000;
/** Renewals are spread over the interval, and looked after this often. */
const RENEW_TICK_MS = 1_000;
/** Entries written at once; 10,000 clients are back in Redis within a second of it. */
const RENEW_BATCH = 200;
/** A frame and its envelope: two ids, the name of a broker. */
const MESSAGE_LENGTH_MAX = FRAME_BYTES_MAX + 1_024;
const BROKER_ID_BYTES = 9;
const REGISTRATION_BYTES = 9;

const CHANNEL_PREFIX = redisKey('broker:');

/** Reads an entry: token hash, broker, registration, since. All nil when there is none, or none of ours. */
const READ_ENTRY = `
local function readEntry(key)
  if redis.call('TYPE', key).ok ~= 'string' or redis.call('STRLEN', key) > 256 then return nil end
  return string.match(redis.call('GET', key), '^([%w_-]+) ([%w_-]+) ([%w_-]+) (%d+)$')
end
`;

/**
 * KEYS[1] the entry; ARGV: token hash, broker, registration, since, time to live, channel prefix, 'register' or 'renew', the
 * message for a broker that loses the client. Whoever is entered with another token keeps the id, unless the one asking has had it
 * for longer. With the same token the newer registration wins: it is where the client is. Answers since when the id is theirs:
 * later than what it replaces, also when the clocks of two brokers differ.
 */
const CLAIM = redisScript(`${READ_ENTRY}
local hash, broker, registration, since = readEntry(KEYS[1])
local mine = tonumber(ARGV[4])
if hash and registration ~= ARGV[3] then
  local theirs = tonumber(since)
  if hash ~= ARGV[1] then
    if ARGV[7] == 'register' or theirs <= mine then return 'taken' end
  elseif ARGV[7] == 'register' then
    mine = math.max(mine, theirs + 1)
  elseif theirs >= mine then
    return 'moved'
  end
  redis.call('PUBLISH', ARGV[6] .. broker, ARGV[8] .. registration .. '"}')
end
redis.call('SET', KEYS[1], table.concat({ARGV[1], ARGV[2], ARGV[3], string.format('%.0f', mine)}, ' '), 'PX', ARGV[5])
return mine`);

/** KEYS[1] the entry; ARGV: registration, 0 or how long the id is kept for its token. Does nothing to somebody else's entry. */
const RELEASE = redisScript(`${READ_ENTRY}
local hash, broker, registration, since = readEntry(KEYS[1])
if registration ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], table.concat({hash, '-', registration, since}, ' '), 'PX', ARGV[2])
end
return 1`);

/** KEYS[1] the receiver's entry; ARGV: channel prefix, message. How many brokers heard it. */
const ROUTE = redisScript(`${READ_ENTRY}
local hash, broker = readEntry(KEYS[1])
if not hash or broker == '-' then return 0 end
return redis.call('PUBLISH', ARGV[1] .. broker, ARGV[2])`);

interface Registration {
  readonly tokenHash: string;
  /** Tells this registration from an earlier or later one of the same client. */
  readonly name: string;
  /** Milliseconds since 1970: the brokers' clocks are compared. */
  readonly sinceMs: number;
  readonly renewAtMs: number;
}

export class ClusterPeerRouter implements PeerRouter {
  /** Each only grows. `foreignFrames`: heard from other brokers; `badMessages`: heard, and none of ours. */
  readonly counters = { sentFrames: 0, foreignFrames: 0, badMessages: 0, displacedPeers: 0 };
  readonly brokerId = randomBytes(BROKER_ID_BYTES).toString('base64url');
  readonly #redis: RedisConnection;
  /** The clients of this broker, in the order of their next renewal. As many as signalling lets in. */
  readonly #peers = new Map<string, Registration>();
  /** The ids of clients lost while Redis was away, and of those lost before. */
  readonly #holds: IdHolds;
  readonly #renewing: NodeJS.Timeout;
  #isRenewing = false;
  #deliver: DeliverFrame = () => false;
  #end: (id: string) => void = () => undefined;

  /** The connection stays the caller's. */
  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.#holds = new IdHolds(() => performance.now());
    redis.subscribe(CHANNEL_PREFIX + this.brokerId, (text) => this.#hear(text));
    redis.onUp(() => void this.#renewAll());
    this.#renewing = setInterval(() => void this.#renewDue(performance.now()), RENEW_TICK_MS).unref();
  }

  async register(id: string, tokenHash: string): Promise<RegisterAnswer> {
    const owner = this.#peers.get(id)?.tokenHash ?? this.#holds.ownerOf(id);
    if (owner !== undefined && owner !== tokenHash) return 'taken';
    const registration: Registration = {
      tokenHash,
      name: randomBytes(REGISTRATION_BYTES).toString('base64url'),
      sinceMs: Date.now(),
      renewAtMs: performance.now() + RENEW_EVERY_MS,
    };
    this.#peers.delete(id);
    this.#peers.set(id, registration);
    // Undefined: Redis is away, and this broker's own word counts until it is back.
    const answer = await this.#claim(id, registration, 'register');
    const isCurrent = this.#peers.get(id)?.name === registration.name;
    if (answer === 'taken') {
      if (isCurrent) this.#peers.delete(id);
      return 'taken';
    }
    if (isCurrent && typeof answer === 'number') this.#peers.set(id, { ...registration, sinceMs: answer });
    this.#holds.remove(id);
    return 'registered';
  }

  unregister(id: string, manner: UnregisterManner): void {
    const registration = this.#peers.get(id);
    if (registration === undefined) return;
    this.#peers.delete(id);
    if (manner === 'lost') this.#holds.add(id, registration.tokenHash);
    const holdMs = manner === 'lost' ? ID_HOLD_MS : 0;
    // While Redis is away its entry runs out by itself.
    this.#redis.run(RELEASE, [entryKey(id)], [registration.name, String(holdMs)]).catch(() => undefined);
  }

  async route(dst: string, frame: RoutedFrame): Promise<RouteAnswer> {
    if (this.#peers.has(dst)) return this.#deliver(dst, frame) ? 'delivered-here' : 'unknown';
    const message = JSON.stringify({ ...frame, dst });
    if (message.length > MESSAGE_LENGTH_MAX) return 'unknown';
    try {
      const listeners = await this.#redis.run(ROUTE, [entryKey(dst)], [CHANNEL_PREFIX, message]);
      if (typeof listeners !== 'number' || listeners === 0) return 'unknown';
      this.counters.sentFrames++;
      return 'sent';
    } catch {
      return 'unknown';
    }
  }

  onFrame(deliver: DeliverFrame): void {
    this.#deliver = deliver;
  }

  onReplaced(end: (id: string) => void): void {
    this.#end = end;
  }

  /** What is entered stays for its clients' tokens until it runs out: they come back elsewhere. */
  close(): Promise<void> {
    clearInterval(this.#renewing);
    this.#peers.clear();
    this.#deliver = () => false;
    this.#end = () => undefined;
    return Promise.resolve();
  }

  /** Undefined when Redis cannot be asked. */
  async #claim(id: string, { tokenHash, name, sinceMs }: Registration, manner: 'register' | 'renew'): Promise<unknown> {
    const replaced = `{"type":"REPLACED","id":"${id}","registration":"`;
    const args = [tokenHash, this.brokerId, name, String(sinceMs), String(ENTRY_TTL_MS), CHANNEL_PREFIX, manner, replaced];
    return this.#redis.run(CLAIM, [entryKey(id)], args).catch(() => undefined);
  }

  /** After Redis was away: it may have forgotten everybody. */
  #renewAll(): Promise<void> {
    return this.#renewDue(Infinity);
  }

  async #renewDue(nowMs: number): Promise<void> {
    // One at a time; a renewal of all makes those in progress superfluous, and the next tick sees to the rest.
    if (this.#isRenewing) {
      if (nowMs === Infinity) for (const [id, registration] of this.#peers) this.#peers.set(id, { ...registration, renewAtMs: 0 });
      return;
    }
    this.#isRenewing = true;
    try {
      const due = [...this.#dueUntil(nowMs)];
      for (let start = 0; start < due.length && this.#redis.isUp; start += RENEW_BATCH)
        await Promise.all(due.slice(start, start + RENEW_BATCH).map(([id, registration]) => this.#renew(id, registration)));
    } finally {
      this.#isRenewing = false;
    }
  }

  *#dueUntil(nowMs: number): Iterable<[string, Registration]> {
    for (const entry of this.#peers) {
      if (entry[1].renewAtMs > nowMs) return;
      yield entry;
    }
  }

  async #renew(id: string, registration: Registration): Promise<void> {
    const answer = await this.#claim(id, registration, 'renew');
    if (this.#peers.get(id)?.name !== registration.name) return;
    if (answer === 'taken' || answer === 'moved') return this.#displace(id);
    if (answer === undefined) return;
    this.#peers.delete(id);
    this.#peers.set(id, { ...registration, renewAtMs: performance.now() + RENEW_EVERY_MS });
  }

  #displace(id: string): void {
    this.#peers.delete(id);
    this.counters.displacedPeers++;
    this.#end(id);
  }

  #hear(text: string): void {
    const message = text.length <= MESSAGE_LENGTH_MAX ? parseObject(text) : undefined;
    if (message?.['type'] === 'REPLACED') {
      const { id, registration } = message;
      if (typeof id === 'string' && this.#peers.get(id)?.name === registration) this.#displace(id);
      return;
    }
    const frame = message === undefined ? undefined : readRoutedFrame(message, text);
    if (frame === undefined) {
      this.counters.badMessages++;
      return;
    }
    this.counters.foreignFrames++;
    const { dst } = frame;
    if (this.#peers.has(dst) && this.#deliver(dst, frame.frame)) return;
    // Its entry was there a moment ago. The sender learns at once; an EXPIRE or LEAVE asks for no answer.
    const { type, src } = frame.frame;
    if (type !== 'EXPIRE' && type !== 'LEAVE') void this.route(src, { type: 'EXPIRE', src: dst });
  }
}

function entryKey(id: string): string {
  return redisKey(`peer:${id}`);
}

/** Undefined unless a broker of ours could have sent it. */
function readRoutedFrame(
  message: Readonly<Record<string, unknown>>,
  text: string,
): { readonly dst: string; readonly frame: RoutedFrame } | undefined {
  const { type, src, dst, payload } = message;
  if (!isPeerId(src) || !isPeerId(dst)) return undefined;
  if (type === 'EXPIRE') return { dst, frame: { type, src } };
  // A client's frame, with `src` added: checked as if the client had sent it here.
  const checked = readSignalFrame(Buffer.from(text), false);
  if (checked === undefined || checked.type === 'HEARTBEAT' || checked.dst !== dst) return undefined;
  return { dst, frame: { type: checked.type, src, ...(payload !== undefined && { payload }) } };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
