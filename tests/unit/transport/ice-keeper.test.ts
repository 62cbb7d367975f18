/** Credentials that run out are fetched again before they do. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IceKeeper, type IceSettings } from '../../../netcode/transport/ice-keeper.ts';

const HOUR_MS = 3_600_000;
const named = (username: string, goodForMs?: number): IceSettings => ({
  iceServers: [{ urls: 'turn:t', username, credential: 'c' }],
  goodForMs,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what the broker says is used, in the object that connections are made from', async () => {
  const keeper = new IceKeeper(() => Promise.resolve({ iceServers: [{ urls: 'stun:s' }], iceTransportPolicy: 'relay' }));
  const { configuration } = keeper;
  await keeper.fetch();
  expect(configuration).toEqual({ iceServers: [{ urls: 'stun:s' }], iceTransportPolicy: 'relay' });
  expect(vi.getTimerCount()).toBe(0);
});

test('credentials are renewed at half of their time, again and again', async () => {
  let asked = 0;
  const keeper = new IceKeeper(() => Promise.resolve(named(`user-${++asked}`, 12 * HOUR_MS)));
  const { configuration } = keeper;
  await keeper.fetch();
  expect(configuration.iceServers).toMatchObject([{ username: 'user-1' }]);
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS + 1);
  expect(configuration.iceServers).toMatchObject([{ username: 'user-2' }]);
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS + 1);
  expect(asked).toBe(3);
  keeper.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('while the broker is away the old ones stay, and it is asked every minute', async () => {
  let asked = 0;
  const keeper = new IceKeeper(() =>
    ++asked > 1 && asked < 4 ? Promise.reject(new Error('away')) : Promise.resolve(named(`user-${asked}`, HOUR_MS)),
  );
  await keeper.fetch();
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2 + 1);
  expect(asked).toBe(2);
  expect(keeper.configuration.iceServers).toMatchObject([{ username: 'user-1' }]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(keeper.configuration.iceServers).toMatchObject([{ username: 'user-4' }]);
  keeper.close();
});

test('a broker that cannot be asked at first is the caller’s to tell', async () => {
  const keeper = new IceKeeper(() => Promise.reject(new Error('away')));
  await expect(keeper.fetch()).rejects.toThrow('away');
  expect(vi.getTimerCount()).toBe(0);
});

test('closed, it renews no more, even if the answer was on its way', async () => {
  let answer: (settings: IceSettings) => void = () => undefined;
  const keeper = new IceKeeper(() => new Promise((resolve) => (answer = resolve)));
  const fetched = keeper.fetch();
  keeper.close();
  answer(named('user', HOUR_MS));
  await fetched;
  expect(vi.getTimerCount()).toBe(0);
});
