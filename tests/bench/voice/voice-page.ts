/**
 * Voices in one of the two pages, beside the stream of states that `wan/ours-page.ts` sends: the real calls, with a microphone that never
 * pauses for breath (a page on plain http gets no real one, and people who all speak at once are the worst case).
 */
import type { PeerId, PlayerId } from '../../../netcode/core/ids.ts';
import { BrowserVoiceDevices } from '../../../netcode/platform/voice-devices.ts';
import { createPeerTransport } from '../../../netcode/transport/peerjs.ts';
import type { RosterPlayer, SoundSource, VoiceRoster } from '../../../netcode/voice/voice-ports.ts';
import { VoiceRoom } from '../../../netcode/voice/voice-room.ts';
import '../wan/ours-page.ts';

const PULSE_MS = 100;
const NOISE_SECONDS = 2;
const LOUDNESS = 0.3;

export interface VoiceBenchPage {
  /** Registers so many voices at the broker. Resolves to their addresses. */
  open(brokerUrl: string, count: number): Promise<string[]>;
  /** With whom each of them talks. */
  join(others: readonly string[]): Promise<void>;
  leave(): void;
  /** Calls over which sound arrives, and what has been sent over all of them. */
  calls(): Promise<{ readonly connected: number; readonly packets: number; readonly bytes: number }>;
}

declare global {
  interface Window {
    voiceBench: VoiceBenchPage;
  }
}

const clock = { nowMs: () => performance.now() };
const connections: RTCPeerConnection[] = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.push(this);
  }
};

/** White noise, which no encoder finds a pause in. One for all voices of a page, which are many people's in truth. */
class NoiseDevices extends BrowserVoiceDevices {
  #noise: MediaStream | undefined;

  override get microphoneObstacle(): undefined {
    return undefined;
  }

  override async openMicrophone(): Promise<never> {
    this.#noise ??= makeNoise();
    const source: SoundSource<MediaStream> = {
      sound: this.#noise,
      isEnded: false,
      setOpen: () => undefined,
      level: () => 0,
      close: () => undefined,
    };
    return source as never;
  }

  /** The other voices go on. */
  override close(): void {}
}

function makeNoise(): MediaStream {
  const context = new AudioContext();
  const buffer = context.createBuffer(1, context.sampleRate * NOISE_SECONDS, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) samples[i] = (Math.random() * 2 - 1) * LOUDNESS;
  const noise = context.createBufferSource();
  const output = context.createMediaStreamDestination();
  noise.buffer = buffer;
  noise.loop = true;
  noise.connect(output);
  noise.start();
  return output.stream;
}

const devices = new NoiseDevices();

class BenchVoice {
  readonly localId: PeerId;
  readonly room: VoiceRoom<MediaStream>;
  #players: readonly RosterPlayer[] = [];

  constructor(transport: Awaited<ReturnType<typeof createPeerTransport>>) {
    this.localId = transport.localId;
    const players = (): readonly RosterPlayer[] => this.#players;
    const roster: VoiceRoster = {
      get players() {
        return players();
      },
      onChange: () => () => undefined,
      announce: () => undefined,
    };
    let timer: ReturnType<typeof setInterval> | undefined;
    const ticker = { start: (callback: () => void) => void (timer = setInterval(callback, PULSE_MS)), stop: () => clearInterval(timer) };
    this.room = new VoiceRoom({ clock, ticker, roster, port: transport.media, devices });
  }

  async join(others: readonly string[]): Promise<void> {
    const addresses = [this.localId, ...(others as readonly PeerId[])];
    this.#players = addresses.map((peerId, n) => ({ id: (n + 1) as PlayerId, peerId, isInVoice: true, isMe: n === 0 }));
    await this.room.join({ mode: 'open' });
  }
}

const voices: BenchVoice[] = [];

window.voiceBench = {
  async open(brokerUrl, count) {
    for (let n = 0; n < count; n++) voices.push(new BenchVoice(await createPeerTransport({ brokerUrl, ice: { iceServers: [] }, clock })));
    return voices.map(({ localId }) => localId);
  },
  async join(others) {
    await Promise.all(voices.map((voice) => voice.join(others)));
  },
  leave() {
    for (const { room } of voices) room.leave();
  },
  async calls() {
    let [packets, bytes] = [0, 0];
    for (const connection of connections.filter(({ connectionState }) => connectionState === 'connected')) {
      for (const stats of (await connection.getStats()).values() as Iterable<Readonly<Record<string, unknown>>>) {
        if (stats['type'] !== 'outbound-rtp') continue;
        packets += Number(stats['packetsSent']);
        bytes += Number(stats['bytesSent']) + Number(stats['headerBytesSent']);
      }
    }
    const connected = voices.reduce(
      (sum, { room }) => sum + room.players.filter(({ isConnected, isMe }) => isConnected && !isMe).length,
      0,
    );
    return { connected, packets, bytes };
  },
};
