/**
 * A person at the game's page, as the browser tests drive it: through roles and labels as a screen reader finds them,
 * and through the documented `window.volley`. Every error that a page logs is kept, the security policy's too.
 */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright';
import { inject, vi } from 'vitest';
import type { DrawnEntity, VolleyPage } from '../../game/page-api.ts';
import type { RoomStats } from '../../netcode/index.ts';
import { CHROMIUM_FLAGS } from './chromium.ts';

/** Problems kept for a page; more tell nothing new. */
const PROBLEMS_MAX = 50;
/** Drawn by the processor, a small picture costs a fraction of a large one. Tests of what a page looks like say a size. */
const SMALL = { width: 720, height: 450 };
/** ICE, DTLS and the first frames of a software renderer take seconds on a machine with two cores. */
const PATIENCE_MS = 30_000;
const ASKED_EVERY_MS = 50;

/** What the page's script made with `createDataChannel`, noted by an init script that runs before it. */
export interface NotedChannel {
  readonly options: RTCDataChannelInit | undefined;
  readonly channel: RTCDataChannel;
  /** How the next messages of the page's script are spoilt on their way out, and how many. */
  spoil: { kind: 'cut short' | 'stretched'; messages: number } | undefined;
}

declare global {
  interface Window {
    notedChannels: NotedChannel[];
  }
}

/** Asks until the answer is right; the last wrong one stands in the error. Like `expect.poll`, but for hooks too. */
async function until<T>(what: string, ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<void> {
  await vi.waitFor(
    async () => {
      const answer = await ask();
      if (!isRight(answer)) throw new Error(`waited for ${what}; it is ${JSON.stringify(answer)}`);
    },
    { timeout: PATIENCE_MS, interval: ASKED_EVERY_MS },
  );
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: inject('chromiumPath'), args: [...CHROMIUM_FLAGS], headless: true });
}

/** Runs in the page before its own scripts. */
function takeNotes(): void {
  window.notedChannels = [];
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, options): RTCDataChannel {
    const channel = create.call(this, label, options);
    const noted: NotedChannel = { options, channel, spoil: undefined };
    window.notedChannels.push(noted);
    const send = channel.send.bind(channel) as (data: unknown) => void;
    channel.send = (data: unknown): void => {
      const { spoil } = noted;
      if (spoil === undefined || spoil.messages === 0 || !(data instanceof Uint8Array)) {
        send(data);
        return;
      }
      spoil.messages -= 1;
      const spoilt = new Uint8Array(spoil.kind === 'cut short' ? data.length - 1 : data.length + 20);
      spoilt.set(data.subarray(0, spoilt.length));
      send(spoilt);
    };
    return channel;
  };
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`security policy violated: ${event.violatedDirective} ${event.blockedURI}`);
  });
}

export class PlayerPage {
  readonly page: Page;
  /** Errors logged, exceptions thrown and policy violations, in order. */
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    const keep = (problem: string): void => {
      if (this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
    };
    page.on('console', (message) => {
      if (message.type() === 'error') keep(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => keep(String(error)));
    page.on('crash', () => keep('the page crashed'));
  }

  /** In a browser context of its own: another person at another machine. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<PlayerPage> {
    return PlayerPage.openTab(await browser.newContext({ viewport: SMALL, ...options }), url);
  }

  /** Another tab of the same person. */
  static async openTab(context: BrowserContext, url: string): Promise<PlayerPage> {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.addInitScript(takeNotes);
    const player = new PlayerPage(page);
    await page.goto(url);
    return player;
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  textbox(name: string): Locator {
    return this.page.getByRole('textbox', { name, exact: true });
  }

  /** What the page says as an alert. */
  get alert(): Locator {
    return this.page.getByRole('alert');
  }

  get players(): Locator {
    return this.page.getByRole('list', { name: 'Players' }).getByRole('listitem');
  }

  /** Hosts from the menu; resolves to the invite code as the lobby shows it. */
  async host(name: string): Promise<string> {
    await this.textbox('Your name').fill(name);
    await this.button('Host a game').click();
    await this.page.getByRole('heading', { name: 'Lobby' }).waitFor();
    return (await this.page.locator('#lobby-code').innerText()).trim();
  }

  /** Asks to join from the menu; whether that succeeds is for the test to say. */
  async askToJoin(code: string, name: string): Promise<void> {
    await this.textbox('Your name').fill(name);
    await this.textbox('Invite code').fill(code);
    await this.button('Join').click();
  }

  async join(code: string, name: string): Promise<void> {
    await this.askToJoin(code, name);
    await this.page.getByRole('heading', { name: 'Lobby' }).waitFor();
  }

  async becomeReady(): Promise<void> {
    await this.button("I'm ready").click();
    await this.page.locator('button[aria-pressed="true"]', { hasText: /ready/i }).waitFor();
  }

  status(): Promise<VolleyPage['status']> {
    return this.page.evaluate(() => window.volley.status);
  }

  /** The room's figures; throws Error when the page is in no room. */
  async stats(): Promise<RoomStats> {
    const stats = await this.page.evaluate(() => window.volley.stats());
    if (stats === undefined) throw new Error('the page is in no room');
    return stats;
  }

  view(): Promise<DrawnEntity[]> {
    return this.page.evaluate(() => window.volley.view());
  }

  async ships(): Promise<DrawnEntity[]> {
    return (await this.view()).filter(({ kind }) => kind === 'ship');
  }

  async myShip(): Promise<DrawnEntity> {
    const ship = (await this.ships()).find(({ isMine }) => isMine);
    if (ship === undefined) throw new Error('this page draws no ship of its own');
    return ship;
  }

  /** Another player's ship as this page draws it. */
  async shipOf(owner: number): Promise<DrawnEntity> {
    const ship = (await this.ships()).find((candidate) => candidate.owner === owner);
    if (ship === undefined) throw new Error(`this page draws no ship of player ${owner}`);
    return ship;
  }

  /** Resolves as soon as a bullet is drawn: looked for inside the page, since one lives for a second only. */
  untilBulletSeen(): Promise<void> {
    return this.page.evaluate(
      () =>
        new Promise<void>((done) => {
          const look = setInterval(() => {
            if (!window.volley.view().some(({ kind }) => kind === 'bullet')) return;
            clearInterval(look);
            done();
          }, 10);
        }),
    );
  }

  async untilPlaying(): Promise<void> {
    await until(
      'a match',
      () => this.status(),
      (status) => status === 'playing',
    );
    await until(
      'ships',
      () => this.ships(),
      (ships) => ships.length > 0,
    );
  }

  /** Holds keys until this page's ship has moved so far from where it was; resolves to how far. */
  async flyWith(keys: readonly string[], distancePx: number): Promise<number> {
    const from = await this.myShip();
    for (const key of keys) await this.page.keyboard.down(key);
    const flown = async (): Promise<number> => distanceBetween(from, await this.myShip());
    await until(`a flight of ${distancePx} px`, flown, (px) => px > distancePx);
    for (const key of keys) await this.page.keyboard.up(key);
    return flown();
  }
}

export function distanceBetween(a: Pick<DrawnEntity, 'x' | 'y'>, b: Pick<DrawnEntity, 'x' | 'y'>): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Ship by ship, how far apart two pages draw the owner's ship and how far it still moves between two looks. */
async function disagreementPx(owner: PlayerPage, other: PlayerPage): Promise<number> {
  const before = await owner.myShip();
  const seen = await other.shipOf(before.owner);
  const after = await owner.myShip();
  return distanceBetween(before, after) + distanceBetween(after, seen);
}

/** Once its owner lets it rest, a ship must be drawn on the other page where the owner sees it, to the pixel. */
export async function expectToConverge(owner: PlayerPage, other: PlayerPage): Promise<void> {
  await until(
    'both screens to agree within 1 px',
    () => disagreementPx(owner, other),
    (px) => px < 1,
  );
}

/** Two pages through the UI, from the menu into a match. */
export async function startMatch(host: PlayerPage, guest: PlayerPage): Promise<string> {
  const code = await host.host('Ada');
  await guest.join(code, 'Bob');
  await guest.becomeReady();
  await host.becomeReady();
  await host.button('Start match').click();
  await Promise.all([host.untilPlaying(), guest.untilPlaying()]);
  return code;
}
