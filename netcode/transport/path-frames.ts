/**
 * What the two ends of a `PathLink` say on the control channel of every carrier: the netcode's control messages, numbered, and what it
 * takes to go on over another carrier. State packets go as they are. Numbers are little-endian.
 *
 *     hello   0  version u8  link id 16 B  received u32    first message each way on every carrier
 *     data    1  number u32  received u32  message         a control message; numbers begin at 1
 *     ack     2  received u32                              of the messages up to this number, nothing need be kept
 *     use     3                                            from the dialling side: send over this carrier from now on
 *     ask     4                                            is anybody there?
 *     here    5                                            the answer
 *     retire  6                                            I close this carrier; the link goes on over another
 *     end     7                                            I close the link
 *
 * `received` is the number of the last message that arrived, of all carriers; each arrives on some carrier behind the one before it.
 */
const PATH_VERSION = 1;
export const DATA_HEADER_BYTES = 9;

const [HELLO, DATA, ACK, USE, ASK, HERE, RETIRE, END] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const LINK_ID_BYTES = 16;
const LINK_ID_AT = 2;
const HELLO_BYTES = LINK_ID_AT + LINK_ID_BYTES + 4;
const ACK_BYTES = 5;

/** The messages without content. */
export type PathSign = 'use' | 'ask' | 'here' | 'retire' | 'end';

export type PathFrame =
  | { readonly kind: 'hello'; readonly linkId: string; readonly received: number }
  | { readonly kind: 'data'; readonly number: number; readonly received: number; readonly message: Uint8Array }
  | { readonly kind: 'ack'; readonly received: number }
  | { readonly kind: PathSign };

const SIGNS: Readonly<Record<PathSign, Uint8Array>> = {
  use: Uint8Array.of(USE),
  ask: Uint8Array.of(ASK),
  here: Uint8Array.of(HERE),
  retire: Uint8Array.of(RETIRE),
  end: Uint8Array.of(END),
};

export function writeSign(sign: PathSign): Uint8Array {
  return SIGNS[sign];
}

/** `linkId`: 32 hexadecimal digits. */
export function writeHello(linkId: string, received: number): Uint8Array {
  const frame = new Uint8Array(HELLO_BYTES);
  frame[0] = HELLO;
  frame[1] = PATH_VERSION;
  for (let i = 0; i < LINK_ID_BYTES; i++) frame[LINK_ID_AT + i] = Number.parseInt(linkId.slice(2 * i, 2 * i + 2), 16);
  writeU32(frame, LINK_ID_AT + LINK_ID_BYTES, received);
  return frame;
}

/** A frame with room for its header, the message behind it; `stampData` writes the header. */
export function dataFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(DATA_HEADER_BYTES + message.byteLength);
  frame.set(message, DATA_HEADER_BYTES);
  return frame;
}

export function stampData(frame: Uint8Array, number: number, received: number): Uint8Array {
  frame[0] = DATA;
  writeU32(frame, 1, number);
  writeU32(frame, 5, received);
  return frame;
}

export function writeAck(received: number): Uint8Array {
  const frame = new Uint8Array(ACK_BYTES);
  frame[0] = ACK;
  writeU32(frame, 1, received);
  return frame;
}

/** Undefined when it is none of these. Never throws. */
export function readPathFrame(bytes: Uint8Array): PathFrame | undefined {
  switch (bytes[0]) {
    case HELLO:
      return readHello(bytes);
    case DATA:
      if (bytes.byteLength <= DATA_HEADER_BYTES) return undefined;
      return { kind: 'data', number: readU32(bytes, 1), received: readU32(bytes, 5), message: bytes.subarray(DATA_HEADER_BYTES) };
    case ACK:
      return bytes.byteLength === ACK_BYTES ? { kind: 'ack', received: readU32(bytes, 1) } : undefined;
    default:
      return readSign(bytes);
  }
}

function readHello(bytes: Uint8Array): PathFrame | undefined {
  if (bytes.byteLength !== HELLO_BYTES || bytes[1] !== PATH_VERSION) return undefined;
  const id = bytes.subarray(LINK_ID_AT, LINK_ID_AT + LINK_ID_BYTES);
  const linkId = Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { kind: 'hello', linkId, received: readU32(bytes, LINK_ID_AT + LINK_ID_BYTES) };
}

function readSign(bytes: Uint8Array): PathFrame | undefined {
  if (bytes.byteLength !== 1) return undefined;
  for (const kind of ['use', 'ask', 'here', 'retire', 'end'] as const) if (SIGNS[kind][0] === bytes[0]) return { kind };
  return undefined;
}

function writeU32(target: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) target[at + i] = (value >>> (8 * i)) & 0xff;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
