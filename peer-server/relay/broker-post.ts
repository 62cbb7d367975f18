/**
 * The mail for one other broker: what is posted in one turn of the event loop goes out as one message, so that hundreds of pairs cost
 * Redis a few messages and not hundreds.
 */
import type { RedisConnection } from '../redis-connection.ts';
import { MAIL_BYTES_MAX, writeMail } from './broker-mail.ts';

export class BrokerPost {
  readonly #redis: RedisConnection;
  readonly #channel: string;
  readonly #onNobody: () => void;
  /** Bounded by what the windows of the pairs let out in one turn. */
  #items: Uint8Array[] = [];
  #bytes = 0;
  #isPlanned = false;

  /** `onNobody`: the broker is not there any more. */
  constructor(redis: RedisConnection, channel: string, onNobody: () => void) {
    this.#redis = redis;
    this.#channel = channel;
    this.#onNobody = onNobody;
  }

  add(item: Uint8Array): void {
    // The version takes one byte.
    if (this.#bytes + item.length >= MAIL_BYTES_MAX) this.#send();
    this.#items.push(item);
    this.#bytes += item.length;
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#send();
    });
  }

  /** Whoever misses what could not be sent finds out by the numbers of the frames, or by the silence. */
  #send(): void {
    if (this.#items.length === 0) return;
    const message = writeMail(this.#items);
    this.#items = [];
    this.#bytes = 0;
    this.#redis.publish(this.#channel, message).then(
      (listeners) => {
        if (listeners === 0) this.#onNobody();
      },
      () => undefined,
    );
  }
}
