/**
 * One end of a relayed pair as a page is one, over a real WebSocket: it says its hello, acknowledges what it receives, and keeps it for
 * the test to ask for. `paired` opens both ends of a pair in a lobby of their own.
 */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import type { CreateLobbyResponse } from '../../netcode/wire/lobby-api.ts';
import {
  readRelayAnswer,
  RELAY_CONTROL,
  RELAY_CREDIT,
  RELAY_CREDIT_BYTES,
  RELAY_PATH,
  RELAY_STATE,
  RELAY_VERSION,
  type RelayAnswer,
  type RelayHello,
  writeRelayCredit,
} from '../../netcode/wire/relay.ts';

export interface RelayClientOptions {
  /** The page that opens it, as browsers say it. */
  readonly origin?: string;
  /** The address to come from: any of 127.0.0.0/8, where the system has them all. */
  readonly from?: string;
  /** Acknowledges nothing by itself. */
  readonly isMute?: boolean;
  /** Answers no pings. */
  readonly isSilent?: boolean;
}

export class RelayClient {
  readonly webSocket: WebSocket;
  /** Control and state, as they arrived, kind included. */
  readonly frames: Uint8Array[] = [];
  /** The HTTP status with which the upgrade was refused. */
  refusedWith: number | undefined;
  received = 0;
  /** As the broker acknowledged them. */
  lastCredit: Uint8Array | undefined;
  readonly #answers: RelayAnswer[] = [];
  #closeCode: number | undefined;
  #wasOpen = false;
  #wakers: (() => void)[] = [];

  constructor(port: number, { origin, from: localAddress, isMute = false, isSilent = false }: RelayClientOptions = {}) {
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}${RELAY_PATH}`, {
      perMessageDeflate: false,
      autoPong: !isSilent,
      ...(origin === undefined ? {} : { origin }),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.webSocket.on('error', () => undefined);
    this.webSocket.on('open', () => {
      this.#wasOpen = true;
      this.#wake();
    });
    this.webSocket.on('unexpected-response', (request, response) => {
      this.refusedWith = response.statusCode;
      request.destroy();
      this.#closeCode ??= 1006;
      this.#wake();
    });
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) {
        const answer = readRelayAnswer(data.toString());
        if (answer === undefined) throw new Error(`the broker said ${data.toString()}`);
        this.#answers.push(answer);
      } else if (data[0] === RELAY_CREDIT) {
        this.lastCredit = data;
      } else {
        this.frames.push(data);
        this.received++;
        if (!isMute) this.acknowledge();
      }
      this.#wake();
    });
    this.webSocket.on('close', (code) => {
      this.#closeCode = code;
      this.#wake();
    });
  }

  get closeCode(): number | undefined {
    return this.#closeCode;
  }

  /** Resolves when the upgrade is done; rejects when it is refused. */
  async opened(): Promise<this> {
    await this.until(() => this.#wasOpen || this.#closeCode !== undefined);
    if (!this.#wasOpen) throw new Error(`refused with ${this.refusedWith ?? this.#closeCode}`);
    return this;
  }

  async hello(hello: RelayHello): Promise<this> {
    await this.opened();
    this.webSocket.send(JSON.stringify(hello));
    return this;
  }

  /** What the broker said, in order; rejects when it closes first. */
  async answer(): Promise<RelayAnswer> {
    await this.until(() => this.#answers.length > 0 || this.#closeCode !== undefined);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error(`closed with ${this.#closeCode}`);
    return answer;
  }

  send(kind: number, payload: Uint8Array): void {
    const frame = new Uint8Array(1 + payload.length);
    frame[0] = kind;
    frame.set(payload, 1);
    this.webSocket.send(frame, () => undefined);
  }

  acknowledge(received = this.received): void {
    const credit = new Uint8Array(RELAY_CREDIT_BYTES);
    writeRelayCredit(credit, received);
    this.webSocket.send(credit, () => undefined);
  }

  /** Resolves when so many frames have arrived in all. */
  async arrived(count: number): Promise<readonly Uint8Array[]> {
    await this.until(() => this.frames.length >= count || this.#closeCode !== undefined);
    if (this.frames.length < count) throw new Error(`closed with ${this.#closeCode} after ${this.frames.length} frames`);
    return this.frames;
  }

  /** The code with which it ended. */
  async closed(): Promise<number> {
    await this.until(() => this.#closeCode !== undefined);
    return this.#closeCode!;
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  close(): void {
    this.webSocket.terminate();
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

export const newPair = (): string => randomBytes(16).toString('base64url');

export interface OpenLobby {
  readonly code: string;
  readonly ownerToken: string;
}

/** A lobby that allows the relay, unless told otherwise. */
export async function openLobby(port: number, isRelayAllowed = true): Promise<OpenLobby> {
  const response = await fetch(`http://127.0.0.1:${port}/api/lobbies`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ peerId: `host-${newPair().replace(/[-_]/g, 'x')}`, gameId: 'arena', isRelayAllowed }),
  });
  if (response.status !== 201) throw new Error(`no lobby: ${response.status}`);
  return (await response.json()) as CreateLobbyResponse;
}

export const guestHello = ({ code }: OpenLobby, pair: string): RelayHello => ({ v: RELAY_VERSION, role: 'guest', code, pair });
export const hostHello = ({ code, ownerToken }: OpenLobby, pair: string): RelayHello => ({
  v: RELAY_VERSION,
  role: 'host',
  code,
  pair,
  ownerToken,
});

export interface PairOptions {
  readonly lobby?: OpenLobby;
  readonly guest?: RelayClientOptions;
  readonly host?: RelayClientOptions;
  /** The host's broker. Default: the guest's. */
  readonly hostPort?: number;
}

export interface OpenPair {
  readonly guest: RelayClient;
  readonly host: RelayClient;
  readonly lobby: OpenLobby;
  readonly pair: string;
}

export async function paired(port: number, options: PairOptions = {}): Promise<OpenPair> {
  const lobby = options.lobby ?? (await openLobby(port));
  const pair = newPair();
  const guest = await new RelayClient(port, options.guest).hello(guestHello(lobby, pair));
  const host = await new RelayClient(options.hostPort ?? port, options.host).hello(hostHello(lobby, pair));
  const answers = await Promise.all([guest.answer(), host.answer()]);
  for (const answer of answers) if (answer.type !== 'paired') throw new Error(`not paired: ${answer.reason}`);
  return { guest, host, lobby, pair };
}

/** A payload that says which one it is. */
export function numbered(number: number, size = 16): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

export const numbersOf = (frames: readonly Uint8Array[], kind: number): number[] =>
  frames.filter((frame) => frame[0] === kind).map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint32(1));

export const controlNumbers = (frames: readonly Uint8Array[]): number[] => numbersOf(frames, RELAY_CONTROL);
export const stateNumbers = (frames: readonly Uint8Array[]): number[] => numbersOf(frames, RELAY_STATE);
