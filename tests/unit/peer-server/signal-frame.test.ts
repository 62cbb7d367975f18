/** Which frames pass, and that nothing a client can send makes the reader throw. */
import { assert, boolean, constantFrom, jsonValue, property, record, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { readSignalFrame, type SignalFrame } from '../../../peer-server/signal-frame.ts';
import { answer, candidate, type Frame, offer } from './signal-client.ts';

function read(frame: unknown): SignalFrame | undefined {
  return readSignalFrame(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

/** As PeerJS writes them. */
const written = ({ type, payload, dst }: Frame): string => JSON.stringify({ type, payload, dst });

test('what PeerJS sends passes', () => {
  expect(read({ type: 'HEARTBEAT' })).toEqual({ type: 'HEARTBEAT' });
  for (const frame of [offer('bob'), answer('bob'), candidate('bob')]) {
    expect(read(written(frame))).toEqual({ ...frame, payloadText: JSON.stringify(frame.payload) });
    // Members in another order, and a space between them, are as good.
    expect(read({ dst: frame.dst, payload: frame.payload, type: frame.type })).toEqual(frame);
    expect(read(written(frame).replace('{', '{ '))).toEqual(frame);
  }
  expect(read({ type: 'LEAVE', dst: 'bob' })).toEqual({ type: 'LEAVE', dst: 'bob' });
  expect(read({ type: 'LEAVE' })).toEqual({ type: 'LEAVE', dst: undefined });
});

test('text is passed on as it is only when there is nothing in it but one payload', () => {
  const frame = offer('bob');
  const payload = JSON.stringify(frame.payload);
  const hidden = '{"connectionId":7}';
  for (const text of [
    `{"type":"OFFER","payload":${hidden},"payload":${payload},"dst":"bob"}`,
    `{"type":"OFFER","payload":${payload},"src":"eve","dst":"bob"}`,
    `{"type":"OFFER","payload":${payload},"dst":"eve","dst":"bob"}`,
    `{"type":"OFFER","payload":${payload},"dst":"bob","x":"y"}`,
    `{"type":"OFFER","payload":${payload},"dst":"bob"} `,
    `{"type":"ANSWER","type":"OFFER","payload":${payload},"dst":"bob"}`,
  ])
    expect(read(text), text).toEqual({ ...frame, payloadText: undefined });
  // An escaped letter is the letter.
  expect(read(`{"type":"OFFER","payload":${payload},"dst":"b\\u006fb"}`)).toEqual({ ...frame, payloadText: payload });
  for (const text of [
    `{"type":"OFFER","payload":${payload}],"dst":"bob"}`,
    `{"type":"OFFER","payload":,"dst":"bob"}`,
    `{"type":"OFFER","payload":"x,"dst":"bob"}`,
    `{"type":"OFFER,"payload":${payload},"dst":"bob"}`,
    `{"type":"OFFER","dst":"bob"}`,
  ])
    expect(read(text), text).toBeUndefined();
});

test('however a frame is written, it is read as JSON.parse reads it', () => {
  const value = jsonValue();
  const frames = property(value, value, boolean(), (payload, extra, isLast) => {
    const members = [`"type":"LEAVE"`, `"payload":${JSON.stringify(payload)}`, `"dst":"bob"`];
    members.splice(isLast ? 3 : 1, 0, `"payload":${JSON.stringify(extra)}`);
    const text = `{${members.join(',')}}`;
    const frame = read(text);
    if (frame !== undefined) expect(frame).toMatchObject({ payload: (JSON.parse(text) as { payload: unknown }).payload });
  });
  expect(() => assert(frames)).not.toThrow();
});

test('types that only the server may say, or nobody knows, do not pass', () => {
  for (const type of [
    'OPEN',
    'EXPIRE',
    'ERROR',
    'ID-TAKEN',
    'INVALID-KEY',
    'offer',
    '',
    '__proto__',
    'constructor',
    7,
    null,
    ['OFFER'],
    undefined,
  ]) {
    expect(read({ ...offer('bob'), type })).toBeUndefined();
  }
});

test('frames that are no JSON object do not pass', () => {
  for (const text of ['', ' ', '{', 'null', '[]', '7', '"OFFER"', 'true', '{"type":"HEARTBEAT"', '\0', '[{"type":"HEARTBEAT"}]'])
    expect(read(text)).toBeUndefined();
  expect(readSignalFrame(Buffer.from('{"type":"HEARTBEAT"}'), true)).toBeUndefined();
});

test('a destination must be an id', () => {
  for (const dst of [undefined, null, '', 7, {}, ['bob'], '-bob', 'a b', 'bob\n', '<b>', 'a'.repeat(65), 'ü'])
    expect(read({ ...offer('bob'), dst })).toBeUndefined();
  expect(read({ ...offer('bob'), dst: 'a'.repeat(64) })).toBeDefined();
  expect(read({ type: 'LEAVE', dst: 7 })).toBeUndefined();
});

test('a payload must have what the receiving page reads without looking', () => {
  for (const payload of [undefined, null, 7, 'x', [], {}, { connectionId: 7 }, { connectionId: '' }, { connectionId: 'x'.repeat(129) }]) {
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE']) expect(read({ type, dst: 'bob', payload })).toBeUndefined();
  }
});

test('what a client says about its sender is not even read', () => {
  expect(read({ ...offer('bob'), src: 'somebody-else' })).toEqual(offer('bob'));
});

test('an offer must be for a call, or for a data connection with a serializer that PeerJS has', () => {
  const call = { sdp: { type: 'offer', sdp: 'v=0' }, type: 'media', connectionId: 'mc_1' };
  expect(read({ type: 'OFFER', dst: 'bob', payload: call })).toBeDefined();
  for (const type of ['x', undefined, null]) expect(read(offer('bob', { type }))).toBeUndefined();
  for (const serialization of ['constructor', '__proto__', 'none', '', null, 7, undefined])
    expect(read(offer('bob', { serialization }))).toBeUndefined();
  for (const serialization of ['raw', 'json', 'binary', 'binary-utf8', 'default'])
    expect(read(offer('bob', { serialization }))).toBeDefined();
});

test('a payload may be nested some levels and no more', () => {
  expect(read(offer('bob', { metadata: nested(15) }))).toBeDefined();
  expect(read(offer('bob', { metadata: nested(16) }))).toBeUndefined();
  expect(read(`{"type":"OFFER","dst":"bob","payload":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)).toBeUndefined();
  expect(read(`{"type":"LEAVE","dst":"bob","payload":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)).toBeUndefined();
});

test('no bytes and no JSON make it throw', () => {
  const bytes = property(uint8Array({ maxLength: 500 }), boolean(), (data, isBinary) => void readSignalFrame(Buffer.from(data), isBinary));
  expect(() => assert(bytes)).not.toThrow();
  const type = constantFrom('HEARTBEAT', 'OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'OPEN');
  const frames = property(record({ type, dst: jsonValue(), payload: jsonValue() }, { requiredKeys: [] }), (frame) => void read(frame));
  expect(() => assert(frames)).not.toThrow();
});
