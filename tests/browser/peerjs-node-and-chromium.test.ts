/** The PeerJS transport between a real page and a Node process: two implementations of WebRTC that must agree on every detail. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import type { PeerId } from '../../netcode/core/ids.ts';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import type { createPeerTransport, PeerTransport } from '../../netcode/transport/peerjs.ts';
import type { Link } from '../../netcode/transport/transport.ts';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';

const PATIENCE = { timeout: 30_000, interval: 5 };

/** What the page keeps on its window between two evaluations. */
interface PageGlobals {
  readonly createPeerTransport: typeof createPeerTransport;
  transport: PeerTransport;
  link: Link | undefined;
}

const PAGE = `<!doctype html><title>peer</title><script type="module">
  import { createPeerTransport } from '/netcode/transport/peerjs.ts';
  window.createPeerTransport = createPeerTransport;
</script>`;

let vite: ViteDevServer;
let browser: Browser;
let page: Page;
let node: PeerTransport;

beforeAll(async () => {
  vite = await createServer({
    configFile: false,
    root: resolve(import.meta.dirname, '../..'),
    logLevel: 'error',
    cacheDir: join(tmpdir(), 'volley-mixed-vite'),
    plugins: [
      {
        name: 'peer-page',
        configureServer: (server) =>
          void server.middlewares.use('/peer-page', (_request, response) => {
            response.setHeader('content-type', 'text/html');
            response.end(PAGE);
          }),
      },
    ],
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
    optimizeDeps: { include: ['peerjs'], noDiscovery: true },
  });
  await vite.listen();
  browser = await chromium.launch({ executablePath: inject('chromiumPath'), args: [...CHROMIUM_FLAGS] });
});
beforeEach(async () => {
  page = await browser.newPage();
  await page.goto(`${vite.resolvedUrls?.local[0] ?? ''}peer-page`);
  node = await createNodePeerTransport({ brokerUrl: inject('brokerUrl'), iceServers: [], clock: { nowMs: () => performance.now() } });
});
afterEach(async () => {
  node.close();
  await page.close();
});
afterAll(async () => {
  await browser.close();
  await vite.close();
  shutdownNodePeerTransports();
});

/** Opens the page's transport and returns its id. */
async function openInPage(): Promise<PeerId> {
  await page.waitForFunction(() => 'createPeerTransport' in window);
  const id = await page.evaluate(async (brokerUrl) => {
    const globals = window as unknown as PageGlobals;
    globals.transport = await globals.createPeerTransport({ brokerUrl, iceServers: [], clock: { nowMs: () => performance.now() } });
    return globals.transport.localId;
  }, inject('brokerUrl'));
  return id;
}

async function acceptedInNode(): Promise<Link> {
  return vi.waitFor(() => {
    const link = node.accept();
    if (link === undefined) throw new Error('no link yet');
    return link;
  }, PATIENCE);
}

/** Control and state, one message of each the given way. */
async function exchange(link: Link): Promise<void> {
  link.sendControl(Uint8Array.of(1, 2, 3));
  const reply = page.evaluate(async () => {
    const { link } = window as unknown as PageGlobals;
    const pause = () => new Promise((done) => setTimeout(done, 5));
    let control = link?.receiveControl();
    for (; control === undefined; control = link?.receiveControl()) await pause();
    link?.sendControl(Uint8Array.of(...control.bytes, 4));
    let state = link?.receiveState();
    for (; state === undefined; state = link?.receiveState()) await pause();
    for (let i = 0; i < 20; i++) link?.sendState(Uint8Array.of(...state.bytes, 6));
    return [[...control.bytes], [...state.bytes]];
  });
  await vi.waitFor(() => {
    link.sendState(Uint8Array.of(5));
    expect(link.receiveState()?.bytes).toEqual(Uint8Array.of(5, 6));
  }, PATIENCE);
  expect(await reply).toEqual([[1, 2, 3], [5]]);
  expect(link.receiveControl()?.bytes).toEqual(Uint8Array.of(1, 2, 3, 4));
}

test('a page dials a Node host; both channels work both ways; closing the page is seen at once', async () => {
  await openInPage();
  const dialled = page.evaluate(async (hostId) => {
    const globals = window as unknown as PageGlobals;
    globals.link = await globals.transport.connect(hostId, { timeoutMs: 20_000 });
  }, node.localId);
  const link = await acceptedInNode();
  await dialled;
  await exchange(link);
  await page.goto('about:blank');
  await vi.waitFor(() => expect(link.end).toBe('closed-there'), PATIENCE);
});

test('Node dials a host in a page; both channels work both ways; closing is seen in the page', async () => {
  const hostId = await openInPage();
  const link = await node.connect(hostId, { timeoutMs: 20_000 });
  await page.waitForFunction(() => {
    const globals = window as unknown as PageGlobals;
    globals.link ??= globals.transport.accept();
    return globals.link !== undefined;
  });
  expect(link.stateChannel).toEqual({ ordered: false, maxRetransmits: 0 });
  await exchange(link);
  link.close();
  await page.waitForFunction(() => (window as unknown as PageGlobals).link?.end === 'closed-there');
});
