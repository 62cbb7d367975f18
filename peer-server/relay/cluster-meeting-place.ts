/**
 * Several brokers as one meeting place: who waits where stands in Redis, and what the two ends of a pair at two brokers say travels over
 * Redis's channels, one channel a broker. Two ends at the same broker never touch Redis once they are paired.
 *
 *   {volley}:relay:CODE:PAIR        string   "GUEST-BROKER GUEST-SEAT HOST-BROKER HOST-SEAT", '-' for who is not there; expires
 *   {volley}:relay-broker:BROKER    channel  `broker-mail.ts`
 *
 * The second to arrive finds the first there and writes to its broker ("meet"), which answers ("met"); from then on each broker
 * has a stand-in for the end at the other one (`far-end.ts`), and the rest is what it is for two local ends. A broker that was killed
 * hears no messages, which Redis says at the next one; and whatever else goes wrong shows itself as silence.
 */
import { randomBytes } from 'node:crypto';
import { type RedisConnection, redisKey, redisScript } from '../redis-connection.ts';
import { type MailItem, NAME_BYTES, readMail, writeItem } from './broker-mail.ts';
import { BrokerPost } from './broker-post.ts';
import { FarEnd } from './far-end.ts';
import { type ArriveAnswer, LocalMeetingPlace, type MeetingPlace, type RelayEnd } from './meeting-place.ts';

/** Longer than an end waits, so that it is found for as long as it is there. */
const ENTRY_TTL_MS = 15_000;
const BEAT_EVERY_MS = 1_000;
/** Brokers written to. More than a cluster has; the one not written to for longest is forgotten first, and made again when need be. */
const POSTS_MAX = 256;
const CHANNEL_PREFIX = redisKey('relay-broker:');

/** Reads an entry: '-' for who is not there. Also a value that is none of ours counts as nobody. */
const READ_ENTRY = `
local function readEntry(key)
  local empty = {'-', '-', '-', '-'}
  if redis.call('TYPE', key).ok ~= 'string' or redis.call('STRLEN', key) > 128 then return empty end
  local gb, gs, hb, hs = string.match(redis.call('GET', key), '^([%w_-]+) ([%w_-]+) ([%w_-]+) ([%w_-]+)$')
  if not gb then return empty end
  return {gb, gs, hb, hs}
end
`;

/**
 * KEYS[1] the entry; ARGV: 1 for a guest and 3 for a host, broker, seat, time to live, channel prefix. Answers 'busy', or where the other
 * end is. What a broker entered that hears no messages any more counts for nothing.
 */
const ARRIVE = redisScript(`${READ_ENTRY}
local function lives(broker)
  return broker ~= '-' and redis.call('PUBSUB', 'NUMSUB', ARGV[5] .. broker)[2] > 0
end
local entry = readEntry(KEYS[1])
local mine = tonumber(ARGV[1])
local other = 4 - mine
if entry[mine + 1] ~= ARGV[3] and lives(entry[mine]) then return 'busy' end
entry[mine], entry[mine + 1] = ARGV[2], ARGV[3]
if not lives(entry[other]) then entry[other], entry[other + 1] = '-', '-' end
redis.call('SET', KEYS[1], table.concat(entry, ' '), 'PX', ARGV[4])
return entry[other] .. ' ' .. entry[other + 1]`);

/** KEYS[1] the entry; ARGV: 1 for a guest and 3 for a host, seat. Does nothing to somebody else's seat. */
const LEAVE = redisScript(`${READ_ENTRY}
local entry = readEntry(KEYS[1])
local mine = tonumber(ARGV[1])
if entry[mine + 1] ~= ARGV[2] then return 0 end
local other = 4 - mine
if entry[other] == '-' then return redis.call('DEL', KEYS[1]) end
entry[mine], entry[mine + 1] = '-', '-'
redis.call('SET', KEYS[1], table.concat(entry, ' '), 'KEEPTTL')
return 1`);

/** An end at this broker that the other brokers know of. */
interface Seat {
  readonly id: string;
  readonly end: RelayEnd;
  far: FarEnd | undefined;
}

export class ClusterMeetingPlace implements MeetingPlace {
  /** Each only grows. `badMessages`: heard, and none of ours. `lostPairs`: ended because of Redis or another broker. */
  readonly counters = { badMessages: 0, lostPairs: 0 };
  supersededState = 0;
  readonly brokerId = randomName();
  readonly #redis: RedisConnection;
  readonly #local = new LocalMeetingPlace();
  /** As many as the relay lets ends in. */
  readonly #seats = new Map<string, Seat>();
  readonly #seatOf = new Map<RelayEnd, Seat>();
  readonly #posts = new Map<string, BrokerPost>();
  readonly #beating: NodeJS.Timeout;

  /** The connection stays the caller's. */
  constructor(redis: RedisConnection) {
    this.#redis = redis;
    redis.subscribeBytes(CHANNEL_PREFIX + this.brokerId, (message) => this.#hear(message));
    this.#beating = setInterval(() => this.#beat(), BEAT_EVERY_MS).unref();
  }

  get pairs(): number {
    return this.#local.pairs;
  }

  async arrive(end: RelayEnd): Promise<ArriveAnswer> {
    if (this.#local.seat(end) === 'busy') return 'busy';
    if (this.#local.otherOf(end) !== undefined) return 'seated';
    const seat: Seat = { id: randomName(), end, far: undefined };
    this.#seats.set(seat.id, seat);
    this.#seatOf.set(end, seat);
    const args = [slotOf(end), this.brokerId, seat.id, String(ENTRY_TTL_MS), CHANNEL_PREFIX];
    const answer = await this.#redis.run(ARRIVE, [entryKey(end)], args).catch(() => undefined);
    // The other end came to this broker meanwhile, or this one has left.
    if (this.#local.otherOf(end) !== undefined || !this.#seats.has(seat.id)) return 'seated';
    const found = typeof answer === 'string' ? /^([\w-]{12}|-) ([\w-]{12}|-)$/.exec(answer) : null;
    if (found === null) {
      this.leave(end);
      return answer === 'busy' ? 'busy' : 'unavailable';
    }
    const [, broker = '-', otherSeat = '-'] = found;
    if (broker !== '-' && broker !== this.brokerId)
      this.#post(broker, { type: 'meet', seat: otherSeat, fromBroker: this.brokerId, fromSeat: seat.id });
    return 'seated';
  }

  pass(end: RelayEnd, frame: Uint8Array): void {
    this.#local.pass(end, frame);
  }

  leave(end: RelayEnd): void {
    this.#local.leave(end);
    this.#forget(end);
  }

  close(): Promise<void> {
    clearInterval(this.#beating);
    this.#seats.clear();
    this.#seatOf.clear();
    this.#posts.clear();
    return this.#local.close();
  }

  #forget(end: RelayEnd): void {
    const seat = this.#seatOf.get(end);
    if (seat === undefined) return;
    this.#seatOf.delete(end);
    this.#seats.delete(seat.id);
    // While Redis is away its entry runs out by itself.
    this.#redis.run(LEAVE, [entryKey(end)], [slotOf(end), seat.id]).catch(() => undefined);
  }

  #hear(message: Buffer): void {
    const items = readMail(message);
    if (items === undefined) {
      this.counters.badMessages++;
      return;
    }
    for (const item of items) this.#take(item);
  }

  #take(item: MailItem): void {
    const seat = this.#seats.get(item.seat);
    switch (item.type) {
      case 'meet':
      case 'met': {
        if (seat !== undefined && seat.far === undefined && this.#local.otherOf(seat.end) === undefined) return this.#pair(seat, item);
        // It was quicker, or it has left. The same word twice changes nothing.
        if (seat?.far?.seat !== item.fromSeat) this.#post(item.fromBroker, { type: 'gone', seat: item.fromSeat });
        return;
      }
      default:
        seat?.far?.hear(item);
    }
  }

  #pair(seat: Seat, { type, fromBroker, fromSeat }: MailItem & { readonly type: 'meet' | 'met' }): void {
    const { end } = seat;
    const far = new FarEnd({
      role: end.role === 'host' ? 'guest' : 'host',
      name: end.name,
      broker: fromBroker,
      seat: fromSeat,
      nowMs: () => performance.now(),
      post: (bytes) => this.#postOf(fromBroker).add(bytes),
      onArrived: (frame) => this.#local.pass(far, frame),
      onSuperseded: (frames) => (this.supersededState += frames),
      onGone: (isLost) => {
        if (isLost) this.counters.lostPairs++;
        this.#local.leave(far);
        this.#forget(end);
      },
    });
    // Before anything that the end says once it is paired.
    if (type === 'meet') this.#post(fromBroker, { type: 'met', seat: fromSeat, fromBroker: this.brokerId, fromSeat: seat.id });
    seat.far = far;
    this.#local.seat(far);
  }

  #post(broker: string, item: MailItem): void {
    this.#postOf(broker).add(writeItem(item));
  }

  #postOf(broker: string): BrokerPost {
    const present = this.#posts.get(broker);
    const post = present ?? new BrokerPost(this.#redis, CHANNEL_PREFIX + broker, () => this.#loseBroker(broker));
    // To the end, so that the first is the one not written to for longest.
    this.#posts.delete(broker);
    this.#posts.set(broker, post);
    const [oldest] = this.#posts.keys();
    if (this.#posts.size > POSTS_MAX && oldest !== undefined) this.#posts.delete(oldest);
    return post;
  }

  #loseBroker(broker: string): void {
    this.#posts.delete(broker);
    for (const { far } of [...this.#seats.values()]) if (far?.broker === broker) far.lose();
  }

  #beat(): void {
    for (const { far } of [...this.#seats.values()]) far?.beat();
  }
}

function randomName(): string {
  return randomBytes(NAME_BYTES).toString('base64url');
}

/** Where an end stands in the entry. */
function slotOf({ role }: RelayEnd): string {
  return role === 'guest' ? '1' : '3';
}

function entryKey({ name }: RelayEnd): string {
  return redisKey(`relay:${name}`);
}
