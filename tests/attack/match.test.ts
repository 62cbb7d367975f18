/** People who play while the broker that introduced them is under attack: nothing of it reaches their match, and friends still get in. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { arena } from '../../game/rules/arena.ts';
import { botInput } from '../../game/rules/bot.ts';
import type { RoomFor } from '../../netcode/index.ts';
import { host, join, shutdown } from '../../netcode/node.ts';
import { candidate, offer, SignalClient } from '../unit/peer-server/signal-client.ts';
import { ask, ATTACKER, OurBuild, type Target } from './targets.ts';

type ArenaRoom = RoomFor<typeof arena>;

const BUILD_TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 90_000;
const PATIENCE = { timeout: 30_000, interval: 20 };
const KEYS_INTERVAL_MS = 16;
/** Of the match, while the attack runs: two seconds at least. */
const TICKS_UNDER_ATTACK = 120;
const SOCKETS_PER_WAVE = 30;
let build: OurBuild;
let ours: Target;

beforeAll(async () => {
  build = new OurBuild();
  ours = await build.start();
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await ours.kill();
  build.remove();
  shutdown();
});

/** Notes what the player is told, and presses keys. */
function follow(room: ArenaRoom): { readonly room: ArenaRoom; readonly told: string[]; stop(): void } {
  const told: string[] = [];
  room.on('notice', ({ code }) => told.push(code));
  room.on('closed', ({ end }) => told.push(`closed: ${end}`));
  const keys = setInterval(() => room.setInput(botInput(room.view(), room.me)), KEYS_INTERVAL_MS);
  return { room, told, stop: () => clearInterval(keys) };
}

/** Floods of everything, from one address, until it is told to stop. */
class Attack {
  readonly #sockets: Socket[] = [];
  readonly #clients: SignalClient[] = [];
  #isOver = false;
  readonly #running: Promise<unknown>;
  waves = 0;

  constructor() {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const socket of this.#sockets) socket.destroy();
    for (const client of this.#clients) client.close();
  }

  async #run(): Promise<void> {
    for (; !this.#isOver; this.waves++) {
      await this.#signals(`mallory-${this.waves}`);
      const guesses = Array.from({ length: 50 }, (_, i) => `/api/lobbies/${'23456789ACDE'.slice(i % 6, (i % 6) + 6)}`);
      // Refused by now, or cut off.
      await Promise.allSettled(guesses.map((path) => ask(ours, ATTACKER, path)));
      for (let i = 0; i < SOCKETS_PER_WAVE; i++) {
        const socket = connect({ port: ours.port, host: '127.0.0.1', localAddress: ATTACKER });
        socket.on('error', () => undefined);
        await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
        this.#sockets.push(socket);
      }
    }
  }

  /** What one signalling client can send, if it still gets in. */
  async #signals(id: string): Promise<void> {
    const client = await SignalClient.open(ours.port, { id, from: ATTACKER }).catch(() => undefined);
    if (client === undefined) return;
    this.#clients.push(client);
    client.send(offer('victim'));
    for (let i = 0; i < 2_000; i++) client.send(i % 2 === 0 ? candidate('victim') : { type: 'LEAVE', dst: 'victim', src: 'somebody' });
    for (let i = 0; i < 200; i++) client.webSocket.send('{"type":"OFFER"}');
  }
}

test(
  'a match goes on as if nothing were, nobody is told anything, and a friend joins with the code',
  async () => {
    const brokerUrl = `http://127.0.0.1:${ours.port}`;
    const ada = follow(await host(arena, { name: 'Ada', brokerUrl }));
    const bob = follow(await join(arena, ada.room.lobby.code, { name: 'Bob', brokerUrl }));
    ada.room.start();
    await vi.waitFor(() => expect(bob.room.stats().hostTick).toBeGreaterThan(0), PATIENCE);
    const attack = new Attack();
    await vi.waitFor(() => expect(attack.waves).toBeGreaterThan(0), PATIENCE);
    const tick = bob.room.stats().hostTick;
    const cleo = follow(await join(arena, ada.room.lobby.code, { name: 'Cleo', brokerUrl }));
    for (const { room } of [ada, bob, cleo])
      await vi.waitFor(() => expect(room.stats().hostTick).toBeGreaterThan(tick + TICKS_UNDER_ATTACK), PATIENCE);
    await attack.stop();
    for (const { room } of [ada, bob, cleo]) expect(room.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cleo']);
    expect(ada.told).toEqual(['player-joined', 'player-joined']);
    expect([bob.told, cleo.told]).toEqual([['player-joined'], []]);
    expect(attack.waves).toBeGreaterThan(1);
    for (const player of [cleo, bob, ada]) {
      player.stop();
      player.room.leave();
    }
    expect(ours.isAlive).toBe(true);
  },
  TEST_TIMEOUT_MS,
);
