/** The result of a match as a guest reads it: the host's page may be anybody's. */
import { expect, test } from 'vitest';
import { PLAYERS_MAX, readResult } from '../../../game/rules/state.ts';

const standing = { player: 3, team: 1, kills: 10, deaths: 2 };

test('an honest result is read as it is', () => {
  const result = { ranking: [standing, { ...standing, player: 0 }], teams: [4, 10] };
  expect(readResult(result)).toEqual(result);
  expect(readResult({ ranking: [standing], teams: undefined })).toEqual({ ranking: [standing], teams: undefined });
});

test.each([undefined, null, 5, 'x', [], {}, { ranking: 5 }, { ranking: {}, teams: 'both' }, { ranking: [null, 7, [], 'x', {}] }])(
  'of %j nothing is left',
  (value) => expect(readResult(value)).toEqual({ ranking: [], teams: undefined }),
);

test.each([{ kills: -1 }, { kills: 1.5 }, { kills: '10' }, { deaths: NaN }, { deaths: 1e9 }, { player: null }, { team: {} }])(
  'a standing with %j is left out',
  (flaw) => expect(readResult({ ranking: [{ ...standing, ...flaw }, standing] }).ranking).toEqual([standing]),
);

test('no more standings than players are read, and of teams there are two or none', () => {
  const ranking = Array.from({ length: 10_000 }, () => standing);
  expect(readResult({ ranking }).ranking).toHaveLength(PLAYERS_MAX);
  for (const teams of [[1], [1, 2, 3], [1, -2], [1, null]]) expect(readResult({ ranking, teams }).teams).toBeUndefined();
});
