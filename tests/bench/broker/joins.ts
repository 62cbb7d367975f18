/**
 * Two clients that signal a join as PeerJS does: the guest's OFFER and its three candidates, the host's ANSWER and its three,
 * eight frames through the broker. Only then does it count as done.
 */
import { randomUUID } from 'node:crypto';
import { type LoadClient, maskedFrame } from './load-client.ts';

/** Of one end. */
const CANDIDATES = 3;
/** What a Chromium writes for one data channel, with the candidates of two networks in it: about 1 KB. */
const SDP = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 54321 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 203.0.113.77',
  ...[2113937151, 2113939711, 1677729535].map(
    (priority, i) =>
      `a=candidate:${842163049 + i} 1 udp ${priority} 192.0.2.${i} 5432${i} typ host generation 0 network-id ${i} network-cost 10`,
  ),
  'a=ice-ufrag:EsAw',
  'a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y',
  'a=ice-options:trickle',
  'a=fingerprint:sha-256 DA:7B:57:DC:28:CE:04:4F:31:79:85:C4:31:67:EB:27:58:29:ED:77:2A:0D:24:AE:ED:AD:30:BC:BD:F1:9C:02',
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  '',
].join('\r\n');

export class JoiningPair {
  /** Called with the milliseconds that the join took. */
  onJoined: (ms: number) => void = () => undefined;
  readonly #guest: LoadClient;
  readonly #host: LoadClient;
  readonly #offer: readonly Buffer[];
  readonly #answer: readonly Buffer[];
  #startedAtMs = 0;
  #framesToCome = 0;

  constructor(guest: LoadClient, host: LoadClient) {
    this.#guest = guest;
    this.#host = host;
    const connectionId = `dc_${randomUUID().slice(0, 13)}`;
    this.#offer = [maskedFrame(offerTo(host.id, connectionId)), ...candidatesTo(host.id, connectionId)];
    this.#answer = [maskedFrame(answerTo(guest.id, connectionId)), ...candidatesTo(guest.id, connectionId)];
    guest.onHeard = (): void => this.#count();
    host.onHeard = (type): void => {
      if (type === 'OF') for (const frame of this.#answer) host.send(frame);
      this.#count();
    };
  }

  get isJoining(): boolean {
    return this.#framesToCome > 0;
  }

  start(): void {
    this.#framesToCome = this.#offer.length + this.#answer.length;
    this.#startedAtMs = performance.now();
    for (const frame of this.#offer) this.#guest.send(frame);
  }

  close(): void {
    this.#guest.close();
    this.#host.close();
  }

  #count(): void {
    this.#framesToCome--;
    if (this.#framesToCome === 0) this.onJoined(performance.now() - this.#startedAtMs);
  }
}

function offerTo(dst: string, connectionId: string): object {
  const payload = {
    sdp: { type: 'offer', sdp: SDP },
    type: 'data',
    connectionId,
    label: connectionId,
    reliable: true,
    serialization: 'raw',
  };
  return { type: 'OFFER', payload, dst };
}

function answerTo(dst: string, connectionId: string): object {
  return { type: 'ANSWER', payload: { sdp: { type: 'answer', sdp: SDP }, type: 'data', connectionId }, dst };
}

function candidatesTo(dst: string, connectionId: string): Buffer[] {
  return Array.from({ length: CANDIDATES }, (_, i) => {
    const line = `candidate:84216304${i} 1 udp 1677729535 203.0.113.77 5432${i} typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999`;
    const candidate = { candidate: line, sdpMLineIndex: 0, sdpMid: '0', usernameFragment: 'EsAw' };
    return maskedFrame({ type: 'CANDIDATE', payload: { candidate, type: 'data', connectionId }, dst });
  });
}
