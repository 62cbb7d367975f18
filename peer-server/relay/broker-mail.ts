/**
 * What brokers say to each other about pairs whose ends are at two of them. One message holds everything that gathered for a broker since
 * the last one. Ends are named by their seat, which the broker that has them gave them.
 *
 *   message   [version u8] and any number of items
 *   item      [type u8][seat 9 bytes: whom it is for] and, by type
 *     meet    [broker 9][seat 9]            "the other end of your pair sits here"
 *     met     [broker 9][seat 9]            the answer to it
 *     frame   [number u32][size u16][bytes] a frame of the pair; numbers count up by one
 *     credit  [number u32]                  so many frames have arrived
 *     alive   [number u32]                  so many frames were sent, and the other end is still there
 *     gone                                  it is not, or this end is wanted no more
 *
 * Numbers are little-endian. Whatever comes from Redis is checked like a stranger's words: `readMail` takes a message whole or not at all.
 */
import { isRelayData, RELAY_CONTROL_BYTES_MAX } from '../../netcode/wire/relay.ts';

export type MailItem =
  | { readonly type: 'meet' | 'met'; readonly seat: string; readonly fromBroker: string; readonly fromSeat: string }
  | { readonly type: 'frame'; readonly seat: string; readonly number: number; readonly frame: Uint8Array }
  | { readonly type: 'credit' | 'alive'; readonly seat: string; readonly number: number }
  | { readonly type: 'gone'; readonly seat: string };

/** Seats and brokers are as many random bytes, in base64url where they are no mail. */
export const NAME_BYTES = 9;
/** More waits for the next message: Redis must not be busy with one for long. */
export const MAIL_BYTES_MAX = 262_144;
const VERSION = 1;
const TYPES = ['meet', 'met', 'frame', 'credit', 'alive', 'gone'] as const satisfies MailItem['type'][];
const HEAD_BYTES = 1 + NAME_BYTES;

export function writeMail(items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(VERSION), ...items]);
}

export function writeItem(item: MailItem): Uint8Array {
  const bytes = Buffer.allocUnsafe(sizeOf(item));
  bytes[0] = TYPES.indexOf(item.type);
  bytes.write(item.seat, 1, NAME_BYTES, 'base64url');
  switch (item.type) {
    case 'meet':
    case 'met':
      bytes.write(item.fromBroker, HEAD_BYTES, NAME_BYTES, 'base64url');
      bytes.write(item.fromSeat, HEAD_BYTES + NAME_BYTES, NAME_BYTES, 'base64url');
      break;
    case 'frame':
      bytes.writeUInt32LE(item.number, HEAD_BYTES);
      bytes.writeUInt16LE(item.frame.length, HEAD_BYTES + 4);
      bytes.set(item.frame, HEAD_BYTES + 6);
      break;
    case 'credit':
    case 'alive':
      bytes.writeUInt32LE(item.number, HEAD_BYTES);
      break;
    case 'gone':
  }
  return bytes;
}

/** Undefined when it is none of ours. Never throws. */
export function readMail(message: Buffer): readonly MailItem[] | undefined {
  if (message.length > MAIL_BYTES_MAX || message[0] !== VERSION) return undefined;
  const items: MailItem[] = [];
  for (let at = 1; at < message.length;) {
    const item = readItem(message, at);
    if (item === undefined) return undefined;
    items.push(item);
    at += sizeOf(item);
  }
  return items;
}

function sizeOf(item: MailItem): number {
  switch (item.type) {
    case 'meet':
    case 'met':
      return HEAD_BYTES + 2 * NAME_BYTES;
    case 'frame':
      return HEAD_BYTES + 6 + item.frame.length;
    case 'credit':
    case 'alive':
      return HEAD_BYTES + 4;
    case 'gone':
      return HEAD_BYTES;
  }
}

function readItem(message: Buffer, at: number): MailItem | undefined {
  const type = TYPES[message[at]!];
  const body = at + HEAD_BYTES;
  const room = message.length - body;
  if (type === undefined || room < 0) return undefined;
  const seat = nameAt(message, at + 1);
  switch (type) {
    case 'meet':
    case 'met':
      if (room < 2 * NAME_BYTES) return undefined;
      return { type, seat, fromBroker: nameAt(message, body), fromSeat: nameAt(message, body + NAME_BYTES) };
    case 'frame':
      return readFrame(message, body, seat);
    case 'credit':
    case 'alive':
      return room < 4 ? undefined : { type, seat, number: message.readUInt32LE(body) };
    case 'gone':
      return { type, seat };
  }
}

function readFrame(message: Buffer, body: number, seat: string): MailItem | undefined {
  if (message.length - body < 6) return undefined;
  const size = message.readUInt16LE(body + 4);
  const start = body + 6;
  if (size > 1 + RELAY_CONTROL_BYTES_MAX || start + size > message.length) return undefined;
  // A copy: a frame that waits must not keep its whole message in memory.
  const frame = new Uint8Array(message.subarray(start, start + size));
  return isRelayData(frame) ? { type: 'frame', seat, number: message.readUInt32LE(body), frame } : undefined;
}

function nameAt(message: Buffer, at: number): string {
  return message.toString('base64url', at, at + NAME_BYTES);
}
