/**
 * A signalling client as PeerJS is one, over a real WebSocket: what arrives is queued, and tests await the next frame.
 * Frames of one socket are answered in order, so "nothing arrived" is shown by a later frame's answer arriving first.
 */
import { WebSocket } from 'ws';

/** What a WebSocket reports when there was no goodbye. */
const CLOSED_ABNORMALLY = 1006;

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
  /** The page that opens it, as browsers say it. */
  readonly origin?: string;
  /** The address to come from: any of 127.0.0.0/8, where the system has them all (Linux and Windows do). */
  readonly from?: string;
}

export class SignalClient {
  readonly webSocket: WebSocket;
  /** The HTTP status with which the upgrade was refused. */
  refusedWith: number | undefined;
  readonly #frames: Frame[] = [];
  #wake: () => void = () => undefined;
  #closeCode: number | undefined;
  static #settled = 0;

  constructor(port: number, options: ClientOptions = {}) {
    const { id = 'ada', token = 'token', key = 'peerjs' } = options;
    const query = options.query ?? `key=${key}&id=${id}&token=${token}&version=1.5.5`;
    const { origin, from: localAddress } = options;
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}/peerjs?${query}`, {
      perMessageDeflate: false,
      ...(origin === undefined ? {} : { origin }),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.webSocket.on('error', () => undefined);
    this.webSocket.on('unexpected-response', (request, response) => {
      this.refusedWith = response.statusCode;
      request.destroy();
      // There will be no socket to close.
      this.#closeCode ??= CLOSED_ABNORMALLY;
      this.#wake();
    });
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

  /** The same while others send to this client: what arrives first stays to be asked for. */
  async settleAmongOthers(): Promise<void> {
    const name = `nobody-${++SignalClient.#settled}`;
    const isAnswer = (frame: Frame) => frame.type === 'EXPIRE' && frame.src === name;
    this.send(offer(name));
    while (!this.#frames.some(isAnswer)) {
      if (this.#closeCode !== undefined) throw new Error(`socket closed with ${this.#closeCode}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#frames.splice(this.#frames.findIndex(isAnswer), 1);
  }

  /** Frames that arrived and were not asked for yet. */
  get waiting(): number {
    return this.#frames.length;
  }

  /** Vanishes without a goodbye, as when the network is lost. */
  close(): void {
    this.webSocket.terminate();
  }

  /** Closes as a page does, and resolves when the server has answered. */
  async leave(): Promise<void> {
    this.webSocket.close();
    await this.closed();
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
