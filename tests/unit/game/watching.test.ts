/** Whom a spectator sees. */
import { expect, test } from 'vitest';
import { Watching } from '../../../game/ui/watching.ts';
import { ArenaMatch } from './arena-match.ts';

test('the leader, until somebody is picked; then that one, for as long as they are there', () => {
  const match = new ArenaMatch(3);
  const watching = new Watching();
  for (const score of match.world.all('score')) if (score.owner === 2) score.kills = 3;
  watching.look(match.view());
  expect(watching.target).toBe(2);
  watching.step(match.view(), 1);
  expect(watching.target).toBe(3);
  watching.step(match.view(), 1);
  expect(watching.target).toBe(1);
  watching.step(match.view(), -1);
  expect(watching.target).toBe(3);
  match.step(1, { left: [3 as never] });
  watching.look(match.view());
  expect(watching.target).toBe(2);
});

test('nobody while nobody plays', () => {
  const watching = new Watching();
  watching.step([], 1);
  watching.look([]);
  expect(watching.target).toBeUndefined();
});
