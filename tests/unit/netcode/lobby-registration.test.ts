/** The host's registration tells the broker what the lobby says about itself, no more often than needed. */
import { expect, test } from 'vitest';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { LobbyRegistration } from '../../../netcode/session/lobby-registration.ts';
import type { BrokerFailure, BrokerResult, LobbyDirectory } from '../../../netcode/transport/directory.ts';
import type { CreateLobbyRequest, HeartbeatResponse, LobbyUpdate } from '../../../netcode/wire/lobby-api.ts';

const EXPIRES_IN_MS = 90_000;

function setUp() {
  const beats: (LobbyUpdate | undefined)[] = [];
  const claims: CreateLobbyRequest[] = [];
  const heard: string[] = [];
  const broker = { failure: undefined as BrokerFailure | undefined };
  const answer = (): BrokerResult<HeartbeatResponse> =>
    broker.failure === undefined
      ? { ok: true, value: { expiresInMs: EXPIRES_IN_MS } }
      : { ok: false, failure: broker.failure, message: 'Because.' };
  const directory = {
    heartbeat: async (_code: string, _token: string, update?: LobbyUpdate) => {
      beats.push(update);
      return answer();
    },
    reclaimLobby: async (code: string, ownerToken: string, request: CreateLobbyRequest) => {
      claims.push(request);
      return { ok: true, value: { code, ownerToken, expiresInMs: EXPIRES_IN_MS } };
    },
  } as unknown as LobbyDirectory;
  const lobby = { code: 'AAAAAA', ownerToken: 't', expiresInMs: EXPIRES_IN_MS, peerId: 'host' as PeerId, gameId: 'arena', nowMs: 0 };
  const registration = new LobbyRegistration(directory, lobby, {
    onLost: () => heard.push('lost'),
    onBack: () => heard.push('back'),
    onCodeChanged: (code) => heard.push(code),
  });
  const update = async (nowMs: number): Promise<void> => {
    registration.update(nowMs);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { registration, update, beats, claims, heard, broker };
}

test('nothing said, nothing told but heartbeats', async () => {
  const { update, beats } = setUp();
  await update(29_000);
  expect(beats).toEqual([]);
  await update(30_000);
  expect(beats).toEqual([undefined]);
});

test('a change is told with the next update, together with others, and only what changed', async () => {
  const { registration, update, beats } = setUp();
  registration.describe({ name: 'Mine', players: 1, isPublic: true });
  registration.describe({ players: 2 });
  await update(10);
  expect(beats).toEqual([{ name: 'Mine', players: 2, isPublic: true }]);
  registration.describe({ name: 'Mine', players: 3 });
  await update(500);
  expect(beats).toHaveLength(1);
  await update(1010);
  expect(beats.slice(1)).toEqual([{ players: 3 }]);
  registration.describe({ players: 3 });
  await update(5000);
  expect(beats).toHaveLength(2);
  // A change is a heartbeat too.
  await update(31_000);
  expect(beats).toHaveLength(2);
  await update(31_010);
  expect(beats).toHaveLength(3);
});

test('what could not be told is told later, in its newest form', async () => {
  const { registration, update, beats, heard, broker } = setUp();
  broker.failure = 'unavailable';
  registration.describe({ players: 2, isLocked: true });
  await update(10);
  expect(heard).toEqual(['lost']);
  registration.describe({ players: 3 });
  await update(1500);
  expect(beats).toHaveLength(1);
  broker.failure = undefined;
  await update(2010);
  expect(beats[1]).toEqual({ players: 3, isLocked: true });
  expect(heard).toEqual(['lost', 'back']);
  await update(4000);
  expect(beats).toHaveLength(2);
});

test('a broker that forgot the lobby hears all of it again', async () => {
  const { registration, update, beats, claims, broker } = setUp();
  registration.describe({ name: 'Mine', players: 2 });
  await update(10);
  broker.failure = 'unknown-code';
  registration.describe({ players: 3 });
  await update(1010);
  expect(claims).toEqual([{ peerId: 'host', gameId: 'arena', name: 'Mine', players: 3 }]);
  broker.failure = undefined;
  await update(3000);
  expect(beats).toHaveLength(2);
});

test.each<BrokerFailure>(['unreachable', 'unavailable', 'too-many-requests'])('%s is no reason to register anew', async (failure) => {
  const { update, claims, heard, broker } = setUp();
  broker.failure = failure;
  await update(30_000);
  expect(claims).toEqual([]);
  expect(heard).toEqual(['lost']);
});

test('what no lobby may say is refused at once', () => {
  const { registration } = setUp();
  expect(() => registration.describe({ name: 'a\nb' })).toThrow(/'name'/);
  expect(() => registration.describe({ players: -1 })).toThrow(RangeError);
});

test('an heir claims the lobby with the first update, all details with it, and goes on claiming until the broker answers', async () => {
  const beats: unknown[] = [];
  const claims: CreateLobbyRequest[] = [];
  let isUp = false;
  const directory = {
    heartbeat: async () => {
      beats.push(1);
      return { ok: true, value: { expiresInMs: EXPIRES_IN_MS } };
    },
    reclaimLobby: async (code: string, ownerToken: string, request: CreateLobbyRequest) => {
      claims.push(request);
      if (!isUp) return { ok: false, failure: 'unavailable', message: 'Later.' };
      return { ok: true, value: { code, ownerToken, expiresInMs: EXPIRES_IN_MS } };
    },
  } as unknown as LobbyDirectory;
  const lobby = { code: 'AAAAAA', ownerToken: 't', expiresInMs: 0, peerId: 'heir' as PeerId, gameId: 'arena', nowMs: 0 };
  const events = { onLost: () => undefined, onBack: () => undefined, onCodeChanged: () => undefined };
  const registration = new LobbyRegistration(directory, { ...lobby, details: { name: 'Mine', players: 3 }, isUnclaimed: true }, events);
  const update = async (nowMs: number): Promise<void> => {
    registration.update(nowMs);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  await update(5);
  expect(claims).toEqual([{ peerId: 'heir', gameId: 'arena', name: 'Mine', players: 3 }]);
  expect(registration.isReachable).toBe(false);
  isUp = true;
  registration.describe({ players: 2 });
  await update(2005);
  expect(claims[1]).toEqual({ peerId: 'heir', gameId: 'arena', name: 'Mine', players: 2 });
  expect([registration.isReachable, beats.length]).toEqual([true, 0]);
  await update(2005 + EXPIRES_IN_MS / 3);
  expect([claims.length, beats.length]).toEqual([2, 1]);
});

test('who has left the lobby to somebody else takes it back by no accident', async () => {
  const { registration, update, claims, broker } = setUp();
  broker.failure = 'unknown-code';
  registration.hurry();
  registration.update(10);
  // The broker's answer is under way.
  registration.release();
  await update(20);
  await update(100_000);
  expect(claims).toEqual([]);
});

test('a lobby that is closed while it is registered anew is closed at the broker, too, under the code that it got', async () => {
  const closed: string[] = [];
  const waiting: (() => void)[] = [];
  const soon = <T>(value: T): Promise<T> => new Promise((done) => waiting.push(() => done(value)));
  const refusal = { ok: false, failure: 'code-taken', message: 'Taken.' };
  const directory = {
    heartbeat: () => soon({ ok: false, failure: 'unknown-code', message: 'Unknown.' }),
    reclaimLobby: (code: string, ownerToken: string) =>
      soon(isTaken ? refusal : { ok: true, value: { code, ownerToken, expiresInMs: EXPIRES_IN_MS } }),
    createLobby: () => soon({ ok: true, value: { code: 'BBBBBB', ownerToken: 'u', expiresInMs: EXPIRES_IN_MS } }),
    closeLobby: async (code: string, ownerToken: string) => {
      closed.push(`${code} ${ownerToken}`);
      return { ok: true, value: true };
    },
  } as unknown as LobbyDirectory;
  let isTaken = false;
  /** Closed when the broker has had so many questions. */
  const closeAfter = async (questions: number): Promise<readonly string[]> => {
    closed.length = 0;
    const lobby = { code: 'AAAAAA', ownerToken: 't', expiresInMs: EXPIRES_IN_MS, peerId: 'host' as PeerId, gameId: 'arena', nowMs: 0 };
    const events = { onLost: () => undefined, onBack: () => undefined, onCodeChanged: () => undefined };
    const registration = new LobbyRegistration(directory, lobby, events);
    registration.update(EXPIRES_IN_MS);
    for (let asked = 1; ; asked++) {
      if (asked === questions) registration.close();
      const answer = waiting.shift();
      if (answer === undefined) return [...closed];
      answer();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
  };
  expect(await closeAfter(2)).toEqual(['AAAAAA t', 'AAAAAA t']);
  isTaken = true;
  expect(await closeAfter(3)).toEqual(['AAAAAA t', 'BBBBBB u']);
});
