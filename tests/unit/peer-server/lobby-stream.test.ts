/** The change stream's bounds, in virtual time: what is gathered, what overflows, and who is cut off. */
import { EventEmitter } from 'node:events';
import type { Response } from 'express';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventParser } from '../../../netcode/transport/lobby-watch.ts';
import { LobbyDirectory, type OwnedLobby } from '../../../peer-server/lobby-directory.ts';
import { LobbyStreams, STREAMS_MAX } from '../../../peer-server/lobby-stream.ts';
import { MemoryLobbyStore } from '../../../peer-server/memory-lobby-store.ts';

const ADDRESS = { peerId: 'host-1', gameId: 'arena' };
/** A little longer than changes are gathered. */
const GATHERED_MS = 150;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A watcher's connection. Until it `reads`, what is written waits. */
class FakeResponse extends EventEmitter {
  readonly heard: { readonly name: string; readonly data: unknown }[] = [];
  text = '';
  writableLength = 0;
  isReading = true;
  isEnded = false;
  isDestroyed = false;
  readonly #parser = new EventParser((name, data) => this.heard.push({ name, data: JSON.parse(data) }));

  status(): this {
    return this;
  }

  setHeader(): this {
    return this;
  }

  write(text: string): void {
    this.text += text;
    this.#parser.push(text);
    if (!this.isReading) this.writableLength += text.length;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

function setUp() {
  const store = new MemoryLobbyStore({ ttlMs: 1e9, lobbiesMax: 10_000, nowMs: () => performance.now() });
  const directory = new LobbyDirectory(store);
  const streams = new LobbyStreams(directory.publicLobbies);
  const open = (): FakeResponse => {
    const response = new FakeResponse();
    expect(streams.open(response as unknown as Response, {})).toBe(true);
    return response;
  };
  const create = async (name: string): Promise<OwnedLobby> => {
    const outcome = await directory.create(ADDRESS, { name, isPublic: true });
    if ('refusal' in outcome) throw new Error(outcome.refusal);
    return outcome.value;
  };
  return { directory, streams, open, create };
}

test('many changes of a lobby reach a watcher as one, the last', async () => {
  const { directory, open, create } = setUp();
  const { code, ownerToken } = await create('Busy');
  const watcher = open();
  for (let players = 1; players <= 200; players++) await directory.update(code, ownerToken, { players });
  await vi.advanceTimersByTimeAsync(GATHERED_MS);
  expect(watcher.heard.slice(1)).toEqual([{ name: 'lobby', data: expect.objectContaining({ code, players: 200 }) }]);
});

test('a lobby that came and went meanwhile is not told', async () => {
  const { directory, open, create } = setUp();
  const watcher = open();
  const { code, ownerToken } = await create('Brief');
  await directory.close(code, ownerToken);
  await vi.advanceTimersByTimeAsync(GATHERED_MS);
  expect(watcher.heard.slice(1)).toEqual([]);
});

test('a watcher that came between a lobby’s opening and its end hears of both', async () => {
  const { directory, open, create } = setUp();
  const early = open();
  const { code, ownerToken } = await create('Brief');
  const late = open();
  await directory.close(code, ownerToken);
  await vi.advanceTimersByTimeAsync(GATHERED_MS);
  expect(late.heard.map(({ name }) => name)).toEqual(['snapshot', 'gone']);
  expect(early.heard.map(({ name }) => name)).toEqual(['snapshot', 'lobby', 'gone']);
});

test('more changes at once than are told one by one come as a snapshot', async () => {
  const { open, create } = setUp();
  const watcher = open();
  for (let i = 0; i < 300; i++) await create(`${i}`);
  await vi.advanceTimersByTimeAsync(GATHERED_MS);
  expect(watcher.heard.map(({ name }) => name)).toEqual(['snapshot', 'snapshot']);
  await create('afterwards');
  await vi.advanceTimersByTimeAsync(GATHERED_MS);
  expect(watcher.heard.at(-1)).toMatchObject({ name: 'lobby', data: { name: 'afterwards' } });
});

test('a watcher that does not read is cut off before much waits for it; others hear everything', async () => {
  const { directory, streams, open, create } = setUp();
  const lobbies = await Promise.all(Array.from({ length: 150 }, () => create('宽'.repeat(48))));
  const reader = open();
  const sleeper = open();
  sleeper.isReading = false;
  for (let round = 0; round < 20; round++) {
    for (const { code, ownerToken } of lobbies) await directory.update(code, ownerToken, { players: round + 2 });
    await vi.advanceTimersByTimeAsync(GATHERED_MS);
  }
  expect(sleeper.isDestroyed).toBe(true);
  expect(sleeper.writableLength).toBeLessThan(200_000);
  expect(reader.isDestroyed).toBe(false);
  expect(reader.heard).toHaveLength(1 + 20 * 150);
  expect([streams.size, streams.droppedStreams]).toEqual([1, 1]);
});

test('a quiet stream carries a comment now and then; a watcher that read nothing between two is cut off', async () => {
  const { open, create } = setUp();
  const reader = open();
  const sleeper = open();
  sleeper.isReading = false;
  await create('Unread');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(reader.text).toContain('\n: still here\n\n');
  expect(sleeper.isDestroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sleeper.isDestroyed).toBe(true);
  expect(reader.isDestroyed).toBe(false);
});

test('there are no more streams than the limit; who leaves makes room', () => {
  const { streams, open } = setUp();
  const first = open();
  for (let i = 1; i < STREAMS_MAX; i++) open();
  expect(streams.open(new FakeResponse() as unknown as Response, {})).toBe(false);
  first.emit('close');
  open();
  expect(streams.size).toBe(STREAMS_MAX);
});

test('closing ends every stream, and no timer stays', async () => {
  const { streams, open, create } = setUp();
  const watchers = [open(), open()];
  await create('Told to nobody');
  streams.close();
  expect(watchers.map(({ isEnded }) => isEnded)).toEqual([true, true]);
  expect(vi.getTimerCount()).toBe(0);
});
