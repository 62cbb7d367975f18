/**
 * What strangers and players with bad intent can do to the relay: each attack runs while an honest pair beside it plays through the same
 * broker, whose frames must all arrive, in order. The stock server has no relay, so there is nothing to compare with.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { RELAY_CONTROL, RELAY_PEER_GONE, RELAY_REFUSED, RELAY_STATE, RELAY_VIOLATION } from '../../netcode/wire/relay.ts';
import {
  controlNumbers,
  guestHello,
  hostHello,
  newPair,
  numbered,
  type OpenLobby,
  openLobby,
  type OpenPair,
  paired,
  RelayClient,
  stateNumbers,
} from '../harness/relay-client.ts';
import { ask, ATTACKER, ended, OurBuild, type Target, VICTIM } from './targets.ts';

const BUILD_TIMEOUT_MS = 60_000;
const PATIENCE = { timeout: 25_000, interval: 20 };
const METRICS_TOKEN = 'a-token-for-this-test';
/** The honest pair's rate: 60 states a second each way, and a control message with every sixth. */
const HONEST_PAUSE_MS = 16;
let build: OurBuild;
let ours: Target;
let lobby: OpenLobby;
const clients: RelayClient[] = [];

beforeAll(async () => {
  build = new OurBuild();
  ours = await build.start({ METRICS_TOKEN });
  lobby = await openLobby(ours.port);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  for (const client of clients) client.close();
  await ours.kill();
  build.remove();
});

async function metric(name: string): Promise<number> {
  const { body } = await ask(ours, VICTIM, '/metrics', { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  const line = body.split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length));
}

function mallory(options: ConstructorParameters<typeof RelayClient>[1] = { from: ATTACKER }): RelayClient {
  const client = new RelayClient(ours.port, options);
  clients.push(client);
  return client;
}

async function evilPair(options: Parameters<typeof paired>[1] = {}): Promise<OpenPair> {
  const pair = await paired(ours.port, { lobby, guest: { from: ATTACKER }, host: { from: ATTACKER }, ...options });
  clients.push(pair.guest, pair.host);
  return pair;
}

/** Runs an attack while an honest pair plays; fails unless all it sent arrives, state included, in order. */
async function besideHonestPair(attack: () => Promise<void>): Promise<void> {
  const { guest, host } = await paired(ours.port, { guest: { from: VICTIM }, host: { from: '127.0.0.8' } });
  let sent = 0;
  const playing = setInterval(() => {
    sent++;
    for (const end of [guest, host]) {
      end.send(RELAY_STATE, numbered(sent, 400));
      if (sent % 6 === 0) end.send(RELAY_CONTROL, numbered(sent, 40));
    }
  }, HONEST_PAUSE_MS);
  try {
    await attack();
    const until = sent + 20;
    await vi.waitFor(() => expect(sent).toBeGreaterThan(until), PATIENCE);
  } finally {
    clearInterval(playing);
  }
  for (const end of [guest, host]) {
    // Control and state take turns: the last of either may be the very last.
    const controls = Array.from({ length: Math.floor(sent / 6) }, (_, i) => 6 * (i + 1));
    const isWhole = (): boolean => stateNumbers(end.frames).at(-1) === sent && controlNumbers(end.frames).at(-1) === controls.at(-1);
    await end.until(() => end.closeCode !== undefined || isWhole());
    expect(end.closeCode).toBeUndefined();
    expect(controlNumbers(end.frames)).toEqual(controls);
    // A busy machine may hold it up for a moment, and then a newer one takes its place.
    expect(stateNumbers(end.frames).length).toBeGreaterThan(0.8 * sent);
    end.close();
  }
  expect(ours.isAlive, ours.output).toBe(true);
}

test('sockets that say nothing, thousands from one address: 128 are heard, all end within seconds, and others get in', async () => {
  await besideHonestPair(async () => {
    const mute = Array.from({ length: 2_000 }, () => mallory());
    const isIn = await Promise.all(
      mute.map((client) =>
        client.opened().then(
          () => true,
          () => false,
        ),
      ),
    );
    // Of those that get a WebSocket, in bursts of 300, those beyond 128 are refused over it.
    expect(isIn.filter(Boolean).length).toBeLessThanOrEqual(300 + 5 * 25);
    const reasons = await Promise.all(
      mute
        .filter((_, i) => isIn[i])
        .map(async (client) => client.answer().then((answer) => (answer.type === 'refused' ? answer.reason : ''))),
    );
    expect(reasons.filter((reason) => reason === 'bad-request').length).toBeLessThanOrEqual(128);
    expect(mute.some(({ refusedWith }) => refusedWith === 429)).toBe(true);
    await Promise.all(mute.map((client) => client.closed()));
  });
});

test('hellos of garbage are refused, each', async () => {
  const seed = 20_261_121;
  const rng = new Sfc32(seed);
  const good = JSON.stringify(hostHello(lobby, newPair()));
  await besideHonestPair(async () => {
    for (let i = 0; i < 60; i++) {
      const client = await mallory({ from: '127.0.0.101' }).opened();
      const bytes = Uint8Array.from({ length: 1 + rng.below(200) }, () => rng.below(256));
      client.webSocket.send(rng.below(2) === 0 ? bytes : good.slice(0, rng.below(good.length)));
      expect(await client.answer(), `seed ${seed}`).toMatchObject({ type: 'refused', reason: 'bad-request' });
      expect(await client.closed()).toBe(RELAY_REFUSED);
    }
  });
});

/** Speaks WebSocket by hand up to the upgrade, then sends these bytes. Resolves when the server has ended the connection. */
async function sendRaw(bytes: Uint8Array): Promise<void> {
  const socket: Socket = connect({ port: ours.port, host: '127.0.0.1', localAddress: '127.0.0.102' });
  socket.on('error', () => undefined);
  socket.write('GET /relay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
  await once(socket, 'data');
  socket.resume();
  socket.write(bytes);
  await ended(socket);
}

test('broken WebSocket frames and frames that are too large end their own socket', async () => {
  await besideHonestPair(async () => {
    for (const bytes of [
      Uint8Array.of(0xf1, 0x83, 0, 0, 0, 0, 1, 2, 3),
      Uint8Array.of(0x81, 1, 65),
      Uint8Array.of(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0),
      Uint8Array.of(0x82, 0xfe, 0x40, 0x20, 0, 0, 0, 0),
    ])
      await sendRaw(bytes);
    const { guest, host } = await evilPair();
    guest.webSocket.send(new Uint8Array(20_000));
    expect([1006, 1009]).toContain(await guest.closed());
    expect(await host.closed()).toBe(RELAY_PEER_GONE);
  });
});

test('a flood of state: the receiver gets what is allowed, and the flooder is read no faster than that', async () => {
  await besideHonestPair(async () => {
    const { guest, host } = await evilPair();
    const startedAtMs = performance.now();
    for (let i = 0; i < 50_000; i++) guest.send(RELAY_STATE, numbered(i, 1_000));
    await vi.waitFor(
      async () => expect(await metric('volley_relay_frames_total{kind="state",outcome="limited"}')).toBeGreaterThan(100),
      PATIENCE,
    );
    const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
    // 128 KB at once and 128 KB a second.
    expect(host.received).toBeLessThan(132 * (1 + elapsedSeconds) + 10);
    // Most of the 50 MB waits at the flooder's end.
    expect(guest.webSocket.bufferedAmount).toBeGreaterThan(30_000_000);
    for (const end of [guest, host]) end.close();
  });
});

test('a flood of control, credits and pings waits at the flooder’s end', async () => {
  await besideHonestPair(async () => {
    const [control, credits, pings] = [await evilPair(), await evilPair(), await evilPair()];
    const startedAtMs = performance.now();
    for (let i = 0; i < 2_000; i++) control.guest.send(RELAY_CONTROL, numbered(i, 16_000));
    for (let i = 0; i < 20_000; i++) credits.guest.acknowledge(0);
    for (let i = 0; i < 20_000; i++) pings.guest.webSocket.ping(new Uint8Array(100), true, () => undefined);
    await control.host.arrived(18);
    await new Promise((done) => setTimeout(done, 500));
    const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
    // 256 KB at once, what had been read when it was too much, and 64 KB a second.
    expect(control.host.received).toBeLessThanOrEqual((262_144 + 2 * 65_536 + 65_536 * elapsedSeconds) / 16_000);
    expect(controlNumbers(control.host.frames)).toEqual(Array.from({ length: control.host.received }, (_, i) => i));
    expect(control.guest.webSocket.bufferedAmount).toBeGreaterThan(10_000_000);
    for (const { guest, host } of [control, credits, pings]) for (const end of [guest, host]) end.close();
  });
});

test('credits for frames that were never sent, and other frames that are none, end the socket', async () => {
  await besideHonestPair(async () => {
    const { guest, host } = await evilPair();
    for (let i = 0; i < 17; i++) guest.acknowledge(1_000_000 + i);
    expect(await guest.closed()).toBe(RELAY_VIOLATION);
    expect(await host.closed()).toBe(RELAY_PEER_GONE);
  });
});

test('100 MB to an end that reads nothing cost no memory', async () => {
  await besideHonestPair(async () => {
    const beforeBytes = await metric('process_resident_memory_bytes');
    const { guest, host } = await evilPair();
    host.webSocket.pause();
    for (let i = 0; i < 90_000; i++) guest.send(RELAY_STATE, numbered(i, 1_100));
    // It is dropped for acknowledging nothing.
    expect(await guest.closed()).toBe(RELAY_PEER_GONE);
    expect(await metric('process_resident_memory_bytes')).toBeLessThan(beforeBytes + 40_000_000);
    host.close();
  });
});

test('nobody takes a host’s place without its token, nor a guest’s that is taken', async () => {
  await besideHonestPair(async () => {
    const own = await openLobby(ours.port);
    const pair = newPair();
    const guest = mallory({ from: '127.0.0.103' });
    await guest.hello(guestHello(lobby, pair));
    for (const ownerToken of [own.ownerToken, 'x'.repeat(43), '0'.repeat(16)]) {
      const client = await mallory().hello(hostHello({ code: lobby.code, ownerToken }, pair));
      expect(await client.answer()).toMatchObject({ type: 'refused', reason: 'not-owner' });
    }
    const thief = await mallory().hello(guestHello(lobby, pair));
    expect(await thief.answer()).toMatchObject({ type: 'refused', reason: 'busy' });
    const host = await mallory({ from: '127.0.0.103' }).hello(hostHello(lobby, pair));
    expect([await guest.answer(), await host.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
    const late = await mallory().hello(guestHello(lobby, pair));
    expect(await late.answer()).toMatchObject({ type: 'refused', reason: 'busy' });
    host.send(RELAY_CONTROL, numbered(1));
    expect(controlNumbers(await guest.arrived(1))).toEqual([1]);
  });
});

test('pages of other sites get no socket', async () => {
  const page = mallory({ origin: 'https://evil.example', from: '127.0.0.104' });
  await page.closed();
  expect(page.refusedWith).toBe(403);
});

test('codes cannot be tried here: after sixty wrong ones an address is answered nothing, by the API neither', async () => {
  const from = '127.0.0.105';
  const codes = Array.from({ length: 80 }, (_, i) => `K7QX${'23456789ACDEFGHJK'[i % 17]!}${'23456789'[Math.floor(i / 17)]!}`);
  await besideHonestPair(async () => {
    const reasons: string[] = [];
    for (const code of codes) {
      const client = await mallory({ from }).hello(guestHello({ code, ownerToken: '' }, newPair()));
      const answer = await client.answer();
      if (answer.type === 'refused') reasons.push(answer.reason);
    }
    expect(reasons.filter((reason) => reason === 'unknown-code')).toHaveLength(61);
    expect(reasons.filter((reason) => reason === 'too-many')).toHaveLength(19);
    expect((await ask(ours, from, `/api/lobbies/${lobby.code}`)).status).toBe(429);
  });
});

test('after all of it ours is the same process, has said nothing but that it is ready, and every place is free again', async () => {
  for (const client of clients) client.close();
  expect(ours.isAlive).toBe(true);
  expect(ours.output.trim().split('\n')).toHaveLength(1);
  await vi.waitFor(async () => expect(await metric('volley_relay_pairs')).toBe(0), PATIENCE);
  const { guest, host } = await evilPair({ guest: { from: '127.0.0.106' }, host: { from: '127.0.0.106' } });
  guest.send(RELAY_CONTROL, numbered(1));
  expect(controlNumbers(await host.arrived(1))).toEqual([1]);
});
