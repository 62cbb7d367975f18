/**
 * Measures from outside what passes through a page's state channels (those that never retransmit), without trusting the netcode's
 * own figures: wraps RTCDataChannel before the page's scripts run. `installRecorder` is sent there as text: it refers to nothing
 * outside itself.
 */
import { packetHash } from './packet-hash.ts';
import type { Packet, PlayerLog } from './player.ts';

/** Packets as flat numbers, six each, in the order of `Packet`'s fields: tens of thousands of objects take a page too long to hand over. */
export interface FlatLog {
  readonly sent: readonly number[];
  readonly received: readonly number[];
  /** Null if there was nothing to tell it by: the page was hidden. */
  readonly jankMs: number | null;
}

export interface Recorder {
  begin(): void;
  log(): FlatLog;
}

declare global {
  interface Window {
    volleyRecorder: Recorder;
  }
}

const NUMBERS_A_PACKET = 6;

/** Runs in the page; must come before the page's own scripts. */
export function installRecorder(hashOf: (bytes: Uint8Array) => number): void {
  /** An hour of packets, of eight players ten minutes; more are not noted. */
  const NUMBERS_MAX = 6 * 250_000;
  const JANK_INTERVAL_MS = 10;
  const JANK_SAMPLES_MAX = 100_000;

  const nowMs = (): number => performance.timeOrigin + performance.now();
  const channels: RTCDataChannel[] = [];
  let sent: number[] = [];
  let received: number[] = [];
  let lateness: number[] = [];

  const bytesOf = (data: unknown): Uint8Array | undefined => {
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : undefined;
  };
  const note = (log: number[], atMs: number, bytes: Uint8Array, at: { readonly waiting: number; readonly channel: number }): void => {
    if (log.length < NUMBERS_MAX) log.push(atMs, hashOf(bytes), bytes.length, (bytes[0] ?? 0) & 3, at.waiting, at.channel);
  };

  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, options): RTCDataChannel {
    const made = create.call(this, label, options);
    if (made.maxRetransmits !== 0) return made;
    const channel = channels.push(made) - 1;
    // The first listener, however the page listens.
    made.addEventListener('message', (event) => {
      const bytes = bytesOf(event.data);
      if (bytes !== undefined) note(received, nowMs(), bytes, { waiting: 0, channel });
    });
    return made;
  };

  const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: unknown) => void;
  RTCDataChannel.prototype.send = function (data: unknown): void {
    const channel = channels.indexOf(this);
    const bytes = channel < 0 ? undefined : bytesOf(data);
    const atMs = nowMs();
    send.call(this, data);
    if (bytes !== undefined) note(sent, atMs, bytes, { waiting: this.bufferedAmount, channel });
  };

  let dueMs = performance.now() + JANK_INTERVAL_MS;
  const listen = (): void => {
    // A hidden page's timers are slow by design.
    if (!document.hidden && lateness.length < JANK_SAMPLES_MAX) lateness.push(Math.max(0, performance.now() - dueMs));
    dueMs = performance.now() + JANK_INTERVAL_MS;
    setTimeout(listen, JANK_INTERVAL_MS);
  };
  setTimeout(listen, JANK_INTERVAL_MS);

  window.volleyRecorder = {
    begin() {
      sent = [];
      received = [];
      lateness = [];
    },
    log() {
      const sorted = lateness.toSorted((x, y) => x - y);
      return { sent, received, jankMs: sorted[Math.floor(sorted.length * 0.99)] ?? null };
    },
  };
}

/** For whatever runs a script before a page's own. */
export const RECORDER_SCRIPT = `(${installRecorder.toString()})(${packetHash.toString()});`;

function packetsOf(flat: readonly number[]): Packet[] {
  const packets: Packet[] = [];
  for (let n = 0; n + NUMBERS_A_PACKET <= flat.length; n += NUMBERS_A_PACKET) {
    const [atMs = 0, hash = 0, bytes = 0, type = 0, waiting = 0, channel = 0] = flat.slice(n, n + NUMBERS_A_PACKET);
    packets.push({ atMs, hash, bytes, type, waiting, channel });
  }
  return packets;
}

export function playerLogOf({ sent, received, jankMs }: FlatLog): PlayerLog {
  return { sent: packetsOf(sent), received: packetsOf(received), jankMs: jankMs ?? NaN };
}
