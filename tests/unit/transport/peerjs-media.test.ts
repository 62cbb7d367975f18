/** What strangers and members may do with the signals of calls. PeerJS and the browser are stand-ins that note what was asked of them. */
import type { Peer } from 'peerjs';
import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { isMediaSignal, PeerMedia } from '../../../netcode/transport/peerjs-media.ts';
import { type MediaSignal, readSignal } from '../../../netcode/transport/peerjs-signals.ts';

const VOICE_SDP = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n';
const FILM_SDP = `${VOICE_SDP}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`;
const MICROPHONE = { getAudioTracks: () => [{ kind: 'audio' }] } as unknown as MediaStream;
const ARRIVING = {} as MediaStream;

class FakeConnection extends EventEmitter {
  readonly senders = [{ track: { kind: 'audio' }, encodings: [{}] as Record<string, unknown>[], replaced: 0 }];
  connectionState = 'new';
  ondatachannel: ((event: unknown) => void) | undefined;
  readonly #listeners: (() => void)[] = [];

  addEventListener(_type: string, listener: () => void): void {
    this.#listeners.push(listener);
  }

  become(state: string): void {
    this.connectionState = state;
    for (const listener of this.#listeners) listener();
  }

  getSenders() {
    return this.senders.map((sender) => ({
      track: sender.track,
      getParameters: () => ({ encodings: sender.encodings }),
      setParameters: () => Promise.resolve(),
      replaceTrack: () => Promise.resolve(void (sender.replaced += 1)),
    }));
  }
}

class FakeCall extends EventEmitter {
  readonly peer: string;
  readonly connectionId: string;
  readonly rtc = new FakeConnection();
  peerConnection: FakeConnection | null = null;
  dataChannel: unknown;
  provider: unknown;
  closes = 0;
  transform: unknown;

  constructor(peer: string, connectionId: string) {
    super();
    this.peer = peer;
    this.connectionId = connectionId;
  }

  answer(_stream: MediaStream, { sdpTransform }: { readonly sdpTransform: unknown }): void {
    this.peerConnection = this.rtc;
    this.rtc.ondatachannel = () => (this.dataChannel = 'taken');
    this.transform = sdpTransform;
  }

  close(): void {
    this.closes += 1;
    this.peerConnection = null;
    this.provider = null;
  }
}

class FakePeer extends EventEmitter {
  open = true;
  isExhausted = false;
  readonly made: FakeCall[] = [];

  call(peer: string): FakeCall {
    if (this.isExhausted) throw new Error('no more connections');
    const call = new FakeCall(peer, `mc_out${this.made.length}`);
    call.peerConnection = call.rtc;
    this.made.push(call);
    return call;
  }
}

function open() {
  const peer = new FakePeer();
  const media = new PeerMedia(peer as unknown as Peer, 'me' as PeerId);
  let count = 0;
  const offer = (src: string, sdp = VOICE_SDP, connectionId = `mc_in${count++}`): FakeCall | undefined => {
    if (!media.admit(signal('OFFER', src, connectionId, { sdp: { type: 'offer', sdp } }))) return undefined;
    const call = new FakeCall(src, connectionId);
    peer.emit('call', call);
    return call;
  };
  return { peer, media, offer };
}

/** As it comes from the broker. */
function signal(type: string, src: string, connectionId: string, rest: object): MediaSignal {
  const read = readSignal({ type, src, payload: { type: 'media', connectionId, ...rest } });
  if (read === undefined || !isMediaSignal(read)) throw new Error('no signal of a call');
  return read;
}

const candidate = (src: string, connectionId: string): MediaSignal =>
  signal('CANDIDATE', src, connectionId, {
    candidate: { candidate: 'candidate:1 1 udp 1 192.0.2.1 1 typ host', sdpMid: '0', sdpMLineIndex: 0 },
  });
const answer = (src: string, connectionId: string, sdp = VOICE_SDP): MediaSignal =>
  signal('ANSWER', src, connectionId, { sdp: { type: 'answer', sdp } });
const isAda = (remoteId: string): boolean => remoteId === 'ada';

describe('an offer', () => {
  test('rings for those who are welcome, and reaches PeerJS from nobody else', () => {
    const { media, offer } = open();
    expect(offer('ada')).toBeUndefined();
    media.ringFor(isAda);
    expect(offer('stranger')).toBeUndefined();
    expect(offer('ada')).toBeDefined();
    expect(media.accept()?.remoteId).toBe('ada');
    expect(media.accept()).toBeUndefined();
    media.ringFor(undefined);
    expect(offer('ada')).toBeUndefined();
  });

  test('with a film in it, or for a call that exists, is dropped', () => {
    const { media, offer } = open();
    media.ringFor(isAda);
    expect(offer('ada', FILM_SDP)).toBeUndefined();
    expect(offer('ada', VOICE_SDP, 'mc_1')).toBeDefined();
    expect(offer('ada', VOICE_SDP, 'mc_1')).toBeUndefined();
  });

  test('upon offer is dropped from the third on that rings; one that was answered rings no more', () => {
    const { media, offer } = open();
    media.ringFor(isAda);
    expect([offer('ada'), offer('ada'), offer('ada')].map((call) => call !== undefined)).toEqual([true, true, false]);
    media.accept()?.answer(MICROPHONE);
    expect(offer('ada')).toBeDefined();
  });

  test('from many at once is dropped when more calls exist than everybody in voice could make', () => {
    const { media, offer } = open();
    media.ringFor(() => true);
    const rung = Array.from({ length: 100 }, (_, n) => offer(`p${n}`)).filter((call) => call !== undefined);
    expect(rung).toHaveLength(16);
    expect(media.call('x' as PeerId, MICROPHONE)).toBeUndefined();
  });

  test('that still rings when voice is turned off is forgotten', () => {
    const { media, offer } = open();
    media.ringFor(isAda);
    const call = offer('ada');
    media.ringFor(undefined);
    expect([call?.closes, media.accept()]).toEqual([1, undefined]);
  });
});

describe('answers and candidates', () => {
  test('an answer is taken once, for a call that we made, without a film', () => {
    const { media, offer } = open();
    media.ringFor(isAda);
    media.call('ada' as PeerId, MICROPHONE);
    media.call('bob' as PeerId, MICROPHONE);
    expect(media.admit(answer('stranger', 'mc_out0'))).toBe(false);
    expect(media.admit(answer('ada', 'mc_out0'))).toBe(true);
    expect(media.admit(answer('ada', 'mc_out0'))).toBe(false);
    expect(media.admit(answer('bob', 'mc_out1', FILM_SDP))).toBe(false);
    offer('ada', VOICE_SDP, 'mc_in');
    expect(media.admit(answer('ada', 'mc_in'))).toBe(false);
  });

  test('candidates are taken for a call that exists, 64 at most', () => {
    const { media, offer } = open();
    media.ringFor(isAda);
    expect(media.admit(candidate('ada', 'mc_in'))).toBe(false);
    offer('ada', VOICE_SDP, 'mc_in');
    const taken = Array.from({ length: 100 }, () => media.admit(candidate('ada', 'mc_in'))).filter(Boolean);
    expect(taken).toHaveLength(64);
    expect(media.admit(candidate('bob', 'mc_in'))).toBe(false);
  });
});

describe('a call', () => {
  test('has a sound while it is connected, and sends no more than voice needs', () => {
    const { peer, media } = open();
    const call = media.call('ada' as PeerId, MICROPHONE)!;
    const [fake] = peer.made;
    fake!.emit('stream', ARRIVING);
    expect(call.sound).toBeUndefined();
    fake!.rtc.become('connected');
    expect(call.sound).toBe(ARRIVING);
    expect(fake!.rtc.senders[0]!.encodings).toEqual([{ maxBitrate: 24_000, priority: 'low', networkPriority: 'low' }]);
    fake!.rtc.become('disconnected');
    expect([call.sound, call.isEnded]).toEqual([ARRIVING, false]);
    fake!.rtc.become('failed');
    expect([call.sound, call.isEnded, fake!.closes]).toEqual([undefined, true, 1]);
    call.close();
    expect(fake!.closes).toBe(1);
    // What fails inside PeerJS from now on is reported to it.
    expect(fake!.provider).toBe(peer);
  });

  test.each(['close', 'error'])("ends with PeerJS's '%s'", (event) => {
    const { peer, media } = open();
    const call = media.call('ada' as PeerId, MICROPHONE)!;
    peer.made[0]!.emit(event, new Error('of PeerJS'));
    expect(call.isEnded).toBe(true);
    expect(media.admit(answer('ada', 'mc_out0'))).toBe(false);
  });

  test('to somebody whom the broker does not know ends; an answered one does not', () => {
    const { media } = open();
    const [lost, answered] = [media.call('ada' as PeerId, MICROPHONE)!, media.call('ada' as PeerId, MICROPHONE)!];
    media.admit(answer('ada', 'mc_out1'));
    media.onUnknown('ada');
    expect([lost.isEnded, answered.isEnded]).toEqual([true, false]);
    media.close();
    expect(answered.isEnded).toBe(true);
  });

  test('is not made while the broker is away, or when the browser has no connection left', () => {
    const { peer, media } = open();
    peer.open = false;
    expect(media.call('ada' as PeerId, MICROPHONE)).toBeUndefined();
    peer.open = true;
    peer.isExhausted = true;
    expect(media.call('ada' as PeerId, MICROPHONE)).toBeUndefined();
  });

  test('sends another microphone when told, and nothing once it has ended', () => {
    const { peer, media } = open();
    const call = media.call('ada' as PeerId, MICROPHONE)!;
    call.replace(MICROPHONE);
    call.close();
    call.replace(MICROPHONE);
    expect(peer.made[0]!.rtc.senders[0]!.replaced).toBe(1);
  });

  test("lets the caller's one data channel through to PeerJS, and closes every other", () => {
    const { peer, media, offer } = open();
    media.ringFor(isAda);
    const incoming = offer('ada')!;
    media.accept()!.answer(MICROPHONE);
    const closed: string[] = [];
    const channel = (name: string) => ({ channel: { close: () => closed.push(name) } });
    incoming.rtc.ondatachannel?.(channel('first'));
    incoming.rtc.ondatachannel?.(channel('second'));
    expect([incoming.dataChannel, closed]).toEqual(['taken', ['second']]);
    media.call('bob' as PeerId, MICROPHONE);
    peer.made[0]!.rtc.ondatachannel?.(channel('of the called'));
    expect(closed).toEqual(['second', 'of the called']);
  });
});
