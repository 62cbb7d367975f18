/** Where the page goes when an attempt fails or a room ends: what the menu says, offers and explains. The netcode is played by the test. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JoinFailure, JoinOptions } from '../../../netcode/index.ts';
import { App, type JoinIntent, type Offer, type PageState } from '../../../game/app.ts';
import { launchFrom } from '../../../game/launch.ts';

const netcode = vi.hoisted(() => ({ join: vi.fn() }));
vi.mock('../../../netcode/index.ts', async (original) => ({ ...(await original<object>()), join: netcode.join }));
const { JoinError } = await import('../../../netcode/index.ts');

beforeEach(() => netcode.join.mockReset());
afterEach(() => vi.restoreAllMocks());

const BOB: JoinIntent = { kind: 'join', name: 'Bob', code: 'K7QX2M' };
const EXPLANATION = { step: 'hello', what: 'It does not answer.', tried: '', advice: 'Wait.' } as const;

/** Fails the next attempt. */
function failNext(reason: JoinFailure): void {
  const error = new JoinError(reason, `This is ${reason}.`);
  error.explanation = EXPLANATION;
  netcode.join.mockRejectedValueOnce(error);
}

type Listeners = Readonly<Record<string, ((value: object) => void) | undefined>>;

/** A room that the next attempt enters; `end` ends it as the host's loss does. */
function enterNext(me: object): { end(): void } {
  const listeners: Record<string, (value: object) => void> = {};
  const room = {
    role: 'guest',
    lobby: {
      code: 'CCCCCC',
      phase: 'lobby',
      players: [
        { isMe: false, name: 'Ada' },
        { isMe: true, ...me },
      ],
    },
    on: (type: string, listener: (value: object) => void) => (listeners[type] = listener),
  };
  netcode.join.mockResolvedValueOnce(room);
  return { end: () => (listeners as Listeners)['closed']?.({ end: 'host-lost', message: 'The connection to the host was lost.' }) };
}

function menuOf({ state }: App): Extract<PageState, { status: 'menu' }> {
  if (state.status !== 'menu') throw new Error(`the page is in ${state.status}`);
  return state;
}

const lastAsked = (): JoinOptions & { readonly code: string } => {
  const [, code, options] = netcode.join.mock.lastCall as [object, string, JoinOptions];
  return { code, ...options };
};

describe('who is in the lobby already', () => {
  test('chooses who to be; the seat of their own tab that hosts cannot be had, and they are told so', async () => {
    const app = new App(launchFrom(''));
    failNext('already-in');
    await app.open(BOB);
    expect(menuOf(app).offer).toEqual({ kind: 'already-in', intent: BOB, isHostTab: false });
    failNext('already-in');
    await app.open(BOB, 'take-over');
    expect(lastAsked().takeOver).toBe(true);
    expect(menuOf(app)).toMatchObject({ message: expect.stringContaining('hosts this lobby'), offer: { isHostTab: true } });
  });
});

describe('who loses the host', () => {
  test.each([true, false])('goes back to their own seat as who they were, watching or not (%s)', async (isSpectator) => {
    const app = new App(launchFrom(''));
    const room = enterNext({ name: 'Bobby', isSpectator });
    await app.open({ ...BOB, password: 'hoot' });
    room.end();
    expect(menuOf(app).offer).toEqual({
      kind: 'retry',
      mode: 'take-over',
      intent: { kind: 'join', name: 'Bobby', code: 'CCCCCC', password: 'hoot', isSpectating: isSpectator },
    } satisfies Offer);
  });

  test('still takes their own seat when the first attempt fails', async () => {
    const app = new App(launchFrom(''));
    failNext('host-gone');
    await app.open(BOB, 'take-over');
    expect(menuOf(app).offer).toEqual({ kind: 'retry', mode: 'take-over', intent: BOB });
    failNext('host-gone');
    await app.open(BOB, 'somebody-else');
    expect(menuOf(app).offer).toMatchObject({ mode: 'plain' });
  });
});

describe('a failed join', () => {
  test.each(['host-gone', 'unreachable', 'broker-unreachable', 'unknown-code', 'wrong-version', 'protocol'] as const)(
    'is explained, at whatever step: %s',
    async (reason) => {
      const app = new App(launchFrom(''));
      failNext(reason);
      await app.open(BOB);
      expect(menuOf(app)).toMatchObject({ message: `This is ${reason}.`, trouble: { explanation: EXPLANATION } });
    },
  );

  test.each(['full', 'spectators-full', 'locked', 'banned', 'password-needed', 'wrong-password', 'already-in', 'cancelled'] as const)(
    'that people decided needs no explanation: %s',
    async (reason) => {
      const app = new App(launchFrom(''));
      failNext(reason);
      await app.open(BOB);
      expect(menuOf(app).trouble).toBeUndefined();
    },
  );
});
