/** What the broker relays is read, never trusted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSignal, relayOffer } from '../../../netcode/transport/peerjs-signals.ts';

const APPLICATION = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n';
const AUDIO = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n';
const VIDEO = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n';
const DATA_SDP = `v=0\r\n${APPLICATION}`;

const OFFER = {
  type: 'OFFER',
  src: 'abc123',
  payload: {
    type: 'data',
    serialization: 'raw',
    reliable: true,
    label: 'control',
    connectionId: 'dc_1',
    sdp: { type: 'offer', sdp: DATA_SDP },
  },
};

describe('a frame that PeerJS sends', () => {
  test('comes out with the known fields only', () => {
    const extra = {
      ...OFFER,
      dst: 'x',
      __proto__: { y: 1 },
      payload: { ...OFFER.payload, metadata: { large: 1 }, sdp: { ...OFFER.payload.sdp, z: 1 } },
    };
    expect(readSignal(extra)).toEqual(OFFER);
    expect(readSignal({ type: 'OPEN', payload: {} })).toEqual({ type: 'OPEN' });
    expect(readSignal({ type: 'EXPIRE', src: 'abc', dst: 'me' })).toEqual({ type: 'EXPIRE', src: 'abc' });
  });

  test('may leave out what browsers leave out of a candidate', () => {
    const signal = readSignal({
      type: 'CANDIDATE',
      src: 'abc',
      payload: { type: 'data', connectionId: 'dc_1', candidate: { candidate: 'candidate:1', sdpMid: '0' } },
    });
    expect(signal).toMatchObject({
      payload: { candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: null, usernameFragment: null } },
    });
  });
});

describe('a description of data channels', () => {
  const offer = (sdp: unknown) => readSignal({ ...OFFER, payload: { ...OFFER.payload, sdp: { type: 'offer', sdp } } });
  const answer = (sdp: unknown) =>
    readSignal({ type: 'ANSWER', src: 'abc', payload: { type: 'data', connectionId: 'dc_1', sdp: { type: 'answer', sdp } } });

  test('has one line of them, whoever wrote it', () => {
    expect(offer(DATA_SDP)).toEqual(OFFER);
    expect(answer(DATA_SDP)).toMatchObject({ type: 'ANSWER', payload: { type: 'data', sdp: { type: 'answer', sdp: DATA_SDP } } });
    expect(offer(DATA_SDP.replaceAll('\r', ''))).toBeDefined();
  });

  test.each([
    ['nothing', 'v=0\r\n'],
    ['sound', `v=0\r\n${AUDIO}`],
    ['pictures', `v=0\r\n${VIDEO}`],
    ['sound beside them', `${DATA_SDP}${AUDIO}`],
    ['pictures before them', `v=0\r\n${VIDEO}${APPLICATION}`],
    ['sound behind line feeds alone', `${DATA_SDP}${AUDIO}`.replaceAll('\r', '')],
    ['sound behind carriage returns alone', `${DATA_SDP}${AUDIO}`.replaceAll('\n', '')],
    ['two lines of them', `${DATA_SDP}${APPLICATION}`],
    ['no text', 7],
  ])('that offers %s is refused, in an answer too: the browser would set up a receiver', (_, sdp) => {
    expect([offer(sdp), answer(sdp)]).toEqual([undefined, undefined]);
  });
});

const MEDIA_CALL = { type: 'OFFER', src: 'abc', payload: { type: 'media', connectionId: 'mc_1', sdp: { type: 'offer', sdp: 'v=0' } } };

test('a voice call comes out with the known fields only, and not without its description', () => {
  expect(readSignal({ ...MEDIA_CALL, payload: { ...MEDIA_CALL.payload, metadata: { large: 1 } } })).toEqual(MEDIA_CALL);
  expect(readSignal({ ...MEDIA_CALL, payload: { ...MEDIA_CALL.payload, sdp: undefined } })).toBeUndefined();
  const answer = { type: 'ANSWER', src: 'abc', payload: { type: 'media', connectionId: 'mc_1', sdp: { type: 'answer', sdp: 'v=0' } } };
  expect(readSignal(answer)).toEqual(answer);
  const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: null, usernameFragment: null };
  const found = { type: 'CANDIDATE', src: 'abc', payload: { type: 'media', connectionId: 'mc_1', candidate } };
  expect(readSignal(found)).toEqual(found);
});

test('an invitation to the relay is an OFFER on the wire, and names a pair of 128 bits', () => {
  const pair = 'A'.repeat(22);
  expect(readSignal({ type: 'OFFER', src: 'abc', payload: relayOffer(pair) })).toEqual({ type: 'RELAY', src: 'abc', pair });
  expect(readSignal({ type: 'ANSWER', src: 'abc', payload: relayOffer(pair) })).toBeUndefined();
  expect(readSignal({ type: 'OFFER', src: 'abc', payload: relayOffer('short') })).toBeUndefined();
});

test('a server error without a message is an error all the same', () => {
  expect(readSignal({ type: 'ERROR' })).toEqual({ type: 'ERROR', payload: { msg: '' } });
});

test('no frame whatever throws, and what is accepted is of a known type', () => {
  const types = ['OPEN', 'ERROR', 'ID-TAKEN', 'INVALID-KEY', 'LEAVE', 'EXPIRE', 'OFFER', 'ANSWER', 'CANDIDATE', 'RELAY'];
  const frame = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { type: fc.constantFrom(...types), src: fc.oneof(fc.constant('abc'), fc.jsonValue()), payload: fc.jsonValue() },
      { requiredKeys: [] },
    ),
    fc.record({
      type: fc.constantFrom('OFFER', 'ANSWER', 'CANDIDATE'),
      src: fc.constant('abc'),
      payload: fc.record(
        {
          type: fc.constantFrom('data', 'media', 'relay'),
          connectionId: fc.oneof(fc.constant('dc_1'), fc.string()),
          serialization: fc.constantFrom('raw', 'constructor', '__proto__'),
          reliable: fc.boolean(),
          label: fc.constantFrom('control', 'x'),
          sdp: fc.jsonValue(),
          candidate: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    }),
  );
  fc.assert(
    fc.property(frame, (value) => {
      const signal = readSignal(value);
      if (signal !== undefined) expect(types).toContain(signal.type);
    }),
    { numRuns: 2_000 },
  );
});
