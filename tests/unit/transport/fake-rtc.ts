/** WebRTC's objects as far as links and lanes use them; they do as a test tells them. */

export class FakeChannel extends EventTarget {
  readyState = 'open';
  bufferedAmount = 0;
  binaryType = 'blob';
  readonly sent: unknown[] = [];

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 'closed';
  }

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  hear(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  fail(sctpCauseCode: number): void {
    this.dispatchEvent(Object.assign(new Event('error'), { error: { errorDetail: 'sctp-failure', sctpCauseCode } }));
  }

  end(): void {
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
  }
}

export const FAKE_SDP = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n';

export class FakeConnection extends EventTarget {
  connectionState = 'new';
  channel: FakeChannel | undefined;
  channelOptions: RTCDataChannelInit | undefined;
  remote: RTCSessionDescriptionInit | undefined;
  readonly candidates: unknown[] = [];
  /** What the browser makes of the other side's descriptions and candidates. */
  doesRefuse = false;
  isClosed = false;

  createDataChannel(_label: string, options: RTCDataChannelInit): FakeChannel {
    this.channelOptions = options;
    this.channel = new FakeChannel();
    this.channel.readyState = 'connecting';
    return this.channel;
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'offer', sdp: FAKE_SDP };
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'answer', sdp: FAKE_SDP };
  }

  async setLocalDescription(): Promise<void> {}

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (this.doesRefuse) throw new Error('refused');
    this.remote = description;
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    if (this.doesRefuse) throw new Error('refused');
    this.candidates.push(candidate);
  }

  close(): void {
    this.isClosed = true;
    this.connectionState = 'closed';
    if (this.channel !== undefined) this.channel.readyState = 'closed';
  }

  become(connectionState: string): void {
    this.connectionState = connectionState;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  /** Null: there are no more. */
  find(candidate: string | null): void {
    const found = candidate === null ? null : { candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null, port: 1 };
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: found }));
  }

  bring(channel: FakeChannel): void {
    this.dispatchEvent(Object.assign(new Event('datachannel'), { channel }));
  }
}
