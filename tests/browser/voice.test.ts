/**
 * Voice between real pages: real microphones (Chromium's, which beep once a second), real calls through the real broker, and what comes
 * out of the loudspeakers. The test says who is in the lobby, as a host would. That nothing is heard is shown beside something that is.
 */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { PeerId, PlayerId } from '../../netcode/core/ids.ts';
import type { VoiceMode, VoicePlayer } from '../../netcode/voice/voice.ts';
import type { RosterPlayer } from '../../netcode/voice/voice-ports.ts';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';

const PAGE = '<!doctype html><title>voice</title><button>Voice</button><script type="module" src="/tests/harness/voice-page.ts"></script>';
/** Resolves to this machine, and is no localhost to a browser. */
const PLAIN_HTTP_NAME = 'voice.test';
/** A beep is about 0.8 loud, a page without one below 0.2. */
const HEARD = 0.4;
/** Beeps of another player that are heard while a silent one must stay silent. */
const BEEPS = 3;

let vite: ViteDevServer;
/** With a microphone that beeps, and a player who allows it. */
let browser: Browser;
let contexts: BrowserContext[] = [];

const launch = (...flags: string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: inject('chromiumPath'),
    args: [...CHROMIUM_FLAGS, `--host-resolver-rules=MAP ${PLAIN_HTTP_NAME} 127.0.0.1`, ...flags],
  });

beforeAll(async () => {
  vite = await createServer({
    configFile: false,
    root: resolve(import.meta.dirname, '../..'),
    logLevel: 'error',
    cacheDir: join(tmpdir(), 'volley-voice-vite'),
    plugins: [
      {
        name: 'voice-page',
        configureServer: (server) =>
          void server.middlewares.use('/voice-page', (request, response) => {
            response.setHeader('content-type', 'text/html');
            if (request.url?.includes('forbidden') === true) response.setHeader('permissions-policy', 'microphone=()');
            response.end(PAGE);
          }),
      },
    ],
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, allowedHosts: [PLAIN_HTTP_NAME] },
    optimizeDeps: { include: ['peerjs'], noDiscovery: true },
  });
  await vite.listen();
  browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
});
afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  contexts = [];
});
afterAll(async () => {
  await browser.close();
  await vite.close();
});

/** The lobby as its host keeps it. */
class Lobby {
  readonly #pages: { readonly page: Page; readonly id: PlayerId; readonly peerId: PeerId; isInVoice: boolean }[] = [];

  async enter(from = browser, name = '127.0.0.1', query = ''): Promise<VoicePlayerPage> {
    const context = await from.newContext();
    contexts.push(context);
    const page = await context.newPage();
    const id = (this.#pages.length + 1) as PlayerId;
    await page.exposeFunction('announceVoice', (isInVoice: boolean) => this.setInVoice(id, isInVoice));
    await page.goto(`http://${name}:${new URL(vite.resolvedUrls?.local[0] ?? '').port}/voice-page${query}`);
    await page.waitForFunction(() => 'openVoice' in window);
    const peerId = await page.evaluate((brokerUrl) => window.openVoice(brokerUrl), inject('brokerUrl'));
    this.#pages.push({ page, id, peerId: peerId as PeerId, isInVoice: false });
    await this.#tell();
    return new VoicePlayerPage(page, id, peerId as PeerId);
  }

  setInVoice(player: PlayerId, isInVoice: boolean): Promise<void> {
    const entry = this.#pages.find(({ id }) => id === player);
    if (entry !== undefined) entry.isInVoice = isInVoice;
    return this.#tell();
  }

  /** As if the player had left: the others are told, they are not. */
  remove(player: PlayerId): Promise<void> {
    const index = this.#pages.findIndex(({ id }) => id === player);
    this.#pages.splice(index, 1);
    return this.#tell();
  }

  async #tell(): Promise<void> {
    await Promise.all(
      this.#pages.map(({ page, id: me }) => {
        const players: RosterPlayer[] = this.#pages.map(({ id, peerId, isInVoice }) => ({ id, peerId, isInVoice, isMe: id === me }));
        return page.evaluate((roster) => window.voicePage.setRoster(roster), players);
      }),
    );
  }
}

class VoicePlayerPage {
  readonly page: Page;
  readonly id: PlayerId;
  readonly peerId: PeerId;

  constructor(page: Page, id: PlayerId, peerId: PeerId) {
    this.page = page;
    this.id = id;
    this.peerId = peerId;
  }

  /** In a click, as people do. Resolves to the message if it was rejected, else ''. */
  async join(mode: VoiceMode): Promise<string> {
    await this.page.evaluate((mode) => {
      const button = document.querySelector('button')!;
      button.onclick = () => {
        const done = window.voicePage.voice.join({ mode }).then(
          () => '',
          (error: Error) => error.message,
        );
        Object.assign(window, { joining: done });
      };
    }, mode);
    await this.page.locator('button').click();
    return this.page.evaluate(() => (window as unknown as { joining: Promise<string> }).joining);
  }

  leave(): Promise<void> {
    return this.page.evaluate(() => window.voicePage.voice.leave());
  }

  setTalking(isTalking: boolean): Promise<void> {
    return this.page.evaluate((isTalking) => window.voicePage.voice.setTalking(isTalking), isTalking);
  }

  players = (): Promise<readonly VoicePlayer[]> => this.page.evaluate(() => window.voicePage.voice.players);

  connected(): Promise<PlayerId[]> {
    return this.page.evaluate(() => window.voicePage.voice.players.filter((player) => player.isConnected).map(({ id }) => id));
  }

  /** Whom this page has heard since it was asked last. */
  async heard(): Promise<PlayerId[]> {
    const levels = await this.page.evaluate(() => window.voicePage.heard());
    return levels.filter(([, level]) => level >= HEARD).map(([player]) => player);
  }

  /** Waits until all of them were heard, each in its time. */
  async untilHeard(...players: readonly PlayerId[]): Promise<void> {
    const missing = new Set(players);
    await expect
      .poll(async () => {
        for (const player of await this.heard()) missing.delete(player);
        return [...missing];
      })
      .toEqual([]);
  }

  /** Counts beeps of `witness` and says who else was heard meanwhile. */
  async heardBeside(witness: PlayerId): Promise<Set<PlayerId>> {
    await this.heard();
    const others = new Set<PlayerId>();
    for (let beeps = 0; beeps < BEEPS; beeps++) {
      let isHeard = false;
      await expect
        .poll(async () => {
          for (const player of await this.heard()) {
            if (player === witness) isHeard = true;
            else others.add(player);
          }
          return isHeard;
        })
        .toBe(true);
    }
    return others;
  }

  openConnections(): Promise<number> {
    return this.page.evaluate(() => window.voicePage.openConnections().length);
  }
}

async function three(): Promise<[VoicePlayerPage, VoicePlayerPage, VoicePlayerPage, Lobby]> {
  const lobby = new Lobby();
  return [await lobby.enter(), await lobby.enter(), await lobby.enter(), lobby];
}

describe('three in voice', () => {
  test('each hears the two others; nothing is open, and nobody was asked, before they join', async () => {
    const [ada, bob, cy] = await three();
    for (const player of [ada, bob, cy]) {
      expect(await player.openConnections()).toBe(0);
      expect(await player.page.evaluate(() => window.voicePage.microphonesAsked)).toBe(0);
      expect(await player.join('open')).toBe('');
    }
    for (const player of [ada, bob, cy]) {
      await player.untilHeard(...[ada, bob, cy].filter((other) => other !== player).map(({ id }) => id));
      expect(await player.openConnections()).toBe(2);
      expect(await player.page.evaluate(() => window.voicePage.malformedSignals)).toBe(0);
      expect((await player.players()).map(({ isConnected }) => isConnected)).toEqual([true, true, true]);
    }
  });

  test('every page asks for mono speech of at most 24 kbit/s, and sends no more whatever it is asked for', async () => {
    const [ada, bob] = await three();
    await ada.join('open');
    await bob.join('open');
    await bob.untilHeard(ada.id);
    await ada.untilHeard(bob.id);
    for (const player of [ada, bob]) {
      const [description, bitrate] = await player.page.evaluate(() => {
        const connection = window.voicePage.openConnections()[0]!;
        return [connection.remoteDescription?.sdp ?? '', connection.getSenders()[0]?.getParameters().encodings[0]?.maxBitrate] as const;
      });
      const asked = /^a=fmtp:\d+ (.*maxaveragebitrate.*)$/m.exec(description)?.[1]?.trim().split(';');
      expect(asked).toEqual(expect.arrayContaining(['maxaveragebitrate=24000', 'stereo=0', 'usedtx=1', 'useinbandfec=1']));
      expect(description).toContain('a=ptime:40');
      expect(bitrate).toBe(24_000);
    }
  });

  test('a muted one is silent on the page that muted them, and on no other', async () => {
    const [ada, bob, cy] = await three();
    for (const player of [ada, bob, cy]) await player.join('open');
    await ada.untilHeard(bob.id, cy.id);
    await ada.page.evaluate((id) => window.voicePage.voice.mute(id, true), bob.id);
    expect(await ada.heardBeside(cy.id)).not.toContain(bob.id);
    expect(await ada.page.evaluate(() => window.voicePage.elements.filter(({ muted }) => muted).length)).toBe(1);
    await cy.untilHeard(bob.id);
    await ada.page.evaluate((id) => window.voicePage.voice.mute(id, false), bob.id);
    await ada.untilHeard(bob.id);
  });

  test('the volume is what the element plays with', async () => {
    const [ada, bob] = await three();
    for (const player of [ada, bob]) await player.join('open');
    await ada.untilHeard(bob.id);
    await ada.page.evaluate((id) => window.voicePage.voice.setVolume(id, 0.25), bob.id);
    expect(await ada.page.evaluate(() => window.voicePage.elements.map(({ volume, paused }) => [volume, paused]))).toEqual([[0.25, false]]);
  });

  test('push to talk is heard while it is held', async () => {
    const [ada, bob, cy] = await three();
    await ada.join('push');
    await bob.join('open');
    await cy.join('open');
    await expect.poll(() => bob.connected()).toEqual([ada.id, bob.id, cy.id]);
    expect(await bob.heardBeside(cy.id)).not.toContain(ada.id);
    await ada.setTalking(true);
    await bob.untilHeard(ada.id);
    await ada.setTalking(false);
    // What was on its way when the key was released.
    await bob.heardBeside(cy.id);
    expect(await bob.heardBeside(cy.id)).not.toContain(ada.id);
  });

  test('a key held down in a page that loses the focus is let go', async () => {
    const [ada] = await three();
    await ada.join('push');
    await ada.setTalking(true);
    await ada.untilHeard(ada.id);
    await ada.page.evaluate(() => dispatchEvent(new Event('blur')));
    await ada.heard();
    await expect.poll(() => ada.page.evaluate((id) => window.voicePage.voice.isTalking(id), ada.id)).toBe(false);
  });

  test('who leaves is heard no more, their calls end, and their microphone is given back', async () => {
    const [ada, bob, cy] = await three();
    for (const player of [ada, bob, cy]) await player.join('open');
    await bob.untilHeard(ada.id, cy.id);
    const track = await ada.page.evaluateHandle(() => window.voicePage.openConnections()[0]!.getSenders()[0]!.track!);
    await ada.leave();
    expect(await track.evaluate(({ readyState }) => readyState)).toBe('ended');
    await expect.poll(() => ada.openConnections()).toBe(0);
    for (const player of [bob, cy]) {
      await expect.poll(() => player.openConnections()).toBe(1);
      expect((await player.players()).map(({ id }) => id)).toEqual([bob.id, cy.id]);
    }
    await bob.untilHeard(cy.id);
    expect(await ada.join('open')).toBe('');
    await bob.untilHeard(ada.id);
  });

  test('a call that breaks is made again', async () => {
    const [ada, bob] = await three();
    await ada.join('open');
    await bob.join('open');
    await bob.untilHeard(ada.id);
    await ada.page.evaluate(() => window.voicePage.openConnections()[0]!.close());
    await expect.poll(() => bob.connected()).toEqual([bob.id]);
    await expect.poll(() => bob.connected()).toEqual([ada.id, bob.id]);
    await bob.heard();
    await bob.untilHeard(ada.id);
    await ada.untilHeard(bob.id);
  });

  test('somebody who is not in the lobby is not answered', async () => {
    const [ada, bob, , lobby] = await three();
    // The one who calls, by the smaller address.
    const [stranger, player] = ada.peerId < bob.peerId ? [ada, bob] : [bob, ada];
    await lobby.remove(stranger.id);
    await player.join('open');
    await stranger.join('open');
    const pretended: RosterPlayer[] = [ada, bob].map(({ id, peerId }) => ({ id, peerId, isInVoice: true, isMe: id === stranger.id }));
    await stranger.page.evaluate((roster) => window.voicePage.setRoster(roster), pretended);
    await expect.poll(() => player.page.evaluate(() => window.voicePage.malformedSignals)).toBeGreaterThan(0);
    expect(await stranger.openConnections()).toBe(1);
    expect(await player.openConnections()).toBe(0);
  });
});

describe('without a microphone', () => {
  test('a player who refuses it reads what to do, and can listen', async () => {
    const refusing = await launch('--use-fake-device-for-media-stream', '--deny-permission-prompts');
    try {
      const lobby = new Lobby();
      const [ada, bob] = [await lobby.enter(refusing), await lobby.enter()];
      expect(await ada.page.evaluate(() => [window.voicePage.voice.canUse, window.voicePage.voice.state])).toEqual([true, 'off']);
      const message = await ada.join('open');
      expect(message).toMatch(/microphone is blocked.*Allow it/);
      expect(await ada.page.evaluate(() => [window.voicePage.voice.state, window.voicePage.voice.unavailableReason])).toEqual([
        'unavailable',
        message,
      ]);
      expect(await ada.join('listen')).toBe('');
      await bob.join('open');
      await ada.untilHeard(bob.id);
      expect(await bob.connected()).toEqual([ada.id, bob.id]);
    } finally {
      await refusing.close();
    }
  });

  test.each([
    ['NotFoundError', /No microphone was found/],
    ['NotReadableError', /another program/],
    ['NotAllowedError', /blocked.*Allow it/],
    ['SomethingNewError', /cannot be opened/],
  ])('what the browser calls %s is told in words', async (name, words) => {
    const ada = await new Lobby().enter();
    await ada.page.evaluate((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('a text of the browser', name));
    }, name);
    expect(await ada.join('push')).toMatch(words);
  });

  test('a microphone that is given after the player has left is given back at once', async () => {
    const ada = await new Lobby().enter();
    const states = await ada.page.evaluate(async () => {
      const { voice } = window.voicePage;
      const given = navigator.mediaDevices.getUserMedia({ audio: true });
      navigator.mediaDevices.getUserMedia = () => given;
      const joining = voice.join({ mode: 'open' }).catch((error: Error) => error.message);
      voice.leave();
      const message = await joining;
      return [message, voice.state, ...(await given).getTracks().map(({ readyState }) => readyState)];
    });
    expect(states).toEqual(['Cancelled.', 'off', 'ended']);
  });

  test('one that goes while in voice is missed, and the calls end', async () => {
    const [ada, bob] = await three();
    await ada.join('open');
    await bob.join('open');
    await bob.untilHeard(ada.id);
    await ada.page.evaluate(() => window.voicePage.openConnections()[0]!.getSenders()[0]!.track!.stop());
    await expect.poll(() => ada.page.evaluate(() => window.voicePage.voice.unavailableReason)).toMatch(/is gone/);
    await expect.poll(() => bob.connected()).toEqual([bob.id]);
  });

  test('a page whose server forbids it says so without asking', async () => {
    const ada = await new Lobby().enter(browser, '127.0.0.1', '?forbidden');
    expect(await ada.page.evaluate(() => window.voicePage.voice.canUse)).toBe(false);
    expect(await ada.join('push')).toMatch(/gives it no microphone/);
    expect(await ada.page.evaluate(() => window.voicePage.microphonesAsked)).toBe(0);
  });

  test('a page that is no secure context says why without asking, and can listen', async () => {
    const lobby = new Lobby();
    const [ada, bob] = [await lobby.enter(browser, PLAIN_HTTP_NAME), await lobby.enter()];
    expect(await ada.page.evaluate(() => isSecureContext)).toBe(false);
    const before = await ada.page.evaluate(() => {
      const { canUse, state, unavailableReason } = window.voicePage.voice;
      return { canUse, state, unavailableReason };
    });
    expect(before).toEqual({ canUse: false, state: 'unavailable', unavailableReason: expect.stringMatching(/https/) as string });
    expect(await ada.join('push')).toBe(before.unavailableReason);
    expect(await ada.page.evaluate(() => window.voicePage.microphonesAsked)).toBe(0);
    await bob.join('open');
    expect(await ada.join('listen')).toBe('');
    await ada.untilHeard(bob.id);
  });
});
