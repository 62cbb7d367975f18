/** The experiment's rig (page.ts) at one end of an emulated WAN: in a Chromium, in a Firefox, or in Node on libdatachannel. */
import { chromium } from 'playwright';
import { CHROMIUM_FLAGS, ensureChromium } from '../../harness/chromium.ts';
import { openFirefox } from '../wan/firefox-browser.ts';
import { type LineProcess, type LineReply, startLineProcess } from '../wan/line-process.ts';
import type { Wan, WanSide } from '../wan/wan.ts';
import { installRig, type Rig } from './page.ts';

/** `usrsctp`: Firefox with the SCTP that it had before it took over Chromium's. */
export const END_KINDS = ['chromium', 'firefox', 'usrsctp', 'node'] as const;
export type EndKind = (typeof END_KINDS)[number];

export interface RigEnd {
  /** Without connections, as new. */
  renew(): Promise<void>;
  call<Method extends keyof Rig>(method: Method, ...args: Parameters<Rig[Method]>): Promise<Awaited<ReturnType<Rig[Method]>>>;
  close(): Promise<void>;
}

export function openEnd(kind: EndKind, wan: Wan, side: WanSide): Promise<RigEnd> {
  switch (kind) {
    case 'chromium':
      return openChromiumEnd(wan, side);
    case 'firefox':
      return openFirefoxEnd(wan, side, true);
    case 'usrsctp':
      return openFirefoxEnd(wan, side, false);
    case 'node':
      return Promise.resolve(openNodeEnd(wan, side));
  }
}

/** As much of Playwright's page as of Puppeteer's. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  evaluate<Result, Arg>(task: (arg: Arg) => Result, arg: Arg): Promise<Awaited<Result>>;
}

function endInPage(page: DrivenPage, close: () => Promise<void>): RigEnd {
  return {
    async renew() {
      await page.goto('about:blank');
      await page.evaluate(installRig, undefined);
    },
    call(method, ...args) {
      type Result = Awaited<ReturnType<Rig[typeof method]>>;
      const task = ([name, values]: readonly [keyof Rig, readonly unknown[]]): unknown =>
        (window.sctpRig[name] as (...all: readonly unknown[]) => unknown)(...values);
      return page.evaluate(task, [method, args] as const) as Promise<Result>;
    },
    close,
  };
}

async function openChromiumEnd(wan: Wan, side: WanSide): Promise<RigEnd> {
  const args = [...CHROMIUM_FLAGS, '--disable-gpu', '--disable-features=WebRtcHideLocalIpsWithMdns'];
  const browser = await chromium.launch({ executablePath: wan.wrapperFor(side, ensureChromium()), args, headless: true });
  return endInPage(await browser.newPage(), () => browser.close());
}

async function openFirefoxEnd(wan: Wan, side: WanSide, usesDcsctp: boolean): Promise<RigEnd> {
  const { browser, close } = await openFirefox(wan, side, { 'media.peerconnection.sctp.use_dcsctp': usesDcsctp });
  return endInPage((await browser.newPage()) as DrivenPage, close);
}

/** A process for each cell: libdatachannel's threads live as long as it does. */
function openNodeEnd(wan: Wan, side: WanSide): RigEnd {
  const script = `import * as webRtc from 'node-datachannel/polyfill';
    import { createInterface } from 'node:readline';
    (${serveRig.toString()})(webRtc, createInterface(process.stdin), ${installRig.toString()});`;
  const command = ['nice', '-n', '-10', ...wan.prefixFor(side), process.execPath, '--input-type=module', '-e', script] as const;
  let running: LineProcess | undefined;
  return {
    async renew() {
      await running?.close();
      running = startLineProcess(command);
    },
    call(method, ...args) {
      type Result = Awaited<ReturnType<Rig[typeof method]>>;
      if (running === undefined) throw new Error('renew() comes first');
      return running.ask([method, args]) as Promise<Result>;
    },
    async close() {
      await running?.close();
    },
  };
}

/** Runs in the process; goes there as text, with the rig. A line is `[method, arguments]`. */
function serveRig(
  webRtc: { readonly RTCPeerConnection: typeof RTCPeerConnection },
  lines: { on(event: 'line', listener: (line: string) => void): void },
  install: () => void,
): void {
  /** Without a description, the one that is due: the polyfill would do nothing. */
  class PeerConnection extends webRtc.RTCPeerConnection {
    override async setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
      await super.setLocalDescription(description ?? (await this.createOffer()));
    }
  }
  Object.assign(globalThis, { window: globalThis, RTCPeerConnection: PeerConnection });
  install();
  lines.on('line', (line) => {
    const [method, args] = JSON.parse(line) as [keyof Rig, unknown[]];
    const say = (reply: LineReply): unknown => process.stdout.write(`${JSON.stringify(reply)}\n`);
    const task = window.sctpRig[method] as (...all: unknown[]) => unknown;
    Promise.resolve()
      .then(() => task(...args))
      .then(
        (result) => say({ result: result ?? null }),
        (error: unknown) => say({ error: String(error) }),
      );
  });
}
