/**
 * One attempt at a state lane beyond the first: an RTCPeerConnection of its own with the state channel and nothing else. What stalls
 * another lane's association leaves this one alone. It signals through its owner, opens, and breaks at most once.
 */
import type { Candidate } from './peerjs-signals.ts';

export const STATE_CHANNEL_LABEL = 'state';
/** The same on both ends: the negotiated channel has no other way to agree. PeerJS's own channel takes 0 or 1. */
export const STATE_CHANNEL: RTCDataChannelInit = { negotiated: true, id: 100, ordered: false, maxRetransmits: 0 };

export interface StateLaneParts {
  readonly peerConnection: RTCPeerConnection;
  readonly onDescription: (kind: 'offer' | 'answer', sdp: string) => void;
  /** Never before the description. */
  readonly onCandidate: (candidate: Candidate) => void;
  readonly onOpen: () => void;
  /** It failed or was closed, but not by `close`. Called at most once. */
  readonly onBroken: () => void;
  readonly onMessage: (data: unknown) => void;
  /** The other side opened a channel in band. */
  readonly onChannel: (channel: RTCDataChannel) => void;
  /** WebRTC could make nothing of what the other side said. */
  readonly onMalformed: () => void;
}

export class StateLane {
  readonly #parts: StateLaneParts;
  readonly #connection: RTCPeerConnection;
  /** Found before the description was out: Node's WebRTC starts to gather at once. The browser's own gathering bounds them. */
  readonly #unsaid: Candidate[] = [];
  #channel: RTCDataChannel | undefined;
  #isOffering = false;
  #isDescribed = false;
  #isRemoteDescribed = false;
  #isClosed = false;

  constructor(parts: StateLaneParts) {
    this.#parts = parts;
    this.#connection = parts.peerConnection;
    this.#connection.addEventListener('icecandidate', ({ candidate }) => this.#onLocalCandidate(candidate));
    this.#connection.addEventListener('datachannel', ({ channel }) => {
      if (!this.#isClosed) parts.onChannel(channel);
    });
    this.#connection.addEventListener('connectionstatechange', () => {
      const { connectionState } = this.#connection;
      if (connectionState === 'failed' || connectionState === 'closed') this.#break();
    });
  }

  /** The channel while it is open. */
  get openChannel(): RTCDataChannel | undefined {
    return this.#channel?.readyState === 'open' ? this.#channel : undefined;
  }

  /** Begins as the side that offers. */
  async offer(): Promise<void> {
    this.#isOffering = true;
    try {
      this.#createChannel();
      const { sdp = '' } = await this.#connection.createOffer();
      await this.#connection.setLocalDescription({ type: 'offer', sdp });
      this.#describe('offer', sdp);
    } catch {
      this.#break();
    }
  }

  /** Begins as the side that answers. */
  async answer(offer: string): Promise<void> {
    this.#isRemoteDescribed = true;
    if (!(await this.#setRemote({ type: 'offer', sdp: offer }))) return;
    try {
      // Only now: in Node a channel made before would have it offer, too. Nothing can arrive on it before the answer is out.
      this.#createChannel();
      const { sdp = '' } = await this.#connection.createAnswer();
      await this.#connection.setLocalDescription({ type: 'answer', sdp });
      this.#describe('answer', sdp);
    } catch {
      this.#break();
    }
  }

  /** Returns false when no answer is due. */
  takeAnswer(sdp: string): boolean {
    if (!this.#isOffering || !this.#isDescribed || this.#isRemoteDescribed) return false;
    this.#isRemoteDescribed = true;
    void this.#setRemote({ type: 'answer', sdp });
    return true;
  }

  /** Returns false when the other side has not described itself: it does before it names candidates. */
  takeCandidate(candidate: Candidate): boolean {
    if (!this.#isRemoteDescribed) return false;
    this.#connection.addIceCandidate(candidate).catch(() => {
      if (!this.#isClosed) this.#parts.onMalformed();
    });
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  /** Whether the connection took it, and is still wanted. */
  async #setRemote(description: RTCSessionDescriptionInit): Promise<boolean> {
    try {
      await this.#connection.setRemoteDescription(description);
    } catch {
      if (!this.#isClosed) this.#parts.onMalformed();
      this.#break();
    }
    return !this.#isClosed;
  }

  #createChannel(): void {
    const channel = this.#connection.createDataChannel(STATE_CHANNEL_LABEL, STATE_CHANNEL);
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('open', () => {
      if (!this.#isClosed) this.#parts.onOpen();
    });
    channel.addEventListener('message', (event) => {
      if (!this.#isClosed) this.#parts.onMessage(event.data);
    });
    channel.addEventListener('close', () => this.#break());
    this.#channel = channel;
  }

  #describe(kind: 'offer' | 'answer', sdp: string): void {
    if (this.#isClosed) return;
    this.#isDescribed = true;
    this.#parts.onDescription(kind, sdp);
    for (const candidate of this.#unsaid.splice(0)) this.#parts.onCandidate(candidate);
  }

  /** Null, or one with an empty text, says that there are no more; nobody needs to know. */
  #onLocalCandidate(found: RTCIceCandidate | null): void {
    if (this.#isClosed || found === null || found.candidate === '') return;
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = found;
    const plain = { candidate, sdpMid, sdpMLineIndex, usernameFragment };
    if (this.#isDescribed) this.#parts.onCandidate(plain);
    else this.#unsaid.push(plain);
  }

  #break(): void {
    if (this.#isClosed) return;
    this.close();
    this.#parts.onBroken();
  }
}
