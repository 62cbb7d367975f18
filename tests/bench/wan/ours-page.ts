/**
 * Our own transport and state channel in one of the two pages, bundled by `ours-script.ts`: a stream of states of a given size, without a game.
 * The sender offers a state 60 times a second; it goes when there is room, the newest one, and in as many bytes as there is room for, as a
 * host's snapshots do. The receiver answers with small inputs, as a guest does, and so acknowledges.
 *
 * Behind the channel's own header a state begins with the time at which it was made: f64, ms since 1970.
 */
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { PeerId, Tick } from '../../../netcode/core/ids.ts';
import { createPeerTransport } from '../../../netcode/transport/peerjs.ts';
import { type Link, STATE_LANES_MAX, type Transport } from '../../../netcode/transport/transport.ts';
import { INPUT_PACKET, SNAPSHOT_PACKET } from '../../../netcode/wire/packet.ts';

/** As often as a room's ticker pulses. */
const PULSE_MS = 4;
const INPUT_INTERVAL_MS = 1000 / 60;
const INPUT_BYTES = 12;
const MATCH = 1;
const DIAL_TIMEOUT_MS = 30_000;

export interface OursPage {
  /** Registers at the broker. Resolves to this page's address. */
  register(brokerUrl: string): Promise<string>;
  /** Calls that address, or without one waits to be called. Resolves when the link is open. */
  connect(address: string | undefined): Promise<void>;
}

declare global {
  interface Window {
    oursPage: OursPage;
  }
}

const clock = { nowMs: (): number => performance.timeOrigin + performance.now() };
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** One end: pulses for ever. */
class Stream {
  readonly #link: Link;
  readonly #channel: StateChannel;
  readonly #isSender: boolean;
  readonly #time = new Float64Array(1);
  readonly #timeBits = new Uint32Array(this.#time.buffer);
  /** The newest state that has not gone yet. */
  #offered: { readonly bytes: number; readonly madeAtMs: number } | undefined;
  #inputMs = 0;
  #tick = 0;
  sent = 0;
  bytesSent = 0;
  waitingMax = 0;

  constructor(link: Link, isSender: boolean) {
    this.#link = link;
    this.#channel = new StateChannel(link);
    this.#isSender = isSender;
    this.#channel.enterMatch(MATCH, () => {});
    setInterval(() => this.#pulse(), PULSE_MS);
  }

  offer(packet: ArrayBuffer): void {
    this.#offered = { bytes: packet.byteLength, madeAtMs: new DataView(packet).getFloat64(0) };
    this.#pulse();
  }

  #pulse(): void {
    const nowMs = clock.nowMs();
    const channel = this.#channel;
    for (let packet = channel.receive(nowMs); packet !== undefined; packet = channel.receive(nowMs)) {
      if (packet.type === SNAPSHOT_PACKET) {
        this.#timeBits[0] = packet.reader.bits(32);
        this.#timeBits[1] = packet.reader.bits(32);
        window.streamPage.take(this.#time[0] ?? 0, packet.atMs);
      }
      channel.accept(packet);
    }
    if (this.#isSender) this.#sendState(nowMs);
    else this.#sendInput(nowMs);
    channel.update(nowMs);
  }

  #sendState(nowMs: number): void {
    const offered = this.#offered;
    const room = offered === undefined ? 0 : this.#channel.roomForSnapshot(nowMs);
    if (offered === undefined || room === 0) return;
    this.#offered = undefined;
    const writer = this.#channel.begin(SNAPSHOT_PACKET, nowMs);
    this.#time[0] = offered.madeAtMs;
    writer.bits(this.#timeBits[0] ?? 0, 32);
    writer.bits(this.#timeBits[1] ?? 0, 32);
    writer.align();
    const bytes = Math.min(offered.bytes, room);
    writer.append(PADDING, Math.max(0, bytes - writer.byteLength));
    this.sent += 1;
    this.bytesSent += writer.byteLength;
    this.#send(nowMs);
  }

  #sendInput(nowMs: number): void {
    if (nowMs - this.#inputMs < INPUT_INTERVAL_MS || this.#channel.roomForInput(nowMs) < INPUT_BYTES) return;
    this.#inputMs = Math.max(this.#inputMs + INPUT_INTERVAL_MS, nowMs - INPUT_INTERVAL_MS);
    const writer = this.#channel.begin(INPUT_PACKET, nowMs);
    writer.align();
    writer.append(PADDING, INPUT_BYTES);
    this.#send(nowMs);
  }

  #send(nowMs: number): void {
    this.#tick += 1;
    this.#channel.send(this.#tick as Tick, nowMs);
    for (let lane = 0; lane < STATE_LANES_MAX; lane++) {
      const waiting = this.#link.stateBufferedBytes(lane);
      if (Number.isFinite(waiting)) this.waitingMax = Math.max(this.waitingMax, waiting);
    }
  }
}

const PADDING = new Uint8Array(1_100);
let transport: Transport | undefined;

window.oursPage = {
  async register(brokerUrl) {
    transport = await createPeerTransport({ brokerUrl, ice: { iceServers: [] }, clock });
    transport.listen?.();
    return transport.localId;
  },
  async connect(address) {
    if (transport === undefined) throw new Error('register first');
    let link = address === undefined ? undefined : await transport.connect(address as PeerId, { timeoutMs: DIAL_TIMEOUT_MS });
    const giveUpAtMs = clock.nowMs() + DIAL_TIMEOUT_MS;
    while (link === undefined) {
      if (clock.nowMs() > giveUpAtMs) throw new Error('nobody called');
      await sleep(PULSE_MS);
      link = transport.accept();
    }
    const stream = new Stream(link, address !== undefined);
    window.streamPage.use({
      isOpen: () => true,
      send: (packet) => stream.offer(packet),
      waitingBytes: () => stream.waitingMax,
      sent: () => ({ packets: stream.sent, bytes: stream.bytesSent }),
    });
  },
};
