/**
 * The comparison's half that runs inside two blank pages: connections as people usually make them, over which one page sends packets at an
 * even rate, whatever becomes of them. `installStreams` is sent there as text: it refers to nothing outside itself.
 *
 * A packet begins with the time at which it was made: f64, ms since 1970, big-endian.
 */
import type { DataConnection, Peer, PeerOptions } from 'peerjs';

export interface StreamPlan {
  readonly bytes: number;
  readonly rate: number;
  readonly seconds: number;
}

export interface StreamLog {
  readonly sent: number;
  readonly bytesMean: number;
  /** Bytes waiting in the browser (and in PeerJS's own queue) right after a send. */
  readonly waitingMax: number;
  /** How late this page's timers were, p99. */
  readonly jankMs: number;
}

/** What all kinds of connections have in common here. */
export interface Carrier {
  isOpen(): boolean;
  send(packet: ArrayBuffer): void;
  waitingBytes(): number;
  /** Of one that decides for itself what goes, so far. */
  sent?(): { readonly packets: number; readonly bytes: number };
}

export interface StreamPage {
  /** A bare channel that never retransmits; signalled by the bench. `offer` begins, `answer` answers, `accept` ends the handshake. */
  offer(): Promise<string>;
  answer(offer: string): Promise<string>;
  accept(answer: string): Promise<void>;
  webSocket(url: string): void;
  /** PeerJS's own, at the broker at `url`: waits under `id` (the receiver), or calls it. */
  peer(how: { readonly url: string; readonly id: string; readonly isWaiting: boolean; readonly isReliable: boolean }): Promise<void>;
  /** A connection of another kind, which hands what arrived to `take`. */
  use(carrier: Carrier): void;
  take(madeAtMs: number, arrivedAtMs: number): void;
  /** Resolves when packets can be sent. Rejects if that takes far too long. */
  ready(): Promise<void>;
  send(plan: StreamPlan): Promise<StreamLog>;
  /** Made at and arrived at, alternating. */
  arrived(): { readonly times: readonly number[]; readonly jankMs: number };
}

declare global {
  interface Window {
    streamPage: StreamPage;
    /** PeerJS's script. */
    readonly Peer: new (id: string | undefined, options: PeerOptions) => Peer;
  }
}

export function installStreams(): void {
  const JANK_INTERVAL_MS = 10;
  const READY_POLL_MS = 20;
  const READY_TIMEOUT_MS = 30_000;

  const nowMs = (): number => performance.timeOrigin + performance.now();
  const times: number[] = [];
  let carrier: Carrier | undefined;
  let pc: RTCPeerConnection | undefined;

  const lateness: number[] = [];
  let dueMs = performance.now() + JANK_INTERVAL_MS;
  const listen = (): void => {
    lateness.push(Math.max(0, performance.now() - dueMs));
    dueMs = performance.now() + JANK_INTERVAL_MS;
    setTimeout(listen, JANK_INTERVAL_MS);
  };
  setTimeout(listen, JANK_INTERVAL_MS);
  const jankMs = (): number => lateness.toSorted((x, y) => x - y)[Math.floor(lateness.length * 0.99)] ?? 0;

  const onPacket = (data: unknown): void => {
    if (data instanceof ArrayBuffer) times.push(new DataView(data).getFloat64(0), nowMs());
  };

  /** Both ends alike: the channel is negotiated. */
  const openBare = (): RTCPeerConnection => {
    pc = new RTCPeerConnection({ iceServers: [] });
    const channel = pc.createDataChannel('state', { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', (event) => onPacket(event.data));
    carrier = {
      isOpen: () => channel.readyState === 'open',
      send: (packet) => channel.send(packet),
      waitingBytes: () => channel.bufferedAmount,
    };
    return pc;
  };
  const gathered = (connection: RTCPeerConnection): Promise<string> =>
    new Promise((done) => {
      const look = (): void => {
        if (connection.iceGatheringState === 'complete') done(connection.localDescription?.sdp ?? '');
      };
      connection.addEventListener('icegatheringstatechange', look);
      look();
    });

  const usePeerConnection = (connection: DataConnection): void => {
    connection.on('data', onPacket);
    carrier = {
      isOpen: () => connection.open,
      send: (packet) => void connection.send(packet),
      // Beyond a limit of its own, PeerJS keeps whole messages in an array.
      waitingBytes: () =>
        connection.dataChannel.bufferedAmount + ((connection as { readonly bufferSize?: number }).bufferSize ?? 0) * packetBytes,
    };
  };
  let packetBytes = 0;

  window.streamPage = {
    async offer() {
      const connection = openBare();
      await connection.setLocalDescription();
      return gathered(connection);
    },
    async answer(offer) {
      const connection = openBare();
      await connection.setRemoteDescription({ type: 'offer', sdp: offer });
      await connection.setLocalDescription();
      return gathered(connection);
    },
    async accept(answer) {
      await pc?.setRemoteDescription({ type: 'answer', sdp: answer });
    },
    webSocket(url) {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      socket.addEventListener('message', (event) => onPacket(event.data));
      carrier = {
        isOpen: () => socket.readyState === WebSocket.OPEN,
        send: (packet) => socket.send(packet),
        waitingBytes: () => socket.bufferedAmount,
      };
    },
    async peer({ url, id, isWaiting, isReliable }) {
      const { hostname, port } = new URL(url);
      const options = { host: hostname, port: Number(port), path: '/', secure: false, config: { iceServers: [] }, debug: 0 };
      const peer = new window.Peer(isWaiting ? id : `${id}-caller`, options);
      peer.on('connection', usePeerConnection);
      // Dialling before it is open may lose the offer without a word.
      await new Promise<void>((done, fail) => {
        peer.on('open', () => done());
        peer.on('error', fail);
      });
      if (!isWaiting) usePeerConnection(peer.connect(id, { reliable: isReliable, serialization: 'raw' }));
    },
    use(other) {
      carrier = other;
    },
    take: (madeAtMs, arrivedAtMs) => void times.push(madeAtMs, arrivedAtMs),
    async ready() {
      const giveUpAtMs = nowMs() + READY_TIMEOUT_MS;
      while (carrier?.isOpen() !== true) {
        if (nowMs() > giveUpAtMs) throw new Error(`not connected within ${READY_TIMEOUT_MS / 1000} s`);
        await new Promise((done) => setTimeout(done, READY_POLL_MS));
      }
    },
    send({ bytes, rate, seconds }) {
      const periodMs = 1000 / rate;
      const beganMs = nowMs();
      const log = { sent: 0, waitingMax: 0 };
      let turn = 0;
      packetBytes = bytes;
      return new Promise((done) => {
        const tick = (): void => {
          const packet = new ArrayBuffer(bytes);
          new DataView(packet).setFloat64(0, nowMs());
          try {
            carrier?.send(packet);
            log.sent += 1;
          } catch {
            // A full buffer takes nothing more: that state is not sent.
          }
          log.waitingMax = Math.max(log.waitingMax, carrier?.waitingBytes() ?? 0);
          const elapsedMs = nowMs() - beganMs;
          if (elapsedMs >= seconds * 1000) {
            const { packets, bytes: bytesSent } = carrier?.sent?.() ?? { packets: log.sent, bytes: log.sent * bytes };
            done({ sent: packets, bytesMean: bytesSent / Math.max(1, packets), waitingMax: log.waitingMax, jankMs: jankMs() });
            return;
          }
          // A timer may come a little early, or so late that turns are left out.
          turn = Math.max(turn + 1, Math.floor(elapsedMs / periodMs));
          setTimeout(tick, Math.max(0, beganMs + turn * periodMs - nowMs()));
        };
        tick();
      });
    },
    arrived: () => ({ times, jankMs: jankMs() }),
  };
}
