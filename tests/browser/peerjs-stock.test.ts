/**
 * PeerJS as it is, in real pages that are hosted elsewhere, through our broker: data and media connections, ids that the
 * broker gives, and what a client is told of peers that are gone.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { DataConnection, MediaConnection, Peer } from 'peerjs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';

/** A camera and a microphone that are not there, and nobody to be asked. */
const FAKE_DEVICES = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const PEERJS = resolve(import.meta.dirname, '../../node_modules/peerjs/dist/peerjs.min.js');
const PAGE = '<!doctype html><title>stock</title><script src="/peerjs.js"></script>';

/** What a page keeps on its window between two evaluations. */
interface PageGlobals {
  readonly Peer: typeof Peer;
  peer: Peer;
  connection: DataConnection;
  call: MediaConnection;
  readonly log: string[];
  readonly received: unknown[];
}

let pages: Server;
let origin: string;
let broker: RunningServer;
let browser: Browser;
let ada: Page;
let bob: Page;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  const peerJs = readFileSync(PEERJS);
  pages = createServer((request, response) => {
    const isScript = request.url === '/peerjs.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? peerJs : PAGE);
  });
  await new Promise<void>((done) => pages.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  browser = await chromium.launch({ executablePath: inject('chromiumPath'), args: [...CHROMIUM_FLAGS, ...FAKE_DEVICES] });
  const open = async () => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  };
  openPage = open;
});
let openPage: () => Promise<Page>;

// A page that is closed may end without a word, and then its id is kept for it: every test has a broker of its own.
beforeEach(async () => {
  broker = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], allowedOrigins: [origin] });
  [ada, bob] = await Promise.all([openPage(), openPage()]);
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  await broker.close();
});
afterAll(async () => {
  await browser.close();
  pages.close();
});

/** `new Peer()` as the manual shows it; resolves to the id once it is open. */
function startPeer(page: Page, id?: string): Promise<string> {
  return page.evaluate(
    ({ id, port }) =>
      new Promise<string>((resolve, reject) => {
        const globals = window as unknown as PageGlobals & { log: string[]; received: unknown[] };
        const options = { host: '127.0.0.1', port, path: '/', config: { iceServers: [] } };
        globals.log = [];
        globals.received = [];
        const peer = id === undefined ? new globals.Peer(options) : new globals.Peer(id, options);
        globals.peer = peer;
        peer.on('open', resolve);
        peer.on('error', (error) => {
          globals.log.push(error.type);
          reject(error);
        });
        peer.on('connection', (connection) => {
          globals.connection = connection;
          connection.on('data', (data) => {
            globals.received.push(data);
            void connection.send({ echo: data });
          });
          connection.on('close', () => globals.log.push('closed'));
        });
        peer.on('call', (call) => {
          globals.call = call;
          void navigator.mediaDevices.getUserMedia({ video: true, audio: true }).then((stream) => call.answer(stream));
        });
      }),
    { id, port: broker.port },
  );
}

async function connectTo(page: Page, remoteId: string): Promise<void> {
  await page.evaluate(
    (remoteId) =>
      new Promise<void>((resolve) => {
        const globals = window as unknown as PageGlobals;
        const connection = globals.peer.connect(remoteId, { reliable: true });
        globals.connection = connection;
        connection.on('open', () => resolve());
        connection.on('data', (data) => globals.received.push(data));
        connection.on('close', () => globals.log.push('closed'));
      }),
    remoteId,
  );
}

async function exchange(from: Page, text: string): Promise<void> {
  await from.evaluate((text) => void (window as unknown as PageGlobals).connection.send(text), text);
  await from.waitForFunction(
    (text) => (window as unknown as PageGlobals).received.some((data) => (data as { readonly echo?: unknown }).echo === text),
    text,
  );
}

const logOf = (page: Page): Promise<readonly string[]> => page.evaluate(() => (window as unknown as PageGlobals).log);

test('two clients without ids of their own get one each, connect, and talk', async () => {
  const [adasId, bobsId] = await Promise.all([startPeer(ada), startPeer(bob)]);
  expect(adasId).not.toBe(bobsId);
  await connectTo(ada, bobsId);
  await exchange(ada, 'hello');
  await bob.evaluate(() => (window as unknown as PageGlobals).connection.close());
  await ada.waitForFunction(() => (window as unknown as PageGlobals).log.includes('closed'));
});

test('a call with picture and sound arrives on both sides', async () => {
  const [, bobsId] = await Promise.all([startPeer(ada, 'ada'), startPeer(bob, 'bob')]);
  await ada.evaluate(async (remoteId) => {
    const globals = window as unknown as PageGlobals;
    const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    globals.call = globals.peer.call(remoteId, stream);
  }, bobsId);
  for (const page of [ada, bob]) {
    await page.waitForFunction(async () => {
      const { call } = window as unknown as PageGlobals;
      const reports = [...((await (call?.peerConnection as RTCPeerConnection | undefined)?.getStats()) ?? new Map()).values()] as {
        readonly type: string;
        readonly kind?: string;
        readonly framesDecoded?: number;
        readonly totalSamplesReceived?: number;
      }[];
      const inbound = reports.filter(({ type }) => type === 'inbound-rtp');
      const hasPicture = inbound.some(({ kind, framesDecoded = 0 }) => kind === 'video' && framesDecoded > 0);
      return hasPicture && inbound.some(({ kind, totalSamplesReceived = 0 }) => kind === 'audio' && totalSamplesReceived > 0);
    });
  }
});

test("a client that dials nobody hears 'peer-unavailable' at once", async () => {
  await startPeer(ada, 'ada');
  await ada.evaluate(() => void (window as unknown as PageGlobals).peer.connect('nobody'));
  await ada.waitForFunction(() => (window as unknown as PageGlobals).log.includes('peer-unavailable'));
});

test("an id in use is refused as 'unavailable-id'", async () => {
  await startPeer(ada, 'ada');
  await expect(startPeer(bob, 'ada')).rejects.toThrow(/taken/);
  expect(await logOf(bob)).toEqual(['unavailable-id']);
});

test('a page that is reloaded gets the id that it had, though its token is another', async () => {
  await startPeer(ada, 'ada');
  await ada.reload();
  expect(await startPeer(ada, 'ada')).toBe('ada');
});

test('connections live on without the broker, a late candidate does not end them, and a client that reconnects is open again', async () => {
  await Promise.all([startPeer(ada, 'ada'), startPeer(bob, 'bob')]);
  await connectTo(ada, 'bob');
  await exchange(ada, 'before');
  await bob.evaluate(() => (window as unknown as PageGlobals).peer.disconnect());
  await expect.poll(() => brokerPeers()).toBe(1);
  // As the browser sends one when it finds another network.
  await ada.evaluate(() => {
    const { peer, connection } = window as unknown as PageGlobals;
    const payload = { candidate: { candidate: '' }, type: 'data', connectionId: connection.connectionId };
    peer.socket.send({ type: 'CANDIDATE', dst: 'bob', payload });
  });
  await ada.waitForFunction(() => (window as unknown as PageGlobals).log.includes('peer-unavailable'));
  await exchange(ada, 'after');
  await bob.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const { peer } = window as unknown as PageGlobals;
        peer.once('open', () => resolve());
        peer.reconnect();
      }),
  );
  await connectTo(ada, 'bob');
  await exchange(ada, 'again');
});

async function brokerPeers(): Promise<number> {
  return ((await (await fetch(`${broker.url}/healthz`)).json()) as { readonly peers: number }).peers;
}
