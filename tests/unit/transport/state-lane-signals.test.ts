/** What the other end of a link says about lanes is read, never trusted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LaneText, readLaneText, writeLaneText } from '../../../netcode/transport/state-lane-signals.ts';
import { CONTROL_MESSAGE_BYTES_MAX, STATE_LANES_MAX } from '../../../netcode/transport/transport.ts';
import { FAKE_SDP } from './fake-rtc.ts';

const CANDIDATE = { candidate: 'candidate:1 1 udp 1 10.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null };
const OFFER = { kind: 'offer', n: 1, attempt: 1, sdp: FAKE_SDP };

const said = (value: unknown): string => `lane ${JSON.stringify(value)}`;

test.each<LaneText>([
  { kind: 'lanes', count: STATE_LANES_MAX },
  { kind: 'offer', n: 1, attempt: 1, sdp: FAKE_SDP },
  { kind: 'answer', n: 3, attempt: 70_000, sdp: FAKE_SDP },
  { kind: 'candidate', n: 2, attempt: 5, candidate: CANDIDATE },
  { kind: 'gone', n: 1, attempt: 2 },
])('what one side writes the other reads: $kind', (text) => {
  expect(readLaneText(writeLaneText(text))).toEqual(text);
});

test('unknown fields are left out', () => {
  const extra = { ...OFFER, other: { large: 1 }, candidate: CANDIDATE };
  expect(readLaneText(said(extra))).toEqual(OFFER);
  expect(readLaneText(said({ kind: 'candidate', n: 1, attempt: 1, candidate: { ...CANDIDATE, port: 9 } }))).toMatchObject({
    candidate: CANDIDATE,
  });
});

describe('refused is', () => {
  test.each<[string, string]>([
    ['no text of lanes', 'volley 1'],
    ['an empty text', ''],
    ['no JSON', 'lane {'],
    ['JSON of another kind', 'lane 7'],
    ['nothing', 'lane null'],
    ['a list', 'lane []'],
    ['deep nesting', `lane ${'['.repeat(8_000)}`],
    ['an unknown kind', said({ ...OFFER, kind: 'constructor' })],
    ['no kind', said({ n: 1, attempt: 1 })],
    ['the lane of the link itself', said({ ...OFFER, n: 0 })],
    ['a lane beyond the last', said({ ...OFFER, n: STATE_LANES_MAX })],
    ['half a lane', said({ ...OFFER, n: 1.5 })],
    ['a lane in words', said({ ...OFFER, n: '1' })],
    ['no attempt', said({ ...OFFER, attempt: 0 })],
    ['an attempt beyond counting', said({ ...OFFER, attempt: 2 ** 31 })],
    ['an offer without a description', said({ kind: 'offer', n: 1, attempt: 1 })],
    ['an offer of nothing', said({ ...OFFER, sdp: 'v=0\r\n' })],
    ['an offer of sound', said({ ...OFFER, sdp: 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n' })],
    ['an offer of sound beside data', said({ ...OFFER, sdp: `${FAKE_SDP}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n` })],
    ['a candidate that is none', said({ kind: 'candidate', n: 1, attempt: 1, candidate: { candidate: 7 } })],
    ['a message above the limit of control', said({ ...OFFER, sdp: FAKE_SDP + 'a'.repeat(CONTROL_MESSAGE_BYTES_MAX) })],
    ['one lane in all', 'lanes 1'],
    ['too many lanes', `lanes ${STATE_LANES_MAX + 1}`],
    ['lanes in words', 'lanes four'],
    ['lanes in another notation', 'lanes 0x3'],
    ['no count', 'lanes '],
  ])('%s', (_, text) => {
    expect(readLaneText(text)).toBeUndefined();
  });
});

test('no text whatever throws, and what is accepted can be said', () => {
  const attempt = fc.record(
    {
      kind: fc.constantFrom('offer', 'answer', 'candidate', 'gone', '__proto__'),
      n: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.jsonValue()),
      attempt: fc.oneof(fc.integer(), fc.jsonValue()),
      sdp: fc.oneof(fc.constant(FAKE_SDP), fc.jsonValue()),
      candidate: fc.oneof(fc.constant(CANDIDATE), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `lane ${rest}`),
    fc.string().map((rest) => `lanes ${rest}`),
    fc.jsonValue().map(said),
    attempt.map(said),
  );
  fc.assert(
    fc.property(text, (value) => {
      const read = readLaneText(value);
      if (read !== undefined) expect(readLaneText(writeLaneText(read))).toEqual(read);
    }),
    { numRuns: 2_000 },
  );
});
