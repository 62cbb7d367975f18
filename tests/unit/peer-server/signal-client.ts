/**
 * A signalling client as PeerJS is one, over a real WebSocket: what arrives is queued, and tests await the next frame.
 * Frames of one socket are answered in order, so "nothing arrived" is shown by a later frame's answer arriving first.
 */
import { WebSocket } from 'ws';

export interface Frame {
  readonly type: string;
  readonly src?: string;
  readonly dst?: string;
  readonly payload?: unknown;
}

export interface ClientOptions {
  readonly id?: string;
  readonly token?: string;
  readonly key?: string;
  /** Instead of the query made of the three above. */
  readonly query?: string;
}

export class SignalClient {
  readonly webSocket: WebSocket;
  readonly #frames: Frame[] = [];
  #wake: () => void = () => undefined;
  #closeCode: number | undefined;

  constructor(port: number, options: ClientOptions = {}) {
    const { id = 'ada', token = 'token', key = 'peerjs' } = options;
    const query = options.query ?? `key=${key}&id=${id}&token=${token}&version=1.5.5`;
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}/peerjs?${query}`);
    this.webSocket.on('error', () => undefined);
    this.webSocket.on('message', (data) => {
      this.#frames.push(JSON.parse((data as Buffer).toString()) as Frame);
      this.#wake();
    });
    this.webSocket.on('close', (code) => {
      this.#closeCode = code;
      this.#wake();
    });
  }

  /** A client that is registered. */
  static async open(port: number, options: ClientOptions = {}): Promise<SignalClient> {
    const client = new SignalClient(port, options);
    const first = await client.next();
    if (first.type !== 'OPEN') throw new Error(`expected OPEN, got ${JSON.stringify(first)}`);
    return client;
  }

  /** The next frame; rejects when the socket closes first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#closeCode !== undefined) throw new Error(`socket closed with ${this.#closeCode}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The code with which the socket ended. */
  async closed(): Promise<number> {
    while (this.#closeCode === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#closeCode;
  }

  send(frame: unknown): void {
    this.sendRaw(JSON.stringify(frame));
  }

  sendRaw(data: string | Uint8Array): void {
    this.webSocket.send(data);
  }

  /** Resolves when the server has dealt with everything sent before. Fails when anything else arrives first. */
  async settle(): Promise<void> {
    this.send(offer('nobody-of-that-name'));
    const frame = await this.next();
    if (frame.type !== 'EXPIRE' || frame.src !== 'nobody-of-that-name') throw new Error(`unexpected frame ${JSON.stringify(frame)}`);
  }

  close(): void {
    this.webSocket.terminate();
  }
}

/** An offer as PeerJS sends it. */
export function offer(dst: string, more: object = {}): Frame {
  const payload = {
    sdp: { type: 'offer', sdp: 'v=0' },
    type: 'data',
    connectionId: 'dc_1',
    label: 'dc_1',
    reliable: true,
    serialization: 'raw',
    ...more,
  };
  return { type: 'OFFER', dst, payload };
}

export function answer(dst: string): Frame {
  return { type: 'ANSWER', dst, payload: { sdp: { type: 'answer', sdp: 'v=0' }, type: 'data', connectionId: 'dc_1' } };
}

export function candidate(dst: string): Frame {
  return { type: 'CANDIDATE', dst, payload: { candidate: { candidate: 'candidate:1' }, type: 'data', connectionId: 'dc_1' } };
}
