/** What the host may choose in the lobby, and what strangers read of it in the list of public lobbies. */
import { choice, type SettingsOf, toggle, whole } from '../../netcode/index.ts';

export const MINUTES_MAX = 10;
/** What holds where the host has chosen nothing. */
export const MINUTES_DEFAULT = 3;
export const KILLS_TO_WIN_DEFAULT = 10;

export const settings = {
  mode: choice(['duel', 'teams'], 'duel', {
    label: 'Mode',
    labels: { duel: 'Everyone for themselves', teams: 'Two teams' },
  }),
  minutes: whole({ min: 1, max: MINUTES_MAX, default: MINUTES_DEFAULT, label: 'Minutes' }),
  killsToWin: whole({ min: 1, max: 50, default: KILLS_TO_WIN_DEFAULT, label: 'Kills to win' }),
  friendlyFire: toggle(false, { label: 'Shots hurt team mates' }),
};

export type ArenaSettings = SettingsOf<typeof settings>;

/** At most 24 characters, as the list wants it. */
export const modeOf = ({ mode, minutes, killsToWin }: ArenaSettings): string =>
  `${mode === 'teams' ? 'Teams' : 'Duel'}, ${minutes} min, ${killsToWin} kills`;
