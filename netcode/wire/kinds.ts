/**
 * A game's kinds of entity and types of event, compiled: their numbers on the wire and the layouts of their rows.
 */
import { PLAYERS_MAX } from '../core/ids.ts';
import { HELD_INPUT, heldFieldsOf } from './held-inputs.ts';
import { bitsFor } from './packet.ts';
import { type FieldMap, layoutOf, type Layout, type Part } from './schema.ts';

export type KindMap = Readonly<Record<string, FieldMap>>;

/**
 * Which time an entity is drawn in.
 * `owner`: in the present on its owner's screen (predicted), in the recent past on others' (interpolated);
 * `all`: predicted on every screen; `none`: interpolated on every screen.
 */
export interface KindPolicy {
  readonly predict?: 'owner' | 'all' | 'none';
  /**
   * How far `seenBy` takes the kind back into a player's past at most, 0 to 1,000 ms: the limit on favouring whoever shoots from
   * afar over whoever has just taken cover. Default 250; 0: never.
   */
  readonly rewindMs?: number;
}

/** A kind of entity, compiled: its number on the wire and the layout of its rows (`owner` first). */
export interface Kind {
  readonly index: number;
  readonly name: string;
  readonly layout: Layout;
  readonly predict: 'owner' | 'all' | 'none';
  /** How far `seenBy` takes it back at most. */
  readonly rewindTicks: number;
  /** Kept by the library (`~input`): part of state, snapshot and hash; no rule, hook or screen sees it. The last kind, if there is one. */
  readonly isHidden: boolean;
}

export interface EventType {
  readonly index: number;
  readonly name: string;
  readonly layout: Layout;
}

/** Column 0 of every entity's row. */
export const OWNER_PART: Part = { min: 0, max: PLAYERS_MAX, isCyclic: false };
const REWIND_MS = 250;
const REWIND_MS_MAX = 1000;
/** The host remembers 128 ticks; the place between two states needs one more, and a sweep begins one earlier. */
const REWIND_TICKS_MAX = 120;
const RESERVED_NAMES = new Set(['id', 'kind', 'owner', 'isMine']);

/** An entity or event must find room in a packet, with some for the rest. */
const ITEM_BYTES_MAX = 800;

function requireSize(what: string, layout: Layout): Layout {
  const bytes = Math.ceil(layout.parts.reduce((bits, { min, max }) => bits + bitsFor(max - min), 0) / 8);
  if (bytes > ITEM_BYTES_MAX) throw new RangeError(`${what} takes ${bytes} bytes: no more than ${ITEM_BYTES_MAX} fit into a packet`);
  return layout;
}

function rewindTicksOf(name: string, rewindMs: number, tickRate: number): number {
  if (!(rewindMs >= 0 && rewindMs <= REWIND_MS_MAX))
    throw new RangeError(`'${name}' has rewindMs ${rewindMs}: 0 to ${REWIND_MS_MAX} ms are possible`);
  const ticks = (rewindMs * tickRate) / 1000;
  if (ticks > REWIND_TICKS_MAX)
    throw new RangeError(`'${name}' has rewindMs ${rewindMs}, ${ticks} ticks: no more than ${REWIND_TICKS_MAX} are remembered`);
  return ticks;
}

interface KindsSpec {
  readonly input: FieldMap;
  readonly entities: KindMap;
  readonly policy?: { readonly [name: string]: KindPolicy | undefined };
}

/** The game's own kinds, and behind them what players hold, if anything of others is predicted. */
export function kindsOf(spec: KindsSpec, tickRate: number): Kind[] {
  const names = Object.keys(spec.entities);
  if (names.length === 0 || names.length > 64) throw new RangeError(`a game has 1 to 64 kinds of entity, not ${names.length}`);
  const kinds = names.map((name, index): Kind => {
    const fields = spec.entities[name]!;
    if (name.startsWith('~')) throw new TypeError(`the kind '${name}' begins with ~, as hidden ones do`);
    const reserved = Object.keys(fields).find((field) => RESERVED_NAMES.has(field));
    if (reserved !== undefined) throw new TypeError(`'${name}.${reserved}': every entity has '${reserved}' already`);
    const { predict = 'owner', rewindMs = REWIND_MS } = spec.policy?.[name] ?? {};
    const layout = requireSize(`'${name}'`, layoutOf(fields, [OWNER_PART]));
    return { index, name, layout, predict, rewindTicks: rewindTicksOf(name, rewindMs, tickRate), isHidden: false };
  });
  const held = heldFieldsOf(spec.input);
  if (Object.keys(held).length > 0 && kinds.some(({ predict }) => predict === 'all')) {
    const layout = requireSize("the input, which policy 'all' tells to everybody,", layoutOf(held, [OWNER_PART]));
    kinds.push({ index: kinds.length, name: HELD_INPUT, layout, predict: 'none', rewindTicks: 0, isHidden: true });
  }
  return kinds;
}

export function eventTypesOf(events: KindMap): EventType[] {
  const names = Object.keys(events);
  if (names.length > 64) throw new RangeError(`a game has at most 64 types of event, not ${names.length}`);
  return names.map((name, index) => ({ index, name, layout: requireSize(`event '${name}'`, layoutOf(events[name]!)) }));
}
