/** The broker's copy of the public lobbies: in order, complete, and right again after it missed something. */
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { CODE_ALPHABET, DEFAULT_LOBBY_DETAILS, listingOf, type LobbyListing } from '../../../netcode/wire/lobby-api.ts';
import type { LobbyChange, LobbyStore, PublicLobby } from '../../../peer-server/lobby-store.ts';
import { PublicLobbies, type PublicLobbyChange, readCursor } from '../../../peer-server/public-lobbies.ts';

const TTL_MS = 1000;

/** A store of which only what the copy uses is there, in the test's hands. */
class FakeStore {
  readonly ttlMs = TTL_MS;
  timeMs = 0;
  /** What `listPublic` says, when it is let. */
  listed: readonly PublicLobby[] = [];
  tell: (change: LobbyChange) => void = () => undefined;
  readonly #readers: ((lobbies: readonly PublicLobby[]) => void)[] = [];

  nowMs = (): number => this.timeMs;

  onChange(listener: (change: LobbyChange) => void): void {
    this.tell = listener;
  }

  listPublic(): Promise<readonly PublicLobby[]> {
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  get readsPending(): number {
    return this.#readers.length;
  }

  async answerRead(lobbies: readonly PublicLobby[]): Promise<void> {
    this.#readers.shift()!(lobbies);
    // The copy goes on a few turns later.
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

function setUp() {
  const store = new FakeStore();
  const lobbies = new PublicLobbies(store as unknown as LobbyStore);
  const changes: PublicLobbyChange[] = [];
  lobbies.onChange((change) => changes.push(change));
  const codes = (): string[] => lobbies.list({}, { limit: 1000 }).lobbies.map(({ code }) => code);
  return { store, lobbies, changes, codes };
}

function listing(code: string, more: Partial<LobbyListing> = {}): LobbyListing {
  return listingOf({ ...DEFAULT_LOBBY_DETAILS, code, gameId: 'arena', createdAtMs: 0, ...more });
}

const put = (code: string, more: Partial<LobbyListing> = {}): LobbyChange => ({
  kind: 'put',
  listing: listing(code, more),
  expiresInMs: TTL_MS,
});

test('what was there before it started is read from the store', async () => {
  const { store, codes } = setUp();
  await store.answerRead([{ listing: listing('AAAAAA'), expiresInMs: 500 }]);
  expect(codes()).toEqual(['AAAAAA']);
  store.timeMs = 500;
  expect(codes()).toEqual([]);
});

test('what is told while the store is being read is newer than what is read', async () => {
  const { store, lobbies, codes } = setUp();
  store.tell(put('AAAAAA', { players: 5 }));
  store.tell(put('CCCCCC'));
  store.tell({ kind: 'gone', code: 'CCCCCC' });
  await store.answerRead([
    { listing: listing('AAAAAA', { players: 1 }), expiresInMs: TTL_MS },
    { listing: listing('CCCCCC'), expiresInMs: TTL_MS },
  ]);
  expect(codes()).toEqual(['AAAAAA']);
  expect(lobbies.get('AAAAAA')?.players).toBe(5);
});

test('after something was missed everything is read anew, and only differences are told', async () => {
  const { store, changes, codes } = setUp();
  await store.answerRead([]);
  for (const code of ['AAAAAA', 'CCCCCC', 'DDDDDD']) store.tell(put(code));
  changes.length = 0;
  store.tell({ kind: 'missed' });
  store.tell({ kind: 'missed' });
  expect(store.readsPending).toBe(1);
  const read = [listing('AAAAAA'), listing('CCCCCC', { players: 2 }), listing('EEEEEE')];
  await store.answerRead(read.map((listing) => ({ listing, expiresInMs: TTL_MS })));
  expect(codes()).toEqual(['AAAAAA', 'CCCCCC', 'EEEEEE']);
  expect(changes.map(({ code }) => code)).toEqual(['DDDDDD', 'CCCCCC', 'EEEEEE']);
  // Asked for while the first was on its way: what the first read may have been older.
  expect(store.readsPending).toBe(1);
});

test('a renewed lobby outlives one that was not, also one read with less time left', async () => {
  const { store, codes } = setUp();
  const read = [listing('AAAAAA'), listing('CCCCCC'), listing('DDDDDD')];
  await store.answerRead(read.map((listing, i) => ({ listing, expiresInMs: 900 - 300 * i })));
  store.timeMs = 250;
  store.tell({ kind: 'touched', code: 'DDDDDD' });
  store.tell({ kind: 'touched', code: 'YYYYYY' });
  store.timeMs = 700;
  expect(codes()).toEqual(['AAAAAA', 'DDDDDD']);
  store.timeMs = 1000;
  expect(codes()).toEqual(['DDDDDD']);
});

test('it is as a naive list would be, after any changes, on any page', () => {
  const seed = randomInt(2 ** 31);
  const rng = new Sfc32(seed);
  const { store, lobbies, changes } = setUp();
  const model = new Map<string, LobbyListing>();
  const told = new Map<string, LobbyListing>();
  for (let step = 0; step < 3000; step++) {
    const code = 'AAAAA' + CODE_ALPHABET[rng.below(20)];
    if (rng.below(3) === 0) {
      store.tell({ kind: 'gone', code });
      model.delete(code);
    } else {
      const next = listing(code, { createdAtMs: rng.below(5), players: rng.below(4), playersMax: 3 });
      store.tell({ kind: 'put', listing: next, expiresInMs: TTL_MS });
      model.set(code, next);
    }
    for (const { code: changed, before, after } of changes.splice(0)) {
      expect(told.get(changed), `seed ${seed}`).toEqual(before);
      if (after === undefined) told.delete(changed);
      else told.set(changed, after);
    }
    if (step % 20 !== 0) continue;
    const wanted = [...model.values()]
      .filter(({ players, playersMax }) => players < playersMax)
      .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.code < b.code ? -1 : 1));
    const limit = 1 + rng.below(6);
    const seen: LobbyListing[] = [];
    for (let cursor = undefined as ReturnType<typeof readCursor>; ;) {
      const page = lobbies.list({ hasRoom: true }, { limit, cursor });
      expect(page.lobbies.length).toBeLessThanOrEqual(limit);
      seen.push(...page.lobbies);
      if (page.nextCursor === undefined) break;
      cursor = readCursor(page.nextCursor);
      expect(cursor).toBeDefined();
    }
    expect(seen, `seed ${seed}, step ${step}`).toEqual(wanted);
    expect(told, `seed ${seed}, step ${step}`).toEqual(model);
  }
});

test('it is bounded, whatever it is told', () => {
  const { store, codes, lobbies } = setUp();
  const codeOf = (n: number): string => {
    let code = '';
    for (let i = 0, rest = n; i < 6; i++, rest = Math.floor(rest / CODE_ALPHABET.length))
      code += CODE_ALPHABET[rest % CODE_ALPHABET.length];
    return code;
  };
  for (let i = 0; i < 25_000; i++) store.tell(put(codeOf(i), { createdAtMs: i }));
  expect(lobbies.list({}, { limit: 30_000 }).lobbies).toHaveLength(20_000);
  store.tell({ kind: 'gone', code: codeOf(0) });
  store.tell(put(codeOf(24_999)));
  expect(codes()).toHaveLength(1000);
  expect(lobbies.get(codeOf(24_999))).toBeDefined();
});
