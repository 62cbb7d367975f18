/**
 * One end's WebSocket: its hello, its frames in and out, its budget, and whether it is still there. What goes out waits in a `RelayWindow`
 * and not in the connection's buffers, so that an end that reads slowly gets the newest state and not the oldest.
 */
import { type RawData, WebSocket } from 'ws';
import {
  isRelayData,
  readRelayCredit,
  readRelayHello,
  RELAY_CONTROL,
  RELAY_CREDIT,
  RELAY_CREDIT_BYTES,
  RELAY_PEER_GONE,
  RELAY_REFUSED,
  RELAY_STATE,
  RELAY_VIOLATION,
  type RelayAnswer,
  type RelayHello,
  type RelayRefusal,
  writeRelayCredit,
} from '../../netcode/wire/relay.ts';
import { RelayWindow } from '../../netcode/wire/relay-window.ts';
import { RelayBudget } from './relay-budget.ts';
import { refusalMessage } from './relay-door.ts';
import type { RelayFrameKind, RelayTally } from './relay-tally.ts';

/** A page sends its hello as soon as the socket is open. */
const HELLO_TIMEOUT_MS = 5_000;
/** The host hears of the pair by signalling and opens a socket: a second or two, and the store may be slow. */
const MEET_TIMEOUT_MS = 10_000;
const PING_EVERY_MS = 5_000;
const MISSED_PINGS_MAX = 2;
/** A page of another version may send a few frames that we do not know; one that goes on is none of ours. */
const MALFORMED_FRAMES_MAX = 16;
/** Credits and pongs to an end that does not read; they are small and mean nothing once they are late. */
const ANSWERS_BYTES_MAX = 65_536;
/** An end in debt is looked at again after this time at the latest. */
const PAUSE_MS_MAX = 5_000;

/** Why the broker ended a socket that was paired, for counting. */
export type RelayFault = 'violation' | 'overflow' | 'stuck' | 'silent';

export interface RelaySocketOwner {
  readonly tally: RelayTally;
  /** The first thing it said; to be answered by `paired` or `refuse`. */
  onHello(socket: RelaySocket, hello: RelayHello): void;
  /** A frame for the other end. */
  onFrame(socket: RelaySocket, frame: Uint8Array): void;
  onRefused(reason: RelayRefusal): void;
  onFault(fault: RelayFault): void;
  /** Once. Nothing it says is heard from now on. */
  onEnd(socket: RelaySocket): void;
}

type Stage = 'greeting' | 'waiting' | 'paired' | 'ended';

export interface RelaySocketOptions {
  readonly webSocket: WebSocket;
  /** Whose it is; undefined if that cannot be told. */
  readonly address: string | undefined;
  readonly owner: RelaySocketOwner;
  /** Milliseconds since any fixed moment; never goes back. */
  readonly nowMs: () => number;
}

export class RelaySocket {
  readonly address: string | undefined;
  readonly #webSocket: WebSocket;
  readonly #owner: RelaySocketOwner;
  readonly #nowMs: () => number;
  readonly #budget: RelayBudget;
  /** Made when the other end is there. */
  #window: RelayWindow | undefined;
  #stage: Stage = 'greeting';
  #stageEndsAtMs: number;
  /** Data frames received, for the credits. */
  #received = 0;
  #isCreditDue = false;
  #malformed = 0;
  #supersededBefore = 0;
  #missedPings = 0;
  #pingAtMs: number;
  #debtTimer: NodeJS.Timeout | undefined;

  constructor({ webSocket, address, owner, nowMs }: RelaySocketOptions) {
    this.address = address;
    this.#webSocket = webSocket;
    this.#owner = owner;
    this.#nowMs = nowMs;
    this.#budget = new RelayBudget(nowMs());
    this.#stageEndsAtMs = nowMs() + HELLO_TIMEOUT_MS;
    this.#pingAtMs = nowMs() + PING_EVERY_MS;
    webSocket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    webSocket.on('ping', (data) => this.#answerPing(data));
    webSocket.on('pong', (data) => {
      this.#missedPings = 0;
      this.#charge(data.length);
    });
    // ws reports frames that are too large or broken here, and then closes the socket itself.
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR_') === true) owner.tally.count('other', 'malformed');
    });
    webSocket.on('close', () => this.#end());
  }

  get isEnded(): boolean {
    return this.#stage === 'ended';
  }

  /** The other end is there. */
  paired(): void {
    if (this.isEnded) return;
    this.#stage = 'paired';
    this.#window = new RelayWindow();
    this.#sendText({ type: 'paired' });
  }

  /** From the other end. */
  deliver(frame: Uint8Array): void {
    const window = this.#window;
    if (window === undefined || this.isEnded) return;
    if (frame[0] === RELAY_STATE) window.offerState(frame);
    else if (!window.offerControl(frame)) return this.#fail('overflow');
    this.#pump(window);
  }

  /** It may not come in, or may not stay. */
  refuse(reason: RelayRefusal): void {
    if (this.isEnded) return;
    this.#owner.onRefused(reason);
    this.#sendText({ type: 'refused', reason, message: refusalMessage(reason) });
    this.close(RELAY_REFUSED, reason);
  }

  /** The other end has left: what it said last is still handed over. */
  closeAfterLastWords(code = RELAY_PEER_GONE, reason = 'peer-gone'): void {
    for (const frame of this.#window?.takeControl() ?? []) {
      this.#owner.tally.relayed('control', frame.length);
      this.#send(frame);
    }
    this.close(code, reason);
  }

  close(code: number, reason: string): void {
    if (this.isEnded) return;
    // A debt would keep the closing handshake from being read.
    this.#webSocket.resume();
    this.#webSocket.close(code, reason);
    this.#end();
  }

  /** Without a closing handshake. */
  terminate(): void {
    this.#webSocket.terminate();
    this.#end();
  }

  /** To be called about once a second. */
  sweep(): void {
    const nowMs = this.#nowMs();
    if (this.#stage === 'greeting' && nowMs >= this.#stageEndsAtMs) return this.refuse('bad-request');
    if (this.#stage === 'waiting' && nowMs >= this.#stageEndsAtMs) return this.refuse('no-peer');
    if (this.#window?.isStuck(nowMs) === true) return this.#fail('stuck');
    if (nowMs < this.#pingAtMs) return;
    if (this.#missedPings >= MISSED_PINGS_MAX) return this.#fail('silent');
    this.#missedPings++;
    this.#pingAtMs = nowMs + PING_EVERY_MS;
    this.#webSocket.ping(undefined, undefined, ignore);
  }

  #hear(data: RawData, isBinary: boolean): void {
    this.#missedPings = 0;
    // ws gives single buffers unless asked for something else.
    const bytes = data as Buffer;
    switch (this.#stage) {
      case 'greeting':
        return this.#greet(bytes, isBinary);
      case 'waiting':
        return this.#hearMalformed(bytes.length, 'other');
      case 'paired':
        if (!isBinary) return this.#hearMalformed(bytes.length, 'other');
        return bytes[0] === RELAY_CREDIT ? this.#hearCredit(bytes) : this.#hearData(bytes);
      case 'ended':
    }
  }

  #greet(bytes: Buffer, isBinary: boolean): void {
    const hello = isBinary ? undefined : readRelayHello(bytes.toString());
    if (hello === undefined) return this.refuse('bad-request');
    this.#stage = 'waiting';
    this.#stageEndsAtMs = this.#nowMs() + MEET_TIMEOUT_MS;
    this.#owner.onHello(this, hello);
  }

  #hearCredit(frame: Buffer): void {
    const window = this.#window!;
    const received = readRelayCredit(frame);
    const before = window.flightFrames;
    if (received === undefined || !window.acknowledge(received, this.#nowMs())) return this.#hearMalformed(frame.length, 'other');
    // One for every frame we sent is free.
    if (window.flightFrames === before) this.#charge(frame.length);
    this.#pump(window);
  }

  #hearData(frame: Buffer): void {
    const isState = frame[0] === RELAY_STATE;
    if (!isRelayData(frame)) return this.#hearMalformed(frame.length, isState ? 'state' : frame[0] === RELAY_CONTROL ? 'control' : 'other');
    this.#received = (this.#received + 1) >>> 0;
    this.#planCredit();
    if (!isState) {
      this.#charge(frame.length);
    } else if (!this.#budget.takeState(frame.length, this.#nowMs())) {
      this.#owner.tally.count('state', 'limited');
      return this.#charge(frame.length);
    }
    this.#owner.onFrame(this, frame);
  }

  #hearMalformed(bytes: number, kind: RelayFrameKind): void {
    this.#owner.tally.count(kind, 'malformed');
    this.#malformed++;
    if (this.#malformed > MALFORMED_FRAMES_MAX) this.#fail('violation');
    else this.#charge(bytes);
  }

  /** One for all frames that arrived together. */
  #planCredit(): void {
    if (this.#isCreditDue) return;
    this.#isCreditDue = true;
    setImmediate(() => {
      this.#isCreditDue = false;
      if (this.isEnded || this.#webSocket.bufferedAmount > ANSWERS_BYTES_MAX) return;
      const credit = new Uint8Array(RELAY_CREDIT_BYTES);
      writeRelayCredit(credit, this.#received);
      this.#send(credit);
    });
  }

  #pump(window: RelayWindow): void {
    const nowMs = this.#nowMs();
    for (let frame = window.next(nowMs); frame !== undefined; frame = window.next(nowMs)) {
      this.#owner.tally.relayed(frame[0] === RELAY_STATE ? 'state' : 'control', frame.length);
      this.#send(frame);
    }
    const { supersededState } = window.counters;
    if (supersededState > this.#supersededBefore) this.#owner.tally.count('state', 'superseded', supersededState - this.#supersededBefore);
    this.#supersededBefore = supersededState;
  }

  /** Answered here and not by ws, so that answers to an end that does not read are bounded. */
  #answerPing(data: Buffer): void {
    this.#charge(data.length);
    if (!this.isEnded && this.#webSocket.bufferedAmount <= ANSWERS_BYTES_MAX) this.#webSocket.pong(data, false, ignore);
  }

  #charge(bytes: number): void {
    const waitMs = this.#budget.charge(bytes, this.#nowMs());
    if (waitMs === 0 || this.#debtTimer !== undefined || this.isEnded) return;
    // What ws has read already, 64 KB at most, is still heard and adds to the debt.
    this.#webSocket.pause();
    this.#debtTimer = setTimeout(() => this.#payDebt(), Math.min(waitMs, PAUSE_MS_MAX));
  }

  #payDebt(): void {
    const waitMs = this.#budget.debtMs(this.#nowMs());
    this.#debtTimer = waitMs === 0 ? undefined : setTimeout(() => this.#payDebt(), Math.min(waitMs, PAUSE_MS_MAX));
    if (waitMs === 0) this.#webSocket.resume();
  }

  #fail(fault: RelayFault): void {
    this.#owner.onFault(fault);
    // Who does not read does not read a goodbye either.
    if (fault === 'violation') this.close(RELAY_VIOLATION, fault);
    else this.terminate();
  }

  #sendText(answer: RelayAnswer): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(JSON.stringify(answer), ignore);
  }

  /** A socket that dies meanwhile reports 'close' by itself; the callback keeps ws from throwing. */
  #send(frame: Uint8Array): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(frame, { binary: true }, ignore);
  }

  #end(): void {
    if (this.isEnded) return;
    this.#stage = 'ended';
    clearTimeout(this.#debtTimer);
    this.#window = undefined;
    this.#owner.onEnd(this);
  }
}

function ignore(): void {}
