/**
 * As much of a TURN client (RFC 5766) as it takes to ask for a relay: it tells whether a server takes some credentials, with
 * nothing of ours or of a browser in between.
 *
 *   Allocate ->   <- 401 with realm and nonce   Allocate, signed ->   <- success, or 401 again
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface AllocationRequest {
  readonly host: string;
  readonly port: number;
  /** Empty: ask without credentials. */
  readonly username: string;
  readonly credential: string;
}

/** 'allocated', or the error code that the server gave. */
export type AllocationAnswer = 'allocated' | number;

const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const ALLOCATE_REQUEST = 0x0003;
const ALLOCATE_SUCCESS = 0x0103;
const ANSWER_TIMEOUT_MS = 2_000;
const ATTRIBUTE = { username: 0x0006, integrity: 0x0008, error: 0x0009, realm: 0x0014, nonce: 0x0015, transport: 0x0019 } as const;
/** UDP, and three reserved bytes. */
const UDP_TRANSPORT = Buffer.from([17, 0, 0, 0]);

/** Rejects when the server does not answer. */
export async function allocate({ host, port, username, credential }: AllocationRequest): Promise<AllocationAnswer> {
  const socket = createSocket('udp4');
  // Nobody listens there (yet): the answer will be missing.
  socket.on('error', () => undefined);
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    const first = await exchange(socket, request([[ATTRIBUTE.transport, UDP_TRANSPORT]]));
    if (username === '') return outcomeOf(first);
    const realm = attributeOf(first, ATTRIBUTE.realm);
    const nonce = attributeOf(first, ATTRIBUTE.nonce);
    if (realm === undefined || nonce === undefined) throw new Error('the TURN server asked for no credentials');
    const unsigned = request([
      [ATTRIBUTE.transport, UDP_TRANSPORT],
      [ATTRIBUTE.username, Buffer.from(username)],
      [ATTRIBUTE.realm, realm],
      [ATTRIBUTE.nonce, nonce],
    ]);
    const key = createHash('md5').update(`${username}:${realm.toString()}:${credential}`).digest();
    return outcomeOf(await exchange(socket, signed(unsigned, key)));
  } finally {
    socket.close();
  }
}

async function exchange(socket: Socket, message: Buffer): Promise<Buffer> {
  const answered = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }) as Promise<[Buffer]>;
  socket.send(message);
  const [answer] = await answered;
  if (!answer.subarray(8, HEADER_BYTES).equals(message.subarray(8, HEADER_BYTES))) throw new Error('an answer to another question');
  return answer;
}

function outcomeOf(answer: Buffer): AllocationAnswer {
  if (answer.readUInt16BE(0) === ALLOCATE_SUCCESS) return 'allocated';
  const error = attributeOf(answer, ATTRIBUTE.error);
  if (error === undefined) throw new Error('neither an allocation nor an error');
  return error[2]! * 100 + error[3]!;
}

function request(attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const body = Buffer.concat(attributes.map(([type, value]) => attribute(type, value)));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(ALLOCATE_REQUEST, 0);
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(12).copy(header, 8);
  return Buffer.concat([header, body]);
}

/** The hash covers a header that counts the hash's own attribute already. */
function signed(message: Buffer, key: Buffer): Buffer {
  const counted = Buffer.from(message);
  counted.writeUInt16BE(message.length - HEADER_BYTES + 24, 2);
  return Buffer.concat([counted, attribute(ATTRIBUTE.integrity, createHmac('sha1', key).update(counted).digest())]);
}

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

function attributeOf(message: Buffer, wanted: number): Buffer | undefined {
  for (let at = HEADER_BYTES; at + 4 <= message.length;) {
    const length = message.readUInt16BE(at + 2);
    if (message.readUInt16BE(at) === wanted) return message.subarray(at + 4, at + 4 + length);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}
