/** The directory's rules in virtual time, over the memory store. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { CODE_ALPHABET, CODE_LENGTH, normaliseCode } from '../../../netcode/wire/lobby-api.ts';
import { LobbyDirectory, type LobbyOutcome, randomCode } from '../../../peer-server/lobby-directory.ts';
import { MemoryLobbyStore } from '../../../peer-server/memory-lobby-store.ts';

const TTL_MS = 1000;
const ADDRESS = { peerId: 'host-1', gameId: 'arena' };

function setUp(options: { readonly lobbiesMax?: number; readonly drawCode?: () => string } = {}) {
  const clock = new VirtualClock();
  const store = new MemoryLobbyStore({ ttlMs: TTL_MS, lobbiesMax: options.lobbiesMax ?? 100, nowMs: () => clock.nowMs() });
  return { clock, store, directory: new LobbyDirectory(store, options.drawCode) };
}

function valueOf<T>(outcome: LobbyOutcome<T>): T {
  if ('refusal' in outcome) throw new Error(`refused: ${outcome.refusal}`);
  return outcome.value;
}

test('a created lobby is found by its code', async () => {
  const { directory } = setUp();
  const { code, expiresInMs } = valueOf(await directory.create(ADDRESS));
  expect(expiresInMs).toBe(TTL_MS);
  expect(valueOf(await directory.resolve(code))).toMatchObject({ code, ...ADDRESS });
});

test('codes are canonical, and no symbol of the alphabet is favoured', () => {
  const counts = new Map<string, number>();
  const draws = 20_000;
  for (let i = 0; i < draws; i++) {
    const code = randomCode();
    expect(normaliseCode(code)).toBe(code);
    for (const symbol of code) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  const expected = (draws * CODE_LENGTH) / CODE_ALPHABET.length;
  expect(counts.size).toBe(CODE_ALPHABET.length);
  // Ten standard deviations: a fair source fails this once in 10^22 runs.
  for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(10 * Math.sqrt(expected));
});

test('owner tokens are 256 bits, all different, and never stored in the clear', async () => {
  const { directory, store } = setUp();
  const tokens = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const { code, ownerToken } = valueOf(await directory.create(ADDRESS));
    expect(Buffer.from(ownerToken, 'base64url')).toHaveLength(32);
    expect(JSON.stringify(await store.get(code))).not.toContain(ownerToken);
    tokens.add(ownerToken);
  }
  expect(tokens.size).toBe(50);
});

test('a code in use is not given out again', async () => {
  const codes = ['AAAAAA', 'AAAAAA', 'AAAAAA', 'CCCCCC'];
  const { directory } = setUp({ drawCode: () => codes.shift()! });
  expect(valueOf(await directory.create(ADDRESS)).code).toBe('AAAAAA');
  expect(valueOf(await directory.create(ADDRESS)).code).toBe('CCCCCC');
});

test('drawing a free code is given up after a bounded number of attempts', async () => {
  let draws = 0;
  const { directory } = setUp({
    drawCode: () => {
      draws++;
      return 'AAAAAA';
    },
  });
  await directory.create(ADDRESS);
  expect(await directory.create(ADDRESS)).toEqual({ refusal: 'too-many-lobbies' });
  expect(draws).toBe(6);
});

test('a lobby disappears when its time to live has passed without a heartbeat', async () => {
  const { clock, directory } = setUp();
  const { code } = valueOf(await directory.create(ADDRESS));
  clock.advance(TTL_MS - 1);
  expect(await directory.resolve(code)).toHaveProperty('value');
  expect(await directory.count()).toBe(1);
  clock.advance(1);
  expect(await directory.resolve(code)).toEqual({ refusal: 'unknown-code' });
  expect(await directory.count()).toBe(0);
});

test('a heartbeat keeps its lobby alive and no other', async () => {
  const { clock, directory } = setUp();
  const kept = valueOf(await directory.create(ADDRESS));
  const left = valueOf(await directory.create(ADDRESS));
  for (let i = 0; i < 5; i++) {
    clock.advance(TTL_MS - 1);
    expect(valueOf(await directory.heartbeat(kept.code, kept.ownerToken))).toEqual({ expiresInMs: TTL_MS });
  }
  expect(await directory.resolve(kept.code)).toHaveProperty('value');
  expect(await directory.heartbeat(left.code, left.ownerToken)).toEqual({ refusal: 'unknown-code' });
});

test('only the owner may keep, move or close a lobby', async () => {
  const { directory } = setUp();
  const { code } = valueOf(await directory.create(ADDRESS));
  const stranger = valueOf(await directory.create(ADDRESS)).ownerToken;
  for (const token of [undefined, '', 'x', stranger]) {
    expect(await directory.heartbeat(code, token)).toEqual({ refusal: 'not-owner' });
    expect(await directory.close(code, token)).toEqual({ refusal: 'not-owner' });
  }
  expect(await directory.reclaim(code, stranger, { ...ADDRESS, peerId: 'thief' })).toEqual({ refusal: 'code-taken' });
  expect(await directory.reclaim(code, undefined, ADDRESS)).toEqual({ refusal: 'not-owner' });
  expect(await directory.reclaim(code, 'short', ADDRESS)).toEqual({ refusal: 'not-owner' });
  expect(valueOf(await directory.resolve(code)).peerId).toBe('host-1');
});

test('a closed lobby is gone', async () => {
  const { directory } = setUp();
  const { code, ownerToken } = valueOf(await directory.create(ADDRESS));
  expect(await directory.close(code, ownerToken)).toHaveProperty('value');
  expect(await directory.resolve(code)).toEqual({ refusal: 'unknown-code' });
  expect(await directory.close(code, ownerToken)).toEqual({ refusal: 'unknown-code' });
});

test('after a restart an owner takes its code back with its token', async () => {
  const before = valueOf(await setUp().directory.create(ADDRESS));
  const { directory } = setUp();
  const after = valueOf(await directory.reclaim(before.code, before.ownerToken, ADDRESS));
  expect(after).toEqual(before);
  expect(valueOf(await directory.resolve(before.code)).peerId).toBe('host-1');
  expect(await directory.heartbeat(before.code, before.ownerToken)).toHaveProperty('value');
});

test('an owner moves its living lobby to a new address, which also renews it', async () => {
  const { clock, directory } = setUp();
  const { code, ownerToken } = valueOf(await directory.create(ADDRESS));
  clock.advance(TTL_MS - 1);
  await directory.reclaim(code, ownerToken, { peerId: 'host-2', gameId: 'arena' });
  clock.advance(TTL_MS - 1);
  expect(valueOf(await directory.resolve(code)).peerId).toBe('host-2');
});

test('an owner changes what its lobby says, which also renews it; the rest stays', async () => {
  const { clock, directory } = setUp();
  const { code, ownerToken } = valueOf(await directory.create(ADDRESS, { name: 'Before', players: 2, gameVersion: 3 }));
  clock.advance(TTL_MS - 1);
  expect(valueOf(await directory.update(code, ownerToken, { name: 'After', isPublic: true }))).toEqual({ expiresInMs: TTL_MS });
  clock.advance(TTL_MS - 1);
  expect(valueOf(await directory.resolve(code))).toMatchObject({ ...ADDRESS, name: 'After', players: 2, gameVersion: 3, isPublic: true });
  const stranger = valueOf(await directory.create(ADDRESS)).ownerToken;
  for (const token of [undefined, '', stranger])
    expect(await directory.update(code, token, { name: 'Mine' })).toEqual({ refusal: 'not-owner' });
  expect(valueOf(await directory.resolve(code)).name).toBe('After');
  clock.advance(TTL_MS);
  expect(await directory.update(code, ownerToken, {})).toEqual({ refusal: 'unknown-code' });
});

test('a living lobby that is registered again keeps what is not said anew', async () => {
  const { directory } = setUp();
  const { code, ownerToken } = valueOf(await directory.create(ADDRESS, { name: 'Kept', players: 2 }));
  await directory.reclaim(code, ownerToken, { peerId: 'host-2', gameId: 'arena' }, { players: 3 });
  expect(valueOf(await directory.resolve(code))).toMatchObject({ peerId: 'host-2', name: 'Kept', players: 3 });
});

test('a code that another lobby holds after the restart cannot be taken back', async () => {
  const before = valueOf(await setUp().directory.create(ADDRESS));
  const { directory } = setUp({ drawCode: () => before.code });
  await directory.create({ ...ADDRESS, peerId: 'newcomer' });
  expect(await directory.reclaim(before.code, before.ownerToken, ADDRESS)).toEqual({ refusal: 'code-taken' });
});

test('a full store refuses new lobbies until one expires or closes', async () => {
  const { clock, directory } = setUp({ lobbiesMax: 2 });
  const first = valueOf(await directory.create(ADDRESS));
  clock.advance(TTL_MS / 2);
  await directory.create(ADDRESS);
  expect(await directory.create(ADDRESS)).toEqual({ refusal: 'too-many-lobbies' });
  expect(await directory.reclaim('AAAAAA', first.ownerToken, ADDRESS)).toEqual({ refusal: 'too-many-lobbies' });
  expect(await directory.reclaim(first.code, first.ownerToken, ADDRESS)).toHaveProperty('value');
  await directory.close(first.code, first.ownerToken);
  expect(await directory.create(ADDRESS)).toHaveProperty('value');
  expect(await directory.create(ADDRESS)).toEqual({ refusal: 'too-many-lobbies' });
  clock.advance(TTL_MS);
  expect(await directory.create(ADDRESS)).toHaveProperty('value');
  expect(await directory.count()).toBe(1);
});

test('the memory store refuses limits that make no sense', () => {
  expect(() => new MemoryLobbyStore({ ttlMs: 0, lobbiesMax: 1, nowMs: Date.now })).toThrow('0 ms');
  expect(() => new MemoryLobbyStore({ ttlMs: 1, lobbiesMax: 0, nowMs: Date.now })).toThrow('limit 0');
});
