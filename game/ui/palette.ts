/** The players' colours: bright enough to be read on the dark arena (contrast above 4.5:1), and named, since not everyone tells them apart. */
import { PLAYER_COLORS } from '../../netcode/index.ts';

export interface PlayerColor {
  readonly name: string;
  readonly hex: string;
  readonly rgb: number;
}

const COLORS: readonly (readonly [string, string])[] = [
  ['Cyan', '#38e1ff'],
  ['Coral', '#ff6b6b'],
  ['Lime', '#a6f04a'],
  ['Amber', '#ffb938'],
  ['Violet', '#b18cff'],
  ['Pink', '#ff7ad9'],
  ['Mint', '#4df0b4'],
  ['Orange', '#ff8f45'],
  ['Sky', '#7ab8ff'],
  ['Yellow', '#ffe95c'],
  ['Rose', '#ff5f8a'],
  ['Green', '#5ddc5d'],
  ['Lavender', '#dcbcff'],
  ['Teal', '#35c9c0'],
  ['Sand', '#e5c99a'],
  ['White', '#f2f5ff'],
];

export const PALETTE: readonly PlayerColor[] = COLORS.slice(0, PLAYER_COLORS).map(([name, hex]) => ({
  name,
  hex,
  rgb: Number.parseInt(hex.slice(1), 16),
}));

const UNKNOWN: PlayerColor = { name: 'Grey', hex: '#aab3cf', rgb: 0xaab3cf };

/** The colour of an index; grey for a player who is gone. */
export const colorOf = (index: number): PlayerColor => PALETTE[index] ?? UNKNOWN;

/** Two colours that hardly anybody mistakes for each other. */
const TEAMS: readonly PlayerColor[] = [
  { name: 'Blue', hex: '#6cb4ff', rgb: 0x6cb4ff },
  { name: 'Orange', hex: '#ff9a45', rgb: 0xff9a45 },
];

/** The name and colour of a team. */
export const teamOf = (team: number): PlayerColor => TEAMS[team] ?? UNKNOWN;
/** All teams, in order. */
export const TEAM_NAMES: readonly string[] = TEAMS.map(({ name }) => name);
