/**
 * What the arena's state, inputs and events are made of, and the figures that say how it plays.
 * Fields that would change every tick only to count (cooldowns, lifetimes) hold the tick at which they end instead:
 * a field that stands still costs no bytes.
 */
import {
  angle,
  bool,
  type Entity,
  enumOf,
  event,
  float,
  int,
  type JoinContext,
  moment,
  type StepContext,
  teleport,
  u8,
  vec2,
  type WorldView,
} from '../../netcode/index.ts';
import { ARENA_HEIGHT, ARENA_WIDTH, ENTRANCES } from './arena-map.ts';
import { MINUTES_MAX, type settings } from './settings.ts';

/** Steps per second: every `…Ticks` below counts these. */
export const TICK_RATE = 60;
/** The arena is roomy for eight and lively for sixteen. */
export const PLAYERS_MAX = 16;
/** In mode 'teams'. Everywhere else nobody is in one, whatever the lobby says. */
export const TEAMS = 2;

export const SHIP_RADIUS = 16;
export const THRUST = 540; // px/s²
export const TURN_RATE = 4.4; // rad/s
/** Speed falls by this share each second, and by a fixed amount besides, so that a ship left alone comes to exact rest. */
export const DRAG = 0.8;
export const FRICTION = 24; // px/s²
export const BRAKE = 520; // px/s²
export const SPEED_MAX = 380; // px/s
/** Below this a drifting ship stands: the last few pixels would take seconds. */
export const REST_SPEED = 3; // px/s
/** What is left of the speed into a wall. */
export const BOUNCE = 0.5;

export const HP_MAX = 4;
export const BULLET_RADIUS = 4;
export const BULLET_SPEED = 660; // px/s
export const BULLET_TICKS = 72;
export const COOLDOWN_TICKS = 13;

/**
 * Hit for the last time, a ship still flies and fires for so long, burning, and then explodes. On 150 ms there and back, 30 ms of
 * jitter and a lost packet its own pilot's screen knows of it before that tick comes, and so does everybody's: nobody fires shots
 * that never were, because they were dead already and did not know.
 */
export const DOOMED_TICKS = 16;
/** A wreck stays this long, then shows as a ghost where it will enter, then cannot be hurt, then lives. */
export const DEAD_TICKS = 75;
export const GHOST_TICKS = 36;
export const SAFE_TICKS = 90;

/** What kills and deaths are counted in. */
export const COUNT_MAX = 255;
/** The last explosion is worth seeing before the table covers it. */
export const ENDING_TICKS = 100;

const ARENA_FIELD_MAX = Math.max(ARENA_WIDTH, ARENA_HEIGHT);
/** Fine enough that a ship at rest speed still moves each tick, and that rounding never bends a path visibly. */
const position = (smooth: 'linear' | 'hermite') => vec2({ min: 0, max: ARENA_FIELD_MAX, step: 1 / 32, velocity: 'vel', smooth });
const seat = () => int({ min: 0, max: 31 });

export const input = {
  /** -1 turns left, 1 turns right. */
  turn: int({ min: -1, max: 1 }),
  /** With `isAiming` the ship turns towards `heading` by itself (touch, bot) and `turn` is ignored. */
  isAiming: bool(),
  heading: angle({ bits: 10 }),
  thrust: bool(),
  brake: bool(),
  /** Held: fires as often as the gun allows. */
  fire: bool(),
  /** A press, however short: it reaches exactly one tick even if the key is up again by then. */
  trigger: event(),
};

export const entities = {
  ship: {
    pos: position('hermite'),
    vel: vec2({ min: -512, max: 512, step: 1 / 16 }),
    angle: angle(),
    hp: int({ min: 0, max: HP_MAX }),
    life: enumOf(['ghost', 'safe', 'alive', 'doomed', 'dead']),
    /** The tick at which `life` goes on to the next; meaningless while 'alive'. */
    lifeUntil: moment(),
    /** Of a doomed ship or a wreck: whose shot it was. */
    killer: seat(),
    /**
     * Of a doomed ship or a wreck: the number of the entrance at which it will come back. Chosen when it dies and told at once, so that by the time it
     * is needed every screen knows it, and shows the new life in the right place from its first tick on.
     */
    entrance: int({ min: 0, max: ENTRANCES.length - 1 }),
    /** When it was last put there. */
    warpedAt: teleport(),
    /** The tick from which the gun fires again. */
    readyAt: moment(),
    isThrusting: bool(),
    /** Says nothing while `match.hasTeams` is false. */
    team: int({ min: 0, max: TEAMS - 1 }),
  },
  bullet: {
    // Straight, but for its end.
    pos: position('linear'),
    vel: vec2({ min: -1024, max: 1024, step: 1 / 4, smooth: 'none' }),
    diesAt: moment(),
  },
  /** One for each player, apart from the ship so that a kill shows when the host has confirmed it, never to be taken back. */
  score: { kills: u8(), deaths: u8() },
  /** One for all. */
  match: {
    state: enumOf(['running', 'ending', 'over']),
    secondsLeft: int({ min: 0, max: MINUTES_MAX * 60 }),
    overAt: moment(),
    hasTeams: bool(),
    /** Kills of each team, kept apart from its players': they stay when a player leaves. */
    kills0: u8(),
    kills1: u8(),
  },
};

const place = { x: float({ min: 0, max: ARENA_FIELD_MAX, step: 1 }), y: float({ min: 0, max: ARENA_FIELD_MAX, step: 1 }) };

export const events = {
  shot: { ...place, by: seat() },
  hit: { ...place, target: seat(), by: seat() },
  explode: { ...place, victim: seat(), killer: seat() },
  enter: { ...place, player: seat() },
};

export type ArenaWorld = WorldView<typeof entities>;
export type ArenaContext = StepContext<typeof events, typeof settings>;
export type ArenaJoinContext = JoinContext<typeof events, typeof settings>;
export type Ship = Entity<typeof entities.ship, 'ship'>;

/** How one player did, best first in a `MatchResult`. */
export interface Standing {
  readonly player: number;
  readonly team: number;
  readonly kills: number;
  readonly deaths: number;
}

export interface MatchResult {
  readonly ranking: readonly Standing[];
  /** Kills by team; undefined where there were none. */
  readonly teams: readonly number[] | undefined;
}

/** What the host of a match says of its end, as far as it makes sense: it may come from a page that is no honest copy of this one. */
export function readResult(value: unknown): MatchResult {
  const { ranking, teams } = recordOf(value);
  return {
    ranking: Array.isArray(ranking) ? ranking.slice(0, PLAYERS_MAX).flatMap((standing) => readStanding(standing) ?? []) : [],
    teams: Array.isArray(teams) && teams.length === TEAMS && teams.every(isCount) ? [...teams] : undefined,
  };
}

function readStanding(value: unknown): Standing | undefined {
  const { player, team, kills, deaths } = recordOf(value);
  return isCount(player) && isCount(team) && isCount(kills) && isCount(deaths) ? { player, team, kills, deaths } : undefined;
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** Seats and teams are far below it, too. */
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= COUNT_MAX;
