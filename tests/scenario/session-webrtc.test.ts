/** The lobby over real WebRTC in Node and the real broker: what the simulator cannot show is whether peers really find the new host. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Room, RoomFor } from '../../netcode/index.ts';
import { host, join, shutdown } from '../../netcode/node.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { markersOf, squadGame } from '../harness/squad-game.ts';

/** A handshake on a machine busy with other tests takes seconds, and passing on needs one for each player. */
const PATIENCE = { timeout: 40_000, interval: 20 };
const TEST_TIMEOUT_MS = 120_000;

let broker: RunningServer;
beforeAll(async () => {
  broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
});
afterAll(async () => {
  await broker.close();
  shutdown();
});

const namesOf = (room: RoomFor<typeof squadGame>): string =>
  room.lobby.players.map(({ name, isHost, isSilent }) => `${name}${isHost ? '*' : ''}${isSilent ? '?' : ''}`).join(' ');

test(
  '[HOST17] the host role goes there and back over real connections; the code leads to the new host, and the match runs there',
  async () => {
    const brokerUrl = `http://127.0.0.1:${broker.port}`;
    const ada = await host(squadGame, {
      name: 'Ada',
      identity: 'ada',
      brokerUrl,
      password: 'tea',
      listing: { name: 'Real', isPublic: true },
    });
    const { code } = ada.lobby;
    const bob = await join(squadGame, code, { name: 'Bob', identity: 'bob', brokerUrl, password: 'tea' });
    const cy = await join(squadGame, code, { name: 'Cy', identity: 'cy', brokerUrl, password: 'tea' });
    const all = [ada, bob, cy];
    const ends: string[] = [];
    for (const room of all as unknown as Room[]) room.on('closed', ({ end }) => ends.push(end));
    const agree = (names: string) => vi.waitFor(() => expect(all.map(namesOf)).toEqual(all.map(() => names)), PATIENCE);
    await agree('Ada* Bob Cy');
    await ada.passHost(bob.me);
    await agree('Ada Bob* Cy');
    expect(all.map(({ role }) => role)).toEqual(['guest', 'host', 'guest']);
    await vi.waitFor(async () => {
      const answer = (await (await fetch(`${brokerUrl}/api/lobbies/${code}`)).json()) as { peerId: string };
      expect(answer.peerId).toBe(bob.lobby.players.find(({ isHost }) => isHost)!.peerId);
    }, PATIENCE);
    all.push(await join(squadGame, code, { name: 'Di', brokerUrl, password: 'tea', isSpectating: true }));
    await agree('Ada Bob* Cy Di');
    bob.start();
    ada.setInput({ press: true });
    await vi.waitFor(() => {
      for (const room of all) expect(markersOf(room).find(({ owner }) => owner === ada.me)?.points ?? 0).toBeGreaterThan(30);
    }, PATIENCE);
    bob.toLobby();
    await vi.waitFor(() => expect(ada.lobby.phase).toBe('lobby'), PATIENCE);
    await bob.passHost(ada.me);
    await agree('Ada* Bob Cy Di');
    expect(ends).toEqual([]);
    for (const room of all.toReversed()) room.leave();
  },
  TEST_TIMEOUT_MS,
);
