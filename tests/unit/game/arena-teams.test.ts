/** What the host's settings do to a match: teams, length, goal. One test a rule. */
import { describe, expect, test } from 'vitest';
import type { PlayerId } from '../../../netcode/index.ts';
import type { World } from '../../../netcode/world/world.ts';
import { ARENA_WIDTH, isBlocked, startOf } from '../../../game/rules/arena-map.ts';
import { arena } from '../../../game/rules/arena.ts';
import { botInput } from '../../../game/rules/bot.ts';
import { type ArenaSettings, modeOf, settings } from '../../../game/rules/settings.ts';
import { COOLDOWN_TICKS, ENDING_TICKS, HP_MAX, PLAYERS_MAX, SHIP_RADIUS, TEAMS, TICK_RATE } from '../../../game/rules/state.ts';
import { ArenaMatch } from './arena-match.ts';

const inTeams = (players: number, more: Partial<ArenaSettings> = {}): ArenaMatch => new ArenaMatch(players, 1, { mode: 'teams', ...more });

/** `by` empties its gun into `target`, until that is done for. */
function shootDown(match: ArenaMatch, by: number, target: number): void {
  match.place(by, 300, 650);
  match.place(target, 420, 650).hp = HP_MAX;
  match.control(by, { fire: true });
  match.step(COOLDOWN_TICKS * (HP_MAX - 1) + 15);
  match.control(by, {});
}

describe('starts', () => {
  test('are clear, apart from each other, and in teams on their own side', () => {
    for (const team of [undefined, 0, 1]) {
      const places = Array.from({ length: PLAYERS_MAX }, (_, n) => startOf(n + 1, team));
      for (const [n, place] of places.entries()) {
        expect(isBlocked(place.x, place.y, SHIP_RADIUS * 1.5), JSON.stringify(place)).toBe(false);
        if (team !== undefined) expect(place.x < ARENA_WIDTH / 2).toBe(team === 0);
        for (const other of places.slice(n + 1))
          expect(Math.hypot(place.x - other.x, place.y - other.y), JSON.stringify([place, other])).toBeGreaterThan(2 * SHIP_RADIUS);
      }
    }
  });

  test('of sixteen who begin together are all different', () => {
    for (const mode of ['duel', 'teams'] as const) {
      const match = new ArenaMatch(PLAYERS_MAX, 1, { mode });
      expect(new Set([...match.world.all('ship')].map(({ pos }) => `${pos.x},${pos.y}`)).size).toBe(PLAYERS_MAX);
    }
  });

  test('of who comes later are far from enemies', () => {
    const match = inTeams(2);
    match.place(1, 150, 150);
    match.place(2, 1450, 850);
    match.step(1, { joined: [3 as PlayerId], teams: [0] });
    const late = match.ship(3);
    expect(late.team).toBe(0);
    expect(Math.hypot(late.pos.x - 1450, late.pos.y - 850)).toBeGreaterThan(1000);
  });
});

describe('in teams', () => {
  test('ships know their team, and seats without one are in none', () => {
    expect([1, 2, 3].map((player) => inTeams(3).ship(player).team)).toEqual([0, 1, 0]);
    expect(new ArenaMatch(3).ship(2).team).toBe(0);
    expect(inTeams(2).world.first('match')?.hasTeams).toBe(true);
    expect(new ArenaMatch(2).world.first('match')?.hasTeams).toBe(false);
  });

  test('shots fly through mates and hit enemies', () => {
    const match = inTeams(3);
    match.place(3, 360, 650);
    shootDown(match, 1, 2);
    expect([match.ship(3).hp, match.ship(2).life]).toEqual([HP_MAX, 'doomed']);
  });

  test('a kill counts for player and team, and stays the team’s when the player leaves', () => {
    const match = inTeams(3);
    match.place(3, 1000, 100);
    shootDown(match, 1, 2);
    expect(match.score(1).kills).toBe(1);
    expect(match.world.first('match')).toMatchObject({ kills0: 1, kills1: 0 });
    match.step(1, { left: [1 as PlayerId] });
    expect(match.world.first('match')).toMatchObject({ kills0: 1, kills1: 0 });
  });

  test('mates can be hurt if the host wants it so, which counts for nobody', () => {
    const match = inTeams(3, { friendlyFire: true });
    match.place(2, 1000, 100);
    shootDown(match, 1, 3);
    expect(match.ship(3).life).toBe('doomed');
    expect([match.score(1).kills, match.score(3).deaths]).toEqual([0, 1]);
    expect(match.world.first('match')).toMatchObject({ kills0: 0, kills1: 0 });
  });

  test('the team’s kills together end the match and make the result', () => {
    const match = inTeams(4, { killsToWin: 2 });
    for (const player of [3, 4]) match.place(player, 1000, 100 + player * 60);
    shootDown(match, 1, 2);
    expect(match.world.first('match')?.state).toBe('running');
    for (const player of [1, 2]) match.place(player, 1000, 500 + player * 60);
    shootDown(match, 3, 4);
    expect(match.world.first('match')?.state).toBe('ending');
    match.step(ENDING_TICKS);
    expect(match.result()).toMatchObject({ teams: [2, 0] });
    expect(match.result()?.ranking.map(({ player, team }) => [player, team])).toEqual([
      [1, 0],
      [3, 0],
      [2, 1],
      [4, 1],
    ]);
  });

  test('bots leave their mates alone', () => {
    const match = inTeams(3);
    match.place(1, 300, 650);
    match.place(3, 420, 650);
    match.place(2, 300, 850);
    const towards = botInput(match.view(), 1 as PlayerId).heading;
    expect(Math.sin(towards)).toBeGreaterThan(0.9);
  });

  test('nobody in a match without teams is spared, whatever team the lobby had them in', () => {
    const match = new ArenaMatch(3);
    match.place(2, 1000, 100);
    shootDown(match, 1, 3);
    expect([match.ship(3).life, match.score(1).kills]).toEqual(['doomed', 1]);
  });
});

describe('settings', () => {
  test('say how long a match lasts', () => {
    const match = new ArenaMatch(2, 1, { minutes: 1 });
    match.step(60 * TICK_RATE - 2);
    expect(match.world.first('match')?.state).toBe('running');
    match.step();
    expect(match.world.first('match')?.state).toBe('ending');
  });

  test('say how many kills win', () => {
    const match = new ArenaMatch(2, 1, { killsToWin: 1 });
    shootDown(match, 1, 2);
    expect(match.world.first('match')?.state).toBe('ending');
  });

  test('fit into the state at their largest', () => {
    const match = new ArenaMatch(2, 1, { minutes: settings.minutes.max, killsToWin: settings.killsToWin.max });
    expect(match.world.first('match')?.secondsLeft).toBe(settings.minutes.max * 60);
    expect(arena.teams).toBe(TEAMS);
  });

  test('are told to strangers in 24 characters', () => {
    for (const mode of ['duel', 'teams'] as const)
      expect(
        modeOf({ mode, minutes: settings.minutes.max, killsToWin: settings.killsToWin.max, friendlyFire: true }).length,
      ).toBeLessThanOrEqual(24);
  });

  test('counts stop before they could overflow', () => {
    const match = new ArenaMatch(2, 1, { killsToWin: settings.killsToWin.max });
    for (const score of match.world.all('score')) Object.assign(score, { kills: score.owner === 1 ? 40 : 0, deaths: 255 });
    const spawner = match.world as unknown as World;
    match.place(2, 420, 650).hp = 1;
    spawner.spawn('bullet', { owner: 1 as PlayerId, pos: { x: 395, y: 650 }, vel: { x: 660, y: 0 }, diesAt: 999 });
    spawner.commit();
    match.step();
    expect([match.score(1).kills, match.score(2).deaths]).toEqual([41, 255]);
  });
});
