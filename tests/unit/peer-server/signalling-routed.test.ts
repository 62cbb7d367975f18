/**
 * Signalling through a router: two brokers whose routers are joined in memory, one step late like a network. What the routers
 * do among themselves is tested with the real ones; here it is what signalling makes of them.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Limits } from '../../../peer-server/limits/limits.ts';
import type {
  DeliverFrame,
  PeerRouter,
  RegisterAnswer,
  RouteAnswer,
  RoutedFrame,
  UnregisterManner,
} from '../../../peer-server/peer-router.ts';
import { answer, candidate, offer, SignalClient } from './signal-client.ts';
import { type SignalServer, startSignalServer } from './signal-server.ts';

interface Owner {
  readonly router: JoinedRouter;
  readonly tokenHash: string;
}

class JoinedRouter implements PeerRouter {
  readonly #owners: Map<string, Owner>;
  readonly left: [string, UnregisterManner][] = [];
  /** While set, nobody is let in. */
  gate: Promise<void> = Promise.resolve();
  #deliver: DeliverFrame = () => false;
  #end: (id: string) => void = () => undefined;

  constructor(owners: Map<string, Owner>) {
    this.#owners = owners;
  }

  async register(id: string, tokenHash: string): Promise<RegisterAnswer> {
    await this.gate;
    const present = this.#owners.get(id);
    if (present !== undefined && present.tokenHash !== tokenHash) return 'taken';
    this.#owners.set(id, { router: this, tokenHash });
    if (present !== undefined && present.router !== this) present.router.#end(id);
    return 'registered';
  }

  unregister(id: string, manner: UnregisterManner): void {
    this.left.push([id, manner]);
    if (this.#owners.get(id)?.router === this) this.#owners.delete(id);
  }

  async route(dst: string, frame: RoutedFrame): Promise<RouteAnswer> {
    await new Promise((done) => setImmediate(done));
    const there = this.#owners.get(dst)?.router;
    if (there === undefined || !there.#deliver(dst, frame)) return 'unknown';
    return there === this ? 'delivered-here' : 'sent';
  }

  onFrame(deliver: DeliverFrame): void {
    this.#deliver = deliver;
  }

  onReplaced(end: (id: string) => void): void {
    this.#end = end;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** As if another broker had sent it. */
  receive(dst: string, frame: RoutedFrame): boolean {
    return this.#deliver(dst, frame);
  }
}

let owners: Map<string, Owner>;
let routers: [JoinedRouter, JoinedRouter];
let servers: [SignalServer, SignalServer];

beforeEach(async () => {
  owners = new Map();
  routers = [new JoinedRouter(owners), new JoinedRouter(owners)];
  servers = [await startSignalServer({ router: routers[0] }), await startSignalServer({ router: routers[1] })];
});
afterEach(() => Promise.all(servers.map((server) => server.close())));

const open = (broker: 0 | 1, id: string, token = `token-of-${id}`) => SignalClient.open(servers[broker].port, { id, token });

test('offers, answers and candidates pass between brokers, in order and with the true sender', async () => {
  const [ada, bob] = await Promise.all([open(0, 'ada'), open(1, 'bob')]);
  ada.send({ ...offer('bob'), src: 'eve' });
  for (let i = 0; i < 20; i++) ada.send({ ...candidate('bob'), payload: { connectionId: `c${i}` } });
  expect(await bob.next()).toEqual({ ...offer('bob'), src: 'ada' });
  for (let i = 0; i < 20; i++)
    expect(await bob.next()).toMatchObject({ type: 'CANDIDATE', src: 'ada', payload: { connectionId: `c${i}` } });
  bob.send(answer('ada'));
  bob.send(candidate('ada'));
  expect(await ada.next()).toEqual({ ...answer('ada'), src: 'bob' });
  expect(await ada.next()).toEqual({ ...candidate('ada'), src: 'bob' });
  expect(servers[0].signalling.counters.relayedFrames).toBe(21);
});

test('an id in use at one broker is refused at the other, and an answer out of turn reaches nobody', async () => {
  await open(0, 'ada');
  const thief = new SignalClient(servers[1].port, { id: 'ada', token: 'other' });
  expect(await thief.next()).toMatchObject({ type: 'ID-TAKEN' });
  await thief.closed();
  const [bob, eve] = await Promise.all([open(1, 'bob'), open(0, 'eve')]);
  eve.send(answer('bob'));
  expect(await eve.next()).toMatchObject({ type: 'EXPIRE', src: 'bob' });
  await bob.settle();
  expect(routers[1].left).toEqual([]);
});

test('who dials nobody is told once for the offer, and not again for each candidate', async () => {
  const ada = await open(0, 'ada');
  ada.send(offer('nobody'));
  for (let i = 0; i < 20; i++) ada.send(candidate('nobody'));
  expect(await ada.next()).toMatchObject({ type: 'EXPIRE', src: 'nobody' });
  await ada.settle();
});

test('an EXPIRE from another broker is told once for each offer, and a frame for nobody here is said to be', async () => {
  const [ada] = await Promise.all([open(0, 'ada'), open(1, 'bob')]);
  ada.send(offer('bob'));
  for (let i = 0; i < 20; i++) expect(routers[0].receive('ada', { type: 'EXPIRE', src: 'bob' })).toBe(true);
  expect(await ada.next()).toMatchObject({ type: 'EXPIRE', src: 'bob' });
  await ada.settle();
  expect(routers[0].receive('bob', { type: 'EXPIRE', src: 'ada' })).toBe(false);
});

test('who waits for an answer is told when the other, at another broker, is gone', async () => {
  const [ada, bob] = await Promise.all([open(0, 'ada'), open(1, 'bob')]);
  ada.send(offer('bob'));
  await bob.next();
  bob.close();
  expect(await ada.next()).toMatchObject({ type: 'EXPIRE', src: 'bob' });
  expect(routers[1].left).toEqual([['bob', 'lost']]);
});

test('a client that comes back at another broker takes its id with it; the old socket ends and gives nothing up', async () => {
  const before = await open(0, 'ada');
  const after = await open(1, 'ada');
  expect(await before.closed()).toBe(1008);
  const bob = await open(0, 'bob');
  bob.send(offer('ada'));
  expect(await after.next()).toMatchObject({ type: 'OFFER', src: 'bob' });
  expect(routers[0].left).toEqual([]);
  expect(servers[0].signalling.peers).toBe(1);
});

test('a goodbye frees the id, a lost connection does not', async () => {
  await (await open(0, 'ada')).leave();
  await vi.waitFor(() => expect(routers[0].left).toEqual([['ada', 'left']]));
  (await open(0, 'bob')).close();
  await vi.waitFor(() => expect(routers[0].left).toContainEqual(['bob', 'lost']));
});

test('a client that is gone before it was let in is unregistered, and one that was offered frames meanwhile loses none', async () => {
  let letIn: () => void = () => undefined;
  routers[0].gate = new Promise((done) => (letIn = done));
  const impatient = new SignalClient(servers[0].port, { id: 'ada' });
  const patient = new SignalClient(servers[0].port, { id: 'cleo' });
  await vi.waitFor(() => expect(impatient.webSocket.readyState + patient.webSocket.readyState).toBe(2));
  const bob = await open(1, 'bob');
  patient.send(offer('bob'));
  impatient.close();
  letIn();
  expect(await patient.next()).toEqual({ type: 'OPEN' });
  expect(await bob.next()).toMatchObject({ type: 'OFFER', src: 'cleo' });
  await vi.waitFor(() => expect(servers[0].signalling.peers).toBe(1));
  await vi.waitFor(() => expect(owners.has('ada')).toBe(false));
});

test('of two who ask for the last place at the same moment one gets it, and the other gives its id back', async () => {
  await servers[0].close();
  servers[0] = await startSignalServer({ router: routers[0], peersMax: 1 });
  let letIn: () => void = () => undefined;
  routers[0].gate = new Promise((done) => (letIn = done));
  const both = ['ada', 'bob'].map((id) => new SignalClient(servers[0].port, { id }));
  await vi.waitFor(() => expect(both.every(({ webSocket }) => webSocket.readyState === webSocket.OPEN)).toBe(true));
  letIn();
  const greetings = await Promise.all(both.map((client) => client.next()));
  expect(greetings.map(({ type }) => type).toSorted()).toEqual(['ERROR', 'OPEN']);
  await vi.waitFor(() => expect(owners.size).toBe(1));
});

test('while the brokers do not pass frames on, a client is read no further, and nothing is lost', async () => {
  const [ada, bob] = await Promise.all([open(0, 'ada'), open(1, 'bob')]);
  ada.send(offer('bob'));
  await bob.next();
  for (let i = 0; i < 2000; i++) ada.send({ ...candidate('bob'), payload: { connectionId: `c${i}` } });
  for (let i = 0; i < 2000; i++) expect(await bob.next()).toMatchObject({ payload: { connectionId: `c${i}` } });
});

test('an address over its budget slows its clients down, together', async () => {
  await servers[0].close();
  const limits = new Limits({ nowMs: () => performance.now(), rules: { addressFrames: { burst: 30, perSecond: 300 } } });
  servers[0] = await startSignalServer({ router: routers[0], limits });
  const [ada, bob] = await Promise.all([open(0, 'ada'), open(0, 'bob')]);
  ada.send(offer('bob'));
  for (let i = 0; i < 100; i++) ada.send(candidate('bob'));
  for (let i = 0; i < 101; i++) await bob.next();
  expect(limits.counters.overdrawnFrames).toBeGreaterThan(0);
});
