/** What the broker relays is read, never trusted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSignal, relayOffer } from '../../../netcode/transport/peerjs-signals.ts';

const OFFER = {
  type: 'OFFER',
  src: 'abc123',
  payload: {
    type: 'data',
    serialization: 'raw',
    reliable: true,
    label: 'control',
    connectionId: 'dc_1',
    sdp: { type: 'offer', sdp: 'v=0' },
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
