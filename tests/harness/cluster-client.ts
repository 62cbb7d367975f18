/**
 * Players as the cluster sees them: a signalling socket that speaks PeerJS's protocol and comes back at the next broker when its own
 * is gone, and the lobby API asked at whichever broker answers. They retry as the game's page does, and remember how long it took.
 */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Sfc32 } from '../../netcode/core/rng.ts';
import { BrokerClient } from '../../netcode/transport/broker-client.ts';
import type { BrokerResult } from '../../netcode/transport/directory.ts';

const HOST = '127.0.0.1';
/** How soon a broker that is not there, or a directory whose store is away, is tried again. */
const RETRY_MS = 100;
const CALL_TIMEOUT_MS = 3_000;
/** How long a guest waits for the host's answer before it asks again: a frame that was on its way when a broker died is lost. */
const ANSWER_TIMEOUT_MS = 1_000;

export const pause = (durationMs: number): Promise<void> => new Promise((done) => setTimeout(done, durationMs));

interface Frame {
  readonly type: string;
  readonly src: string;
  readonly payload?: { readonly connectionId?: string };
}

/** A signalling client that keeps itself registered. */
export class SignallingClient {
  readonly id: string;
  /** Time from every lost socket to the next greeting. */
  readonly awayMs: number[] = [];
  /** Index of the broker whose socket was lost, for every loss. */
  readonly losses: number[] = [];
  refusals = 0;
  isAttached = false;
  readonly #token = randomBytes(12).toString('base64url');
  readonly #ports: readonly number[];
  readonly #answers = new Map<string, (isAnswered: boolean) => void>();
  #broker: number;
  #socket: WebSocket | undefined;
  #lostAtMs: number | undefined;
  #dials = 0;
  #isClosed = false;

  constructor(id: string, ports: readonly number[], firstBroker: number) {
    this.id = id;
    this.#ports = ports;
    this.#broker = firstBroker;
    this.#connect();
  }

  /** Whether the host behind `peerId` answered. */
  dial(peerId: string): Promise<boolean> {
    const connectionId = `dc_${this.id}_${++this.#dials}`;
    return new Promise((resolve) => {
      const settle = (isAnswered: boolean): void => {
        clearTimeout(timer);
        this.#answers.delete(connectionId);
        resolve(isAnswered);
      };
      const timer = setTimeout(() => settle(false), ANSWER_TIMEOUT_MS);
      this.#answers.set(connectionId, settle);
      const payload = { connectionId, type: 'data', serialization: 'raw', sdp: { type: 'offer', sdp: 'v=0' } };
      this.#send({ type: 'OFFER', dst: peerId, payload });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.terminate();
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame), () => undefined);
  }

  #connect(): void {
    if (this.#isClosed) return;
    const broker = this.#broker;
    const url = `ws://${HOST}:${this.#ports[broker]}/peerjs?key=peerjs&id=${this.id}&token=${this.#token}`;
    const socket = new WebSocket(url, { handshakeTimeout: CALL_TIMEOUT_MS });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as Frame));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.isAttached) {
        this.losses.push(broker);
        this.#lostAtMs = performance.now();
      }
      this.isAttached = false;
      this.#broker = (broker + 1) % this.#ports.length;
      setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  #hear({ type, src, payload }: Frame): void {
    const connectionId = payload?.connectionId ?? '';
    switch (type) {
      case 'OPEN':
        this.isAttached = true;
        if (this.#lostAtMs !== undefined) this.awayMs.push(performance.now() - this.#lostAtMs);
        this.#lostAtMs = undefined;
        return;
      case 'OFFER':
        return this.#send({ type: 'ANSWER', dst: src, payload: { connectionId, type: 'data', sdp: { type: 'answer', sdp: 'v=0' } } });
      case 'ANSWER':
        return this.#answers.get(connectionId)?.(true);
      case 'EXPIRE':
        // Which of the dials it was is not said; a client makes one at a time.
        for (const settle of [...this.#answers.values()]) settle(false);
        return;
      case 'ID-TAKEN':
        this.refusals++;
    }
  }
}

/** The lobby API at whichever broker answers. */
export class RoamingDirectory {
  readonly #clients: readonly BrokerClient[];
  readonly #rng: Sfc32;

  constructor(ports: readonly number[], rng: Sfc32) {
    this.#clients = ports.map((port) => new BrokerClient({ brokerUrl: `http://${HOST}:${port}`, timeoutMs: CALL_TIMEOUT_MS }));
    this.#rng = rng;
  }

  /** Asks until a broker knows the answer: a good one, or a refusal for good. */
  async ask<T>(call: (client: BrokerClient) => Promise<BrokerResult<T>>): Promise<BrokerResult<T>> {
    for (;;) {
      const result = await call(this.#clients[this.#rng.below(this.#clients.length)]!);
      if (result.ok || (result.failure !== 'unreachable' && result.failure !== 'unavailable')) return result;
      await pause(RETRY_MS);
    }
  }
}
