/** What is believed of a lobby, on both sides of the wire. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DEFAULT_LOBBY_DETAILS,
  filterParams,
  isCanonicalCode,
  type LobbyFilter,
  type LobbyListing,
  matchesFilter,
  readFilter,
  readLobbyListing,
  readLobbyUpdate,
  readWholeNumber,
} from '../../../netcode/wire/lobby-api.ts';

const LISTING: LobbyListing = {
  code: 'K7QX2M',
  gameId: 'arena',
  gameVersion: 3,
  name: 'Friday',
  players: 2,
  playersMax: 4,
  isLocked: false,
  isRelayAllowed: true,
  mode: 'Teams, first to 10',
  hasPassword: true,
  rttMs: 40,
  createdAtMs: 1_700_000_000_000,
};

test('nothing at all makes the readers throw, and what they accept they accept again', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const listing = readLobbyListing(value);
      if (listing !== undefined) expect(readLobbyListing(listing)).toEqual(listing);
      const record = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
      const update = readLobbyUpdate(record);
      if (typeof update !== 'string') expect(readLobbyUpdate({ ...update })).toEqual(update);
      readFilter(record);
      readWholeNumber(value, 9);
      isCanonicalCode(value);
    }),
  );
});

test('a listing with one wrong field is none, and is given with its known fields only', () => {
  expect(readLobbyListing({ ...LISTING, extra: 1, peerId: 'x', isPublic: 'whatever' })).toEqual(LISTING);
  const wrong: readonly (readonly [keyof LobbyListing, readonly unknown[]])[] = [
    ['code', ['k7qx2m', 'K7QX2', 7, null, undefined]],
    ['gameId', ['', 'A', 'x'.repeat(33), 7, undefined]],
    ['gameVersion', [-1, 1.5, 65_536, '3', null]],
    ['name', [7, null, 'x'.repeat(49), 'a\u0000b', 'a\nb', 'a\u202eb', '\ud800', '\u2028']],
    ['players', [-1, 256, 1.5, NaN, '2']],
    ['playersMax', [0, 256, Infinity]],
    ['isLocked', [0, 'false', null]],
    ['isRelayAllowed', [1, {}]],
    ['mode', ['x'.repeat(25), 'a\nb', 7]],
    ['hasPassword', [0, 'false']],
    ['rttMs', [-1, 0.5, 10_001, '40', null]],
    ['createdAtMs', [-1, 1.5, '0', 1e300, undefined]],
  ];
  for (const [field, values] of wrong)
    for (const value of values) expect(readLobbyListing({ ...LISTING, [field]: value }), `${field} ${String(value)}`).toBeUndefined();
});

test('names of all the world are names', () => {
  for (const name of ['', 'Müller', '日本語', '🎮👨‍👩‍👧', 'שלום', 'a'.repeat(48)]) expect(readLobbyUpdate({ name })).toEqual({ name });
});

test('an update is what it says, without anything else', () => {
  expect(readLobbyUpdate({})).toEqual({});
  expect(readLobbyUpdate({ players: 2, peerId: 'x', __proto__: null })).toEqual({ players: 2 });
  expect(readLobbyUpdate({ ...DEFAULT_LOBBY_DETAILS })).toEqual(DEFAULT_LOBBY_DETAILS);
  expect(readLobbyUpdate({ players: 'two' })).toMatch(/^'players' must be a whole number/);
});

test('a filter goes through the query string and back', () => {
  const filter = fc.record(
    {
      gameId: fc.constantFrom('arena', 'pong-2'),
      gameVersion: fc.nat(65_535),
      hasRoom: fc.boolean(),
      isOpen: fc.boolean(),
      text: fc.constantFrom('a b&c=d%', 'ü', '日本'),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(filter, (filter) => {
      const query = Object.fromEntries(new URLSearchParams(filterParams(filter as LobbyFilter).map(([name, value]) => [name, value])));
      expect(readFilter(query)).toEqual(filter);
    }),
  );
});

test('every part of the filter must match', () => {
  const matches = (filter: LobbyFilter): boolean => matchesFilter(LISTING, filter);
  expect(matches({})).toBe(true);
  expect(matches({ gameId: 'arena', gameVersion: 3, hasRoom: true, isOpen: true, text: 'fri' })).toBe(true);
  for (const filter of [{ gameId: 'pong' }, { gameVersion: 4 }, { hasRoom: false }, { isOpen: false }, { text: 'monday' }])
    expect(matches({ gameId: 'arena', ...filter }), JSON.stringify(filter)).toBe(false);
});
