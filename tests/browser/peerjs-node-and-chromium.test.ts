/** The PeerJS transport between a real page and a Node process: two implementations of WebRTC that must agree on every detail. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import type { PeerId } from '../../netcode/core/ids.ts';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import type { createPeerTransport, PeerTransport } from '../../netcode/transport/peerjs.ts';
import { type Link, STATE_LANES_MAX } from '../../netcode/transport/transport.ts';
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
  node = await createNodePeerTransport({
    brokerUrl: inject('brokerUrl'),
    ice: { iceServers: [] },
    clock: { nowMs: () => performance.now() },
  });
  node.listen();
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
    globals.transport = await globals.createPeerTransport({
      brokerUrl,
      ice: { iceServers: [] },
      clock: { nowMs: () => performance.now() },
    });
    globals.transport.listen();
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

/** Dials the Node host from the page. */
async function dialFromPage(): Promise<Link> {
  const dialled = page.evaluate(async (hostId) => {
    const globals = window as unknown as PageGlobals;
    globals.link = await globals.transport.connect(hostId, { timeoutMs: 20_000 });
  }, node.localId);
  const link = await acceptedInNode();
  await dialled;
  return link;
}

/** Dials the page's host from Node. */
async function dialFromNode(hostId: PeerId): Promise<Link> {
  const link = await node.connect(hostId, { timeoutMs: 20_000 });
  await page.waitForFunction(() => {
    const globals = window as unknown as PageGlobals;
    globals.link ??= globals.transport.accept();
    return globals.link !== undefined;
  });
  return link;
}

const LANES = Array.from({ length: STATE_LANES_MAX }, (_, lane) => lane);

async function untilLanesAreOpen(link: Link): Promise<void> {
  await vi.waitFor(() => expect(LANES.every((lane) => Number.isFinite(link.stateBufferedBytes(lane)))).toBe(true), PATIENCE);
  await page.waitForFunction(
    (lanes) => lanes.every((lane) => Number.isFinite((window as unknown as PageGlobals).link?.stateBufferedBytes(lane))),
    LANES,
  );
}

/** A packet of its own each way on every lane. */
async function exchangeOnLanes(link: Link): Promise<void> {
  const reply = page.evaluate(async (lanes) => {
    const { link } = window as unknown as PageGlobals;
    const seen = new Set<number>();
    while (seen.size < lanes.length) {
      const packet = link?.receiveState();
      if (packet === undefined) await new Promise((done) => setTimeout(done, 5));
      else seen.add(packet.bytes[0]!);
    }
    for (const lane of lanes) link?.sendState(Uint8Array.of(10 + lane), lane);
    return [...seen].toSorted((a, b) => a - b);
  }, LANES);
  for (const lane of LANES) expect(link.sendState(Uint8Array.of(lane), lane)).toBe(true);
  expect(await reply).toEqual(LANES);
  const seen = new Set<number | undefined>();
  await vi.waitFor(() => {
    seen.add(link.receiveState()?.bytes[0]);
    for (const lane of LANES) expect(seen).toContain(10 + lane);
  }, PATIENCE);
  expect(link.counters.malformedDropped).toBe(0);
}

test('a page dials a Node host; both channels work both ways; closing the page is seen at once', async () => {
  await openInPage();
  const link = await dialFromPage();
  await exchange(link);
  await page.goto('about:blank');
  await vi.waitFor(() => expect(link.end).toBe('closed-there'), PATIENCE);
});

test('Node dials a host in a page; both channels work both ways; closing is seen in the page', async () => {
  const link = await dialFromNode(await openInPage());
  expect(link.stateChannel).toEqual({ ordered: false, maxRetransmits: 0 });
  await exchange(link);
  link.close();
  await page.waitForFunction(() => (window as unknown as PageGlobals).link?.end === 'closed-there');
});

test('lanes of a link that the page dialled open when Node asks, carry packets both ways, and end with the page', async () => {
  await openInPage();
  const link = await dialFromPage();
  link.openLanes(STATE_LANES_MAX);
  await untilLanesAreOpen(link);
  await exchangeOnLanes(link);
  await page.goto('about:blank');
  await vi.waitFor(() => expect(link.end).toBe('closed-there'), PATIENCE);
});

test('lanes of a link that Node dialled open when the page asks, and carry packets both ways', async () => {
  const link = await dialFromNode(await openInPage());
  await page.evaluate((count) => (window as unknown as PageGlobals).link?.openLanes(count), STATE_LANES_MAX);
  await untilLanesAreOpen(link);
  await exchangeOnLanes(link);
});

test('a page that goes away is heard on any lane, if nothing else gets through', async () => {
  const hostId = await openInPage();
  await page.evaluate((lanes) => {
    let channels = 0;
    let last: RTCDataChannel | undefined;
    const { createDataChannel } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.createDataChannel = function (label, options) {
      const channel = createDataChannel.call(this, label, options);
      channels += 1;
      if (channels === lanes) last = channel;
      return channel;
    };
    RTCPeerConnection.prototype.close = () => undefined;
    const { send } = RTCDataChannel.prototype;
    RTCDataChannel.prototype.send = function (data: unknown) {
      if (this === last || data !== 'bye') send.call(this, data as ArrayBufferView<ArrayBuffer>);
    };
  }, STATE_LANES_MAX);
  const link = await dialFromNode(hostId);
  link.openLanes(STATE_LANES_MAX);
  await untilLanesAreOpen(link);
  await page.evaluate(() => window.dispatchEvent(new Event('pagehide')));
  await vi.waitFor(() => expect(link.end).toBe('closed-there'), PATIENCE);
});
