/** A small game with teams and settings: everyone has a marker that counts the ticks in which they press, up to the limit set. */
import { bool, choice, defineGame, int, toggle, u8, whole } from '../../netcode/index.ts';

export const squadGame = defineGame({
  id: 'squad',
  version: 1,
  playersMax: 4,
  teams: 2,
  settings: {
    mode: choice(['duel', 'teams'], 'duel', { label: 'Mode', labels: { duel: 'Everyone for themselves' } }),
    limit: whole({ min: 10, max: 1000, step: 10, default: 1000, label: 'Points to win' }),
    isFriendly: toggle(false),
  },
  mode: ({ mode, limit }) => `${mode}, ${limit}`,
  input: { press: bool() },
  entities: { marker: { team: u8(), points: int({ min: 0, max: 2000 }), limit: int({ min: 0, max: 2000 }) } },
  policy: { marker: { predict: 'all' } },
  onJoin(world, player, { team, settings }) {
    world.spawn('marker', { owner: player, team, limit: settings.limit });
  },
  step(world, inputs, { settings }) {
    for (const marker of world.all('marker')) if (inputs.of(marker.owner).press) marker.points += settings.mode === 'teams' ? 2 : 1;
  },
  result(world) {
    const winner = [...world.all('marker')].find(({ points, limit }) => points >= limit);
    return winner === undefined ? undefined : { winner: winner.owner };
  },
});

export interface Marker {
  readonly owner: number;
  readonly team: number;
  readonly points: number;
  readonly isMine: boolean;
}

export const markersOf = (room: { view(): readonly object[] }): readonly Marker[] =>
  (room.view() as readonly Marker[]).map(({ owner, team, points, isMine }) => ({ owner, team, points, isMine }));
