/**
 * A page with voice and nothing else: the real transport, calls, microphone and loudspeakers, with the test in the host's place, which
 * says who is in the lobby. A test of voice through the game's own screens would look at less.
 */
import type { PlayerId } from '../../netcode/core/ids.ts';
import { createBrowserVoice } from '../../netcode/platform/voice.ts';
import { createPeerTransport } from '../../netcode/transport/peerjs.ts';
import type { Voice } from '../../netcode/voice/voice.ts';
import type { RosterPlayer } from '../../netcode/voice/voice-ports.ts';

export interface VoicePage {
  readonly voice: Voice;
  /** As the host would tell the lobby. */
  setRoster(players: readonly RosterPlayer[]): void;
  /** Loudness of each player since the last call, the greatest that was measured. */
  heard(): [PlayerId, number][];
  /** The elements that play what arrives. */
  readonly elements: readonly HTMLAudioElement[];
  /** Connections that were made and are not closed. */
  openConnections(): RTCPeerConnection[];
  readonly microphonesAsked: number;
  readonly malformedSignals: number;
}

declare global {
  interface Window {
    voicePage: VoicePage;
    openVoice(brokerUrl: string): Promise<string>;
    announceVoice(isInVoice: boolean): Promise<void>;
  }
}

const LEVEL_POLL_MS = 20;
const connections: RTCPeerConnection[] = [];
const elements: HTMLAudioElement[] = [];
let microphonesAsked = 0;

window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.push(this);
  }
};
window.Audio = class extends Audio {
  constructor() {
    super();
    elements.push(this);
  }
};
const devices = navigator.mediaDevices as MediaDevices | undefined;
if (devices !== undefined) {
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (constraints) => {
    microphonesAsked += 1;
    return ask(constraints);
  };
}

window.openVoice = async (brokerUrl) => {
  const clock = { nowMs: () => performance.now() };
  const transport = await createPeerTransport({ brokerUrl, ice: { iceServers: [] }, clock });
  let players: readonly RosterPlayer[] = [];
  let onChange = (): void => undefined;
  const roster = {
    get players() {
      return players;
    },
    onChange(listener: () => void) {
      onChange = listener;
      return () => undefined;
    },
    announce: (isInVoice: boolean) => void window.announceVoice(isInVoice),
  };
  const voice = createBrowserVoice(roster, transport.media, clock);
  const heard = new Map<PlayerId, number>();
  setInterval(() => {
    for (const [player, level] of voice.levels()) heard.set(player, Math.max(level, heard.get(player) ?? 0));
  }, LEVEL_POLL_MS);
  window.voicePage = {
    voice,
    setRoster(next) {
      players = next;
      onChange();
    },
    heard() {
      const now = [...heard];
      heard.clear();
      return now;
    },
    elements,
    openConnections: () => connections.filter(({ connectionState }) => connectionState !== 'closed'),
    get microphonesAsked() {
      return microphonesAsked;
    },
    get malformedSignals() {
      return transport.malformedSignals;
    },
  };
  return transport.localId;
};
