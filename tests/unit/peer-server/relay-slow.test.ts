/**
 * A receiver whose connection carries a sixth of what it is sent, over real sockets with real buffers: what arrives is the newest state, and
 * control whole and in order. How far behind it is, is told in frames and not in time.
 */
import { afterEach, expect, test } from 'vitest';
import { RELAY_CONTROL, RELAY_STATE } from '../../../netcode/wire/relay.ts';
import { type RunningServer, startServer } from '../../../peer-server/server.ts';
import { NarrowPath } from '../../harness/narrow-path.ts';
import { controlNumbers, numbered, type OpenPair, paired, stateNumbers } from '../../harness/relay-client.ts';

const STATE_EVERY_MS = 1000 / 60;
const STATES = 300;
const BYTES_PER_SECOND = 10_000;
/** A second's worth. All 300 would be behind each other for half a minute. */
const BEHIND_MAX = 60;

let server: RunningServer | undefined;
let path: NarrowPath | undefined;
let pair: OpenPair | undefined;
afterEach(async () => {
  for (const end of [pair?.guest, pair?.host]) end?.close();
  await path?.close();
  await server?.close();
});

test('a slow receiver gets the newest state, and control whole and in order', async () => {
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [] });
  path = await NarrowPath.open(server.port, BYTES_PER_SECOND);
  pair = await paired(server.port, { hostPort: path.port });
  const { guest, host } = pair;
  let sent = 0;
  let controlSent = 0;
  let behindMax = 0;
  host.webSocket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary && data[0] === RELAY_STATE) behindMax = Math.max(behindMax, sent - data.readUInt32BE(1));
  });
  await new Promise<void>((done) => {
    const sending = setInterval(() => {
      guest.send(RELAY_STATE, numbered(++sent, 1_000));
      if (sent % 10 === 0) guest.send(RELAY_CONTROL, numbered(++controlSent, 100));
      if (sent < STATES) return;
      clearInterval(sending);
      done();
    }, STATE_EVERY_MS);
  });
  await host.until(() => controlNumbers(host.frames).length === controlSent && stateNumbers(host.frames).at(-1) === STATES);
  const states = stateNumbers(host.frames);
  expect(controlNumbers(host.frames)).toEqual(Array.from({ length: controlSent }, (_, i) => i + 1));
  expect(states).toEqual(states.toSorted((a, b) => a - b));
  expect(behindMax).toBeLessThan(BEHIND_MAX);
  // The path is not left idle either: it carries some 50 in that time.
  expect(states.length).toBeGreaterThan(20);
  console.log(`slow receiver: ${states.length} of ${STATES} states, at most ${behindMax} behind`);
});
