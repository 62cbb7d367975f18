/**
 * Two pages in virtual time: the rig of page.ts itself, each in a context of its own, on clocks, timers and connections of ours.
 * The connections lead over a simulated wire, one lane each.
 */
import { createContext, runInContext } from 'node:vm';
import type { ConditionedWire } from '../../../netcode/transport/conditioned-wire.ts';
import { installRig, type Rig } from './page.ts';

/** Looked at this often: what the wire does between two of its events is seen that late at most. */
const LOOK_EVERY_MS = 0.5;
const STATE_CHANNEL = 'state';

interface Timer {
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** Virtual time for both pages and the wire between them. */
export class VirtualPages {
  readonly rigs: readonly [Rig, Rig];
  readonly #wire: ConditionedWire;
  readonly #timers = new Map<number, Timer>();
  readonly #channels: readonly [FakeChannel[], FakeChannel[]] = [[], []];
  #timersSet = 0;
  #nowMs = 0;

  constructor(wire: ConditionedWire) {
    this.#wire = wire;
    this.rigs = [this.#openPage(0), this.#openPage(1)];
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass in both pages; `onTime` is called as often as it does. */
  run(untilMs: number, onTime: (nowMs: number) => void = () => undefined): void {
    while (this.#nowMs < untilMs) {
      const nextTimerMs = Math.min(...[...this.#timers.values()].map(({ dueMs }) => dueMs));
      this.#nowMs = Math.max(this.#nowMs, Math.min(this.#nowMs + LOOK_EVERY_MS, nextTimerMs, untilMs));
      onTime(this.#nowMs);
      for (const side of [0, 1] as const) this.#read(side);
      for (const [id, timer] of this.#timers) {
        if (timer.dueMs > this.#nowMs) continue;
        if (timer.everyMs === undefined) this.#timers.delete(id);
        else timer.dueMs += timer.everyMs;
        timer.run();
      }
    }
  }

  #read(side: 0 | 1): void {
    this.#wire.directions[side === 0 ? 1 : 0].deliver(this.#nowMs, {
      state: (bytes, _, lane) => {
        this.#channels[side].find((channel) => channel.lane === lane && channel.label === STATE_CHANNEL)?.onMessage({ data: bytes.buffer });
      },
      control: () => undefined,
      close: () => undefined,
    });
  }

  #openPage(side: 0 | 1): Rig {
    const channels = this.#channels[side];
    const wire = this.#wire;
    const nowMs = (): number => this.#nowMs;
    class FakeConnection {
      static #count = 0;
      readonly iceGatheringState = 'complete';
      readonly localDescription = { sdp: '' };
      readonly #lane = FakeConnection.#count++;
      createDataChannel(label: string): FakeChannel {
        const channel = new FakeChannel({ wire, side, lane: this.#lane, label, nowMs });
        channels.push(channel);
        return channel;
      }
      async setLocalDescription(): Promise<void> {}
      async setRemoteDescription(): Promise<void> {}
      addEventListener(): void {}
    }
    const set = (run: () => void, ms: number, everyMs: number | undefined): number => {
      this.#timers.set(++this.#timersSet, { dueMs: this.#nowMs + ms, everyMs, run });
      return this.#timersSet;
    };
    const page = {
      window: {} as { sctpRig?: Rig },
      performance: { timeOrigin: 0, now: nowMs },
      setTimeout: (run: () => void, ms: number) => set(run, ms, undefined),
      setInterval: (run: () => void, ms: number) => set(run, ms, ms),
      clearInterval: (id: number) => this.#timers.delete(id),
      RTCPeerConnection: FakeConnection,
    };
    runInContext(`(${installRig.toString()})()`, createContext(page));
    return page.window.sctpRig as Rig;
  }
}

interface ChannelParts {
  readonly wire: ConditionedWire;
  readonly side: 0 | 1;
  readonly lane: number;
  readonly label: string;
  readonly nowMs: () => number;
}

class FakeChannel {
  readonly lane: number;
  readonly label: string;
  readonly readyState = 'open';
  binaryType = '';
  onMessage: (event: { readonly data: ArrayBufferLike }) => void = () => undefined;
  readonly #parts: ChannelParts;

  constructor(parts: ChannelParts) {
    this.#parts = parts;
    this.lane = parts.lane;
    this.label = parts.label;
  }

  get bufferedAmount(): number {
    const { wire, side, lane, label, nowMs } = this.#parts;
    const sender = wire.directions[side].senderAt(nowMs(), lane);
    return (label === STATE_CHANNEL ? sender?.queuedStateBytes : sender?.queuedControlBytes) ?? Infinity;
  }

  send(data: ArrayBuffer | ArrayBufferView): void {
    const { wire, side, lane, label, nowMs } = this.#parts;
    // Buffers of the page's own realm.
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    if (label === STATE_CHANNEL) {
      wire.directions[side].sendState(bytes, nowMs(), lane);
      return;
    }
    wire.directions[side].senderAt(nowMs(), lane)?.queueControl(bytes.slice());
    wire.flush(side, lane, nowMs());
  }

  addEventListener(type: string, listener: (event: { readonly data: ArrayBufferLike }) => void): void {
    if (type === 'message') this.onMessage = listener;
  }
}
