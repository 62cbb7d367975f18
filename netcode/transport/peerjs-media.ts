/**
 * Voice calls over PeerJS media connections, on the peer that `peerjs.ts` keeps at the broker, with that peer's ICE servers. PeerJS has no
 * limits here: it makes an object of every offer, keeps candidates for calls that nobody answers, and lets the other side put films
 * into a voice call. So every signal of a call comes through `admit` first, and only calls from those who are welcome ring.
 */
import type { MediaConnection, Peer } from 'peerjs';
import type { PeerId } from '../core/ids.ts';
import { isVoiceSdp, limitOpus, VOICE_BITRATE } from '../voice/opus-sdp.ts';
import { VOICE_PLAYERS_MAX } from '../voice/voice.ts';
import type { Call, CallPort, IncomingCall } from '../voice/voice-ports.ts';
import { BoundedQueue } from './inbox.ts';
import type { MediaSignal, Signal } from './peerjs-signals.ts';

/** Calls that exist at once: with everybody in voice, and as many that ring or are just being replaced. */
const CALLS_MAX = 2 * VOICE_PLAYERS_MAX;
/** Of which ring, from one player: a call and the one that replaces it. */
const RINGING_PER_PEER_MAX = 2;
/** A machine with several networks and a relay offers about twenty. */
const CANDIDATES_MAX = 64;

/** Whether a signal is for `PeerMedia.admit`. */
export function isMediaSignal(signal: Signal): signal is MediaSignal {
  return (signal.type === 'OFFER' || signal.type === 'ANSWER' || signal.type === 'CANDIDATE') && signal.payload.type === 'media';
}

export class PeerMedia implements CallPort<MediaStream> {
  readonly localId: PeerId;
  readonly #peer: Peer;
  readonly #calls = new Set<PeerCall>();
  readonly #ringing = new BoundedQueue<PeerCall>(CALLS_MAX);
  #isWelcome: ((remoteId: PeerId) => boolean) | undefined;

  constructor(peer: Peer, localId: PeerId) {
    this.#peer = peer;
    this.localId = localId;
    peer.on('call', (connection) => {
      const call = this.#adopt(connection, true);
      if (!this.#ringing.push(call)) call.close();
    });
  }

  call(remoteId: PeerId, sound: MediaStream): PeerCall | undefined {
    if (!this.#peer.open || this.#calls.size >= CALLS_MAX) return undefined;
    try {
      const call = this.#adopt(this.#peer.call(remoteId, sound, { sdpTransform: limitOpus }), false);
      call.watch();
      return call;
    } catch {
      // The browser's limit on connections is reached, or it has no more ports.
      return undefined;
    }
  }

  ringFor(isWelcome: ((remoteId: PeerId) => boolean) | undefined): void {
    this.#isWelcome = isWelcome;
    if (isWelcome !== undefined) return;
    for (let call = this.#ringing.shift(); call !== undefined; call = this.#ringing.shift()) call.close();
  }

  accept(): PeerCall | undefined {
    for (let call = this.#ringing.shift(); call !== undefined; call = this.#ringing.shift()) if (!call.isEnded) return call;
    return undefined;
  }

  /** Whether PeerJS may see a signal of a call. */
  admit(signal: MediaSignal): boolean {
    const { src, payload } = signal;
    const call = [...this.#calls].find(({ remoteId, connectionId }) => remoteId === src && connectionId === payload.connectionId);
    switch (signal.type) {
      case 'OFFER': {
        if (call !== undefined || this.#isWelcome?.(src as PeerId) !== true || !isVoiceSdp(signal.payload.sdp.sdp)) return false;
        const ringing = [...this.#calls].filter(({ remoteId, isRinging }) => isRinging && remoteId === src).length;
        return ringing < RINGING_PER_PEER_MAX && this.#calls.size < CALLS_MAX;
      }
      case 'ANSWER':
        return call?.takeAnswer() === true && isVoiceSdp(signal.payload.sdp.sdp);
      case 'CANDIDATE':
        return call?.takeCandidate() === true;
    }
  }

  /** The broker does not know `peerId`: what we called it for will not be answered. */
  onUnknown(peerId: string): void {
    for (const call of this.#calls) if (call.remoteId === peerId && call.isUnanswered) call.close();
  }

  close(): void {
    this.#isWelcome = undefined;
    for (const call of this.#calls) call.close();
  }

  #adopt(connection: MediaConnection, isIncoming: boolean): PeerCall {
    const call: PeerCall = new PeerCall(connection, isIncoming, () => {
      this.#calls.delete(call);
      // PeerJS reports what fails after the close to a provider that it has just forgotten, and throws where nobody catches it.
      connection.provider = this.#peer;
    });
    this.#calls.add(call);
    return call;
  }
}

/** One media connection, from offer to end. */
class PeerCall implements Call<MediaStream>, IncomingCall<MediaStream> {
  readonly remoteId: PeerId;
  readonly connectionId: string;
  readonly #connection: MediaConnection;
  readonly #isIncoming: boolean;
  readonly #release: () => void;
  #candidates = 0;
  #isAnswered = false;
  #isEnded = false;
  #isConnected = false;
  #stream: MediaStream | undefined;

  constructor(connection: MediaConnection, isIncoming: boolean, release: () => void) {
    this.remoteId = connection.peer as PeerId;
    this.connectionId = connection.connectionId;
    this.#connection = connection;
    this.#isIncoming = isIncoming;
    this.#release = release;
    connection.on('stream', (stream) => (this.#stream = stream));
    connection.on('close', () => this.close());
    connection.on('error', () => this.close());
  }

  get sound(): MediaStream | undefined {
    return this.#isConnected && !this.#isEnded ? this.#stream : undefined;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isRinging(): boolean {
    return this.#isIncoming && !this.#isAnswered;
  }

  get isUnanswered(): boolean {
    return !this.#isIncoming && !this.#isAnswered;
  }

  answer(sound: MediaStream): PeerCall {
    this.#isAnswered = true;
    try {
      this.#connection.answer(sound, { sdpTransform: limitOpus });
      this.watch();
    } catch {
      // The browser's limit on connections is reached, or it has no more ports.
      this.close();
    }
    return this;
  }

  refuse(): void {
    this.close();
  }

  replace(sound: MediaStream): void {
    const [track] = sound.getAudioTracks();
    if (this.#isEnded || track === undefined) return;
    // Fails when the connection has just ended, which shows elsewhere.
    for (const sender of this.#senders()) sender.replaceTrack(track).catch(() => undefined);
  }

  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stream = undefined;
    this.#connection.close();
    this.#release();
  }

  /** Whether an answer is due; it is not due again. */
  takeAnswer(): boolean {
    if (!this.isUnanswered) return false;
    this.#isAnswered = true;
    return true;
  }

  takeCandidate(): boolean {
    this.#candidates += 1;
    return this.#candidates <= CANDIDATES_MAX;
  }

  /** Once PeerJS has made the RTCPeerConnection. */
  watch(): void {
    const { peerConnection } = this.#connection;
    const takeByPeerJs = peerConnection.ondatachannel;
    // The caller's channel tells both of a hang-up. PeerJS would put any other in its place.
    peerConnection.ondatachannel = (event) => {
      if (this.#isIncoming && this.#connection.dataChannel === undefined) takeByPeerJs?.call(peerConnection, event);
      else event.channel.close();
    };
    peerConnection.addEventListener('connectionstatechange', () => {
      switch (peerConnection.connectionState) {
        case 'connected':
          this.#isConnected = true;
          this.#limitSenders();
          return;
        case 'failed':
        case 'closed':
          this.close();
          return;
        case 'new':
        case 'connecting':
        case 'disconnected':
      }
    });
  }

  /** Whatever the other side asked for, no more is sent, and the game's packets go first where the browser has a say. */
  #limitSenders(): void {
    for (const sender of this.#senders()) {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) {
        encoding.maxBitrate = VOICE_BITRATE;
        encoding.priority = 'low';
        encoding.networkPriority = 'low';
      }
      // Refused where a browser knows none of this; the description of the session says the same.
      sender.setParameters(parameters).catch(() => undefined);
    }
  }

  #senders(): RTCRtpSender[] {
    // PeerJS forgets the connection when it closes.
    const connection = this.#connection.peerConnection as RTCPeerConnection | null | undefined;
    return (connection?.getSenders() ?? []).filter(({ track }) => track?.kind === 'audio');
  }
}
