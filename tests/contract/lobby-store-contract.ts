/**
 * What every lobby store does, whatever keeps the lobbies. `first` and `second` are two brokers' views of one storage; for a
 * store that cannot be shared they are the same.
 */
import { expect, test, vi } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { DEFAULT_LOBBY_DETAILS } from '../../netcode/wire/lobby-api.ts';
import type { LobbyChange, LobbyStore, StoredLobby } from '../../peer-server/lobby-store.ts';

export interface StoreUnderTest {
  readonly first: LobbyStore;
  readonly second: LobbyStore;
  /** Makes time pass until `isOver`, or fails. */
  readonly until: (isOver: () => Promise<boolean>) => Promise<void>;
}

export interface StoreLimits {
  readonly ttlMs: number;
  readonly lobbiesMax: number;
}

export const OWNER = 'o'.repeat(43);
export const STRANGER = 's'.repeat(43);
const LONG: StoreLimits = { ttlMs: 60_000, lobbiesMax: 100 };
/** Long enough for a few round trips between two moments that a test tells apart. */
const SHORT: StoreLimits = { ttlMs: 400, lobbiesMax: 100 };

export function lobbyOf(code: string, more: Partial<StoredLobby> = {}): StoredLobby {
  const address = { peerId: `host-${code}`, gameId: 'arena', createdAtMs: 1_700_000_000_000, ownerTokenHash: OWNER };
  return { ...DEFAULT_LOBBY_DETAILS, ...address, code, ...more };
}

export function lobbyStoreContract(open: (limits: StoreLimits) => Promise<StoreUnderTest>): void {
  test('[STORE1] a lobby is found, at every broker, as it was created', async () => {
    const { first, second } = await open(LONG);
    const lobby = lobbyOf('AAAAAA', { name: '"Ünïcode" {}\\ 🎮 日本', players: 3, playersMax: 8, gameVersion: 7, isRelayAllowed: true });
    expect(await first.createIfAbsent(lobby)).toBe('created');
    expect(await second.get('AAAAAA')).toEqual(lobby);
    expect(await second.get('CCCCCC')).toBeUndefined();
  });

  test('[STORE2] of many who want one code at once exactly one gets it, and it stays theirs', async () => {
    const { first, second } = await open(LONG);
    const racers = Array.from({ length: 40 }, (_, i) => lobbyOf('AAAAAA', { peerId: `host-${i}` }));
    const answers = await Promise.all(racers.map((lobby, i) => (i % 2 === 0 ? first : second).createIfAbsent(lobby)));
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    expect((await first.get('AAAAAA'))?.peerId).toBe(`host-${answers.indexOf('created')}`);
    expect(await first.count()).toBe(1);
  });

  test('[STORE3] no more lobbies than the limit, over all brokers, until one goes', async () => {
    const { first, second } = await open({ ...LONG, lobbiesMax: 3 });
    const codes = ['AAAAAA', 'CCCCCC', 'DDDDDD', 'EEEEEE', 'FFFFFF'];
    const answers = await Promise.all(codes.map((code, i) => (i % 2 === 0 ? first : second).createIfAbsent(lobbyOf(code))));
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(3);
    expect(answers.filter((answer) => answer === 'full')).toHaveLength(2);
    await second.delete(codes[answers.indexOf('created')]!, OWNER);
    expect(await first.count()).toBe(2);
    expect(await first.createIfAbsent(lobbyOf('GGGGGG'))).toBe('created');
  });

  test('[STORE4] nobody but the owner overwrites, renews or deletes a lobby', async () => {
    const { first, second } = await open(LONG);
    const lobby = lobbyOf('AAAAAA', { isPublic: true });
    await first.createIfAbsent(lobby);
    expect(await second.replace({ ...lobby, peerId: 'thief', ownerTokenHash: STRANGER })).toBe(false);
    expect(await second.touch('AAAAAA', STRANGER)).toBe(false);
    expect(await second.delete('AAAAAA', STRANGER)).toBe(false);
    expect(await first.get('AAAAAA')).toEqual(lobby);
    expect(await second.replace({ ...lobby, players: 2 })).toBe(true);
    expect((await first.get('AAAAAA'))?.players).toBe(2);
    expect(await second.touch('AAAAAA', OWNER)).toBe(true);
    expect(await second.delete('AAAAAA', OWNER)).toBe(true);
    expect(await first.get('AAAAAA')).toBeUndefined();
  });

  test('[STORE5] what is not there is not brought back by its owner changing it', async () => {
    const { first } = await open(LONG);
    expect(await first.replace(lobbyOf('AAAAAA'))).toBe(false);
    expect(await first.touch('AAAAAA', OWNER)).toBe(false);
    expect(await first.delete('AAAAAA', OWNER)).toBe(false);
    expect(await first.count()).toBe(0);
    expect(await first.listPublic()).toEqual([]);
  });

  test('[STORE6] a lobby ends after its time to live, and its code is free', async () => {
    const { first, second, until } = await open(SHORT);
    await first.createIfAbsent(lobbyOf('AAAAAA', { isPublic: true }));
    await until(async () => (await first.get('AAAAAA')) === undefined);
    expect(await second.count()).toBe(0);
    expect(await second.listPublic()).toEqual([]);
    expect(await second.createIfAbsent(lobbyOf('AAAAAA', { ownerTokenHash: STRANGER }))).toBe('created');
  });

  test('[STORE7] signs of life keep a lobby while its silent neighbour ends', async () => {
    const { first, second, until } = await open(SHORT);
    for (const code of ['AAAAAA', 'CCCCCC', 'DDDDDD']) await first.createIfAbsent(lobbyOf(code, { isPublic: true }));
    await until(async () => {
      expect(await second.touch('AAAAAA', OWNER)).toBe(true);
      expect(await first.replace(lobbyOf('CCCCCC', { isPublic: true }))).toBe(true);
      return (await first.get('DDDDDD')) === undefined;
    });
    expect(await second.count()).toBe(2);
    expect((await first.listPublic()).map(({ listing }) => listing.code).toSorted()).toEqual(['AAAAAA', 'CCCCCC']);
  });

  test('[STORE8] public lobbies are listed without a word that strangers must not read', async () => {
    const { first, second } = await open(LONG);
    await first.createIfAbsent(lobbyOf('AAAAAA', { isPublic: true, name: 'Seen' }));
    await first.createIfAbsent(lobbyOf('CCCCCC', { name: 'Hidden' }));
    const listed = await second.listPublic();
    expect(listed).toEqual([{ listing: expect.objectContaining({ code: 'AAAAAA', name: 'Seen' }), expiresInMs: expect.any(Number) }]);
    expect(Object.keys(listed[0]!.listing).toSorted()).toEqual([
      'code',
      'createdAtMs',
      'gameId',
      'gameVersion',
      'hasPassword',
      'isLocked',
      'isRelayAllowed',
      'mode',
      'name',
      'players',
      'playersMax',
      'rttMs',
    ]);
    expect(listed[0]!.expiresInMs).toBeGreaterThan(0);
    expect(listed[0]!.expiresInMs).toBeLessThanOrEqual(LONG.ttlMs);
  });

  test('[STORE9] every broker hears what happens to public lobbies, in order, and nothing of private ones', async () => {
    const { first, second } = await open(LONG);
    const heard: LobbyChange[] = [];
    second.onChange((change) => {
      if (change.kind !== 'missed') heard.push(change);
    });
    const shown = lobbyOf('AAAAAA', { isPublic: true });
    await first.createIfAbsent(lobbyOf('CCCCCC'));
    await first.touch('CCCCCC', OWNER);
    await first.replace(lobbyOf('CCCCCC', { players: 5 }));
    await first.delete('CCCCCC', OWNER);
    await first.createIfAbsent(shown);
    await first.touch('AAAAAA', OWNER);
    await first.replace({ ...shown, players: 2 });
    await first.replace({ ...shown, isPublic: false });
    await first.replace({ ...shown, players: 3 });
    await first.delete('AAAAAA', OWNER);
    await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(6), 10_000);
    const words = heard.map((change) => (change.kind === 'put' ? `put ${change.listing.players}` : change.kind));
    expect(words).toEqual(['put 1', 'touched', 'put 2', 'gone', 'put 3', 'gone']);
    expect(heard.every((change) => JSON.stringify(change).includes('AAAAAA'))).toBe(true);
    expect(JSON.stringify(heard)).not.toContain(OWNER);
  });
}

/** The same random work at two stores: every answer must be the same. */
export async function expectToAgree(a: LobbyStore, b: LobbyStore, seed: number): Promise<void> {
  const rng = new Sfc32(seed);
  const codes = ['AAAAAA', 'CCCCCC', 'DDDDDD', 'EEEEEE', 'FFFFFF', 'GGGGGG'];
  const pick = <T>(list: readonly T[]): T => list[rng.below(list.length)]!;
  for (let step = 0; step < 400; step++) {
    const lobby = lobbyOf(pick(codes), { ownerTokenHash: pick([OWNER, STRANGER]), isPublic: pick([true, false]), players: rng.below(9) });
    const { code, ownerTokenHash } = lobby;
    const work = pick<(store: LobbyStore) => Promise<unknown>>([
      (store) => store.createIfAbsent(lobby),
      (store) => store.replace(lobby),
      (store) => store.touch(code, ownerTokenHash),
      (store) => store.delete(code, ownerTokenHash),
      (store) => store.get(code),
      (store) => store.count(),
      async (store) => (await store.listPublic()).map(({ listing }) => JSON.stringify(listing)).toSorted(),
    ]);
    const [ofA, ofB] = await Promise.all([work(a), work(b)]);
    expect(ofB, `seed ${seed}, step ${step}: ${String(work)} ${JSON.stringify(lobby)}`).toEqual(ofA);
  }
}
