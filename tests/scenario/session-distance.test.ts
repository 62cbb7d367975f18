/** How far a host says it is from the broker: for the rough ping of the public list, and told no more often than needed. In virtual time. */
import { expect, test } from 'vitest';
import type { HostOptions } from '../../netcode/session/room.ts';
import { type MemoryDirectory, TestSession } from '../harness/session.ts';
import { squadGame } from '../harness/squad-game.ts';

/** A host whose way to the broker is as long as the script says, before the lobby is registered and after. */
async function hostWith(
  roundTripMs: number | undefined,
  { listing, laterMs }: { listing?: HostOptions['listing']; laterMs?: number } = {},
) {
  const session = new TestSession(7);
  const directory: MemoryDirectory & { roundTripMs?: number | undefined } = session.directory;
  directory.roundTripMs = roundTripMs;
  const news: unknown[] = [];
  const heartbeat = session.directory.heartbeat;
  session.directory.heartbeat = (code, token, update) => {
    if (update !== undefined && 'rttMs' in update) news.push(update.rttMs);
    return heartbeat(code, token, update);
  };
  const createLobby = session.directory.createLobby;
  session.directory.createLobby = async (request) => {
    const created = await createLobby(request);
    if (laterMs !== undefined) directory.roundTripMs = laterMs;
    return created;
  };
  const host = await session.host(squadGame, { listing: listing ?? { isPublic: true } });
  const listed = () => session.directory.lobbies.get(host.lobby.code)?.rttMs;
  return { session, host, directory, news, listed };
}

test('what the very first call measured, while the page was busy, is corrected with the first news', async () => {
  const { session, listed } = await hostWith(363, { laterMs: 12 });
  expect(listed()).toBe(370);
  await session.run(2_000);
  expect(listed()).toBe(20);
});

test('a change of a step or a quarter is nobody’s concern; a notable one is told, with everything else', async () => {
  const { session, host, directory, news, listed } = await hostWith(12);
  await session.run(2_000);
  news.length = 0;
  for (const ms of [9, 25, 14]) {
    directory.roundTripMs = ms;
    await session.run(2_000);
  }
  expect([news, listed()]).toEqual([[], 20]);
  directory.roundTripMs = 145;
  host.setLocked(true);
  await session.run(2_000);
  expect([news, listed()]).toEqual([[150], 150]);
  directory.roundTripMs = 118;
  await session.run(20_000);
  expect(news).toEqual([150]);
});

test('of a private lobby nothing is told, until it is opened', async () => {
  const { session, host, news, listed } = await hostWith(363, { listing: { isPublic: false }, laterMs: 12 });
  await session.run(20_000);
  expect(news).toEqual([]);
  host.setLobby({ isPublic: true });
  await session.run(2_000);
  expect([news, listed()]).toEqual([[20], 20]);
});

test('what has not been measured is not told, and a broker that comes back without memory hears it again', async () => {
  const { session, directory, news, listed } = await hostWith(undefined);
  await session.run(5_000);
  expect([news, listed()]).toEqual([[], 0]);
  directory.roundTripMs = 31;
  await session.run(2_000);
  expect(listed()).toBe(40);
  session.stopBroker();
  await session.run(10_000);
  session.startBroker();
  await session.run(10_000);
  expect(listed()).toBe(40);
});
