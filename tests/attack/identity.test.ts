/** Being somebody else: ghosts, stolen ids, forged senders, and what can be learnt from the server's own words. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { answer, candidate, offer, SignalClient } from '../unit/peer-server/signal-client.ts';
import { ATTACKER, OurBuild, startStock, type Target, VICTIM, whileHonestPlay } from './targets.ts';

const BUILD_TIMEOUT_MS = 60_000;
/** For what the stock server does five seconds late. */
const PATIENCE = { timeout: 20_000, interval: 20 };
let build: OurBuild;
let ours: Target;
let stock: Target | undefined;

beforeAll(async () => {
  build = new OurBuild();
  ours = await build.start();
}, BUILD_TIMEOUT_MS);
afterEach(async () => {
  await stock?.kill();
  stock = undefined;
});
afterAll(async () => {
  await ours.kill();
  build.remove();
});

const open = ({ port }: Target, id: string, token: string, from = VICTIM) => SignalClient.open(port, { id, token, from });

/** The type of the first frame that someone is greeted with who asks for this id. */
async function greeting({ port }: Target, id: string, token: string): Promise<string> {
  const client = new SignalClient(port, { id, token, from: ATTACKER });
  const { type } = await client.next();
  if (type !== 'OPEN') await client.closed();
  else await client.leave();
  return type;
}

test('a forged sender is corrected by both', async () => {
  stock = await startStock();
  for (const target of [stock, ours]) {
    const bob = await open(target, 'bob', 'bobs');
    const mallory = await open(target, 'mallory', 'mallorys', ATTACKER);
    mallory.send({ ...offer('bob'), src: 'ada' });
    mallory.sendRaw(JSON.stringify({ ...offer('bob'), src: 'ada' }).replace('"src"', '"__proto__":{"src":"ada"},"src"'));
    for (let i = 0; i < 2; i++) expect(await bob.next()).toMatchObject({ type: 'OFFER', src: 'mallory' });
    await Promise.all([bob.leave(), mallory.leave()]);
  }
});

test('LEAVE makes a ghost on the stock server, that goes on speaking in the name of whoever has the id next; on ours it ends the socket', async () => {
  stock = await startStock();
  const ghost = await open(stock, 'ada', 'ghosts', ATTACKER);
  ghost.send({ type: 'LEAVE' });
  ghost.webSocket.ping();
  await once(ghost.webSocket, 'pong');
  await open(stock, 'ada', 'adas');
  const bob = await open(stock, 'bob', 'bobs');
  ghost.send(offer('bob', { metadata: 'from the ghost' }));
  expect(await bob.next()).toMatchObject({ type: 'OFFER', src: 'ada', payload: { metadata: 'from the ghost' } });

  await whileHonestPlay(ours, async () => {
    const again = await open(ours, 'ada', 'ghosts', ATTACKER);
    const bob = await open(ours, 'bob', 'bobs');
    again.send({ type: 'LEAVE' });
    again.send(offer('bob'));
    await again.closed();
    const ada = await open(ours, 'ada', 'adas');
    await bob.settle();
    await Promise.all([ada.leave(), bob.leave()]);
  });
});

test('an id in use is refused to others by both', async () => {
  stock = await startStock();
  for (const target of [stock, ours]) {
    const ada = await open(target, 'ada', 'adas');
    for (const token of ['other', 'ada', 'adas.', 'ADAS', 'a']) expect(await greeting(target, 'ada', token)).toBe('ID-TAKEN');
    await ada.leave();
  }
});

test('a host whose connection broke loses its id to whoever is faster on the stock server; on ours it is kept for its token', async () => {
  stock = await startStock();
  (await open(stock, 'host', 'hosts')).close();
  let thief: SignalClient | undefined;
  await vi.waitFor(async () => (thief = await open(stock!, 'host', 'thiefs', ATTACKER)), PATIENCE);
  const guest = await open(stock, 'guest', 'guests');
  guest.send(offer('host'));
  expect(await thief!.next()).toMatchObject({ type: 'OFFER', src: 'guest' });
  expect(await greeting(stock, 'host', 'hosts')).toBe('ID-TAKEN');

  await whileHonestPlay(ours, async () => {
    (await open(ours, 'host', 'hosts')).close();
    for (let i = 0; i < 50; i++) expect(await greeting(ours, 'host', `thiefs-${i}`)).toBe('ID-TAKEN');
    const host = await open(ours, 'host', 'hosts');
    const guest = await open(ours, 'guest', 'guests');
    guest.send(offer('host'));
    expect(await host.next()).toMatchObject({ type: 'OFFER', src: 'guest' });
    await Promise.all([host.leave(), guest.leave()]);
  });
});

test('a client that comes back is not greeted by the stock server and its old socket goes on; ours greets it and ends the old one', async () => {
  stock = await startStock();
  const [before, after] = [await open(stock, 'ada', 'adas'), new SignalClient(stock.port, { id: 'ada', token: 'adas', from: VICTIM })];
  await once(after.webSocket, 'open');
  const bob = await open(stock, 'bob', 'bobs');
  before.send(offer('bob'));
  expect(await bob.next()).toMatchObject({ src: 'ada' });
  bob.send(offer('ada'));
  // The first thing it ever hears is no OPEN, without which PeerJS never says that it is open.
  expect(await after.next()).toMatchObject({ type: 'OFFER' });

  const old = await open(ours, 'ada', 'adas');
  const renewed = await open(ours, 'ada', 'adas');
  await old.closed();
  await renewed.leave();
});

test('who dials somebody who has left waits five seconds on the stock server, and is told at once by ours', async () => {
  stock = await startStock();
  const ada = await open(stock, 'ada', 'adas');
  ada.send(offer('nobody'));
  const again = await open(ours, 'ada', 'adas');
  again.send(offer('nobody'));
  const first = await Promise.race([ada.next().then(() => 'stock'), again.next().then(() => 'ours')]);
  expect(first).toBe('ours');
  await again.leave();
});

test('whoever is waiting for an answer when the other vanishes is never told by the stock server, and at once by ours', async () => {
  for (const target of [(stock = await startStock()), ours]) {
    const [ada, bob] = [await open(target, 'ada', 'adas'), await open(target, 'bob', 'bobs')];
    ada.send(offer('bob'));
    await bob.next();
    await bob.leave();
    if (target === ours) expect(await ada.next()).toMatchObject({ type: 'EXPIRE', src: 'bob' });
    // Its next frame is the one it asked for itself, five seconds late.
    else {
      ada.send(offer('nobody'));
      expect(await ada.next()).toMatchObject({ type: 'EXPIRE', src: 'nobody' });
    }
    await ada.leave();
  }
});

test('the ids of others cannot be asked for', async () => {
  for (const path of ['/peerjs/peers', '/x/peers', '/peers'])
    expect((await fetch(`http://127.0.0.1:${ours.port}${path}`)).status).toBe(404);
});

test('the stock server prints what it was sent when it falls; ours prints nothing that a client sent, whatever happens', async () => {
  const secret = 'x9-secret-sdp';
  stock = await startStock();
  const exited = once(stock.child, 'close');
  (await open(stock, 'ada', 'adas')).sendRaw(`${secret}{"type":`);
  await exited;
  expect(stock.output).toContain(secret.slice(0, 9));

  const url = `http://127.0.0.1:${ours.port}`;
  const spoken = { id: 'peer-9d41', token: 'token-77ab', address: ATTACKER, sdp: secret, gameId: 'game-51ce' };
  const mallory = await open(ours, spoken.id, spoken.token, ATTACKER);
  mallory.sendRaw(`${secret}{"type":`);
  mallory.send(offer('peer-other', { metadata: secret }));
  await mallory.next();
  expect(await greeting(ours, spoken.id, 'token-other')).toBe('ID-TAKEN');
  const foreign = new SignalClient(ours.port, { id: spoken.id, token: spoken.token, origin: 'https://evil-4c1f.example' });
  await foreign.closed();
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ peerId: spoken.id, gameId: spoken.gameId });
  const created = (await (await fetch(`${url}/api/lobbies`, { method: 'POST', headers: json, body })).json()) as {
    code: string;
    ownerToken: string;
  };
  expect(created.code).toHaveLength(6);
  const { code, ownerToken } = created;
  await fetch(`${url}/api/lobbies/${code}/heartbeat`, { method: 'POST', headers: { authorization: `Bearer ${ownerToken}` } });
  await fetch(`${url}/api/lobbies/${code}/heartbeat`, { method: 'POST', headers: { authorization: `Bearer wrong-${ownerToken}` } });
  await fetch(`${url}/api/lobbies/${code}`, { method: 'PUT', headers: { ...json, authorization: `Bearer ${ownerToken}` }, body: '{' });
  await fetch(`${url}/api/${ownerToken}/%E0%A4%A?token=${ownerToken}`);
  await fetch(`${url}/api/lobbies/${code}`, { method: 'DELETE', headers: { authorization: `Bearer ${ownerToken}` } });
  await mallory.leave();
  for (const word of [...Object.values(spoken), code, ownerToken, 'evil-4c1f', 'token-other', '127.0.0.1'])
    expect(ours.output).not.toContain(word);
});

test('answers and candidates go to nobody but those who are concerned, for honest clients too', async () => {
  await whileHonestPlay(ours, async () => {
    const [ada, bob, eve] = await Promise.all([open(ours, 'ada', 'adas'), open(ours, 'bob', 'bobs'), open(ours, 'eve', 'eves', ATTACKER)]);
    ada.send(offer('bob'));
    await bob.next();
    // Answering in bob's place needs bob's id, or an offer of one's own.
    eve.send(answer('ada'));
    eve.send(candidate('ada'));
    eve.send(candidate('bob'));
    for (const src of ['ada', 'bob']) expect(await eve.next()).toMatchObject({ type: 'EXPIRE', src });
    bob.send(answer('ada'));
    expect(await ada.next()).toMatchObject({ type: 'ANSWER', src: 'bob' });
    await Promise.all([ada.settle(), bob.settle()]);
    await Promise.all([ada.leave(), bob.leave(), eve.leave()]);
  });
});
