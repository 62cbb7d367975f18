/**
 * A signalling client that costs next to nothing: a TCP connection that speaks as much WebSocket as PeerJS's pages do. A
 * load generator made of whole WebSocket clients would be busier than the broker under test, and measure itself.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const HOST = '127.0.0.1';
/**
 * Clients come from so many addresses by turns, all of them this machine's: an address has 28,000 ports, each unusable for a
 * minute after its connection, and a broker with limits lets an address have 256 clients, opened no faster than 300 at once.
 */
const ADDRESSES = 250;
const addressOf = (client: number): string => `127.0.1.${1 + (client % ADDRESSES)}`;
let clientsMade = 0;
const HEAD_END = '\r\n\r\n';
/** What a page's browser sends with it, so that the broker's parser has as much to read. */
const BROWSER_HEAD = [
  'Pragma: no-cache',
  'Cache-Control: no-cache',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  'Origin: https://game.example',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  'Sec-WebSocket-Version: 13',
].join('\r\n');
const TOKEN_BYTES = 16;
const MASK_BYTES = 4;
/** First byte of a whole text frame. */
const TEXT = 0x81;
const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
/** `{"type":"` stands before it. */
const TYPE_OFFSET = 9;

/** The types by which a load client knows what came, by their first two letters. */
export type Heard = 'OP' | 'OF' | 'AN' | 'CA' | 'EX' | 'LE' | 'ID' | 'ER';

export class LoadClient {
  readonly id = randomUUID();
  readonly #socket: Socket;
  readonly #pending: { resolve(ms: number): void; reject(error: Error): void };
  /** Resolves with the milliseconds between connecting and OPEN. Rejects when it is not greeted. */
  readonly opened: Promise<number>;
  onHeard: (type: Heard) => void = () => undefined;
  isOpen = false;
  #isUpgraded = false;
  #rest: Buffer = Buffer.alloc(0);
  readonly #startedAtMs = performance.now();

  constructor(port: number) {
    this.#pending = { resolve: () => undefined, reject: () => undefined };
    this.opened = new Promise((resolve, reject) => Object.assign(this.#pending, { resolve, reject }));
    this.#socket = connect({ port, host: HOST, noDelay: true, localAddress: addressOf(clientsMade++) });
    const path = `/peerjs?key=peerjs&id=${this.id}&token=${randomBytes(TOKEN_BYTES).toString('hex')}&version=1.5.5`;
    const key = randomBytes(16).toString('base64');
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${HOST}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n${BROWSER_HEAD}${HEAD_END}`,
    );
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the broker closed a connection')));
  }

  /** `frame` is one of `maskedFrame`. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(error: Error): void {
    this.isOpen = false;
    this.#pending.reject(error);
  }

  #read(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isUpgraded) {
      const end = data.indexOf(HEAD_END);
      if (end < 0) {
        this.#rest = data;
        return;
      }
      if (!data.toString('latin1', 0, 12).endsWith(' 101')) return this.close();
      this.#isUpgraded = true;
      data = data.subarray(end + HEAD_END.length);
    }
    this.#rest = this.#readFrames(data);
  }

  /** What is left over of a frame that has not arrived whole. */
  #readFrames(data: Buffer): Buffer {
    let at = 0;
    while (data.length - at >= 2) {
      let length = data[at + 1]!;
      let start = at + 2;
      if (length === LENGTH_64_BITS) throw new Error('a broker sent a frame of more than 65,535 B');
      if (length === LENGTH_16_BITS) {
        if (data.length - at < 4) break;
        length = data.readUInt16BE(at + 2);
        start = at + 4;
      }
      if (data.length - start < length) break;
      if (data[at] === TEXT) this.#hear(data.toString('latin1', start + TYPE_OFFSET, start + TYPE_OFFSET + 2) as Heard);
      at = start + length;
    }
    return data.subarray(at);
  }

  #hear(type: Heard): void {
    if (type !== 'OP' || this.isOpen) return this.onHeard(type);
    this.isOpen = true;
    this.#pending.resolve(performance.now() - this.#startedAtMs);
  }
}

/** A client's text frame, masked as browsers do: all zeros would spare the broker the unmasking. */
export function maskedFrame(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const mask = randomBytes(MASK_BYTES);
  for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % MASK_BYTES]!;
  const isShort = payload.length < LENGTH_16_BITS;
  const head = Buffer.alloc(isShort ? 2 : 4);
  head[0] = TEXT;
  head[1] = 0x80 | (isShort ? payload.length : LENGTH_16_BITS);
  if (!isShort) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, mask, payload]);
}
