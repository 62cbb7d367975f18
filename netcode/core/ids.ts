/**
 * Branded identifiers, so that a tick is never passed where an entity id belongs.
 * A brand costs nothing at run time: these are plain numbers and strings.
 */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A simulation step's number, counted from 0 at the start of a match. */
export type Tick = Branded<number, 'Tick'>;
/** A player's seat in the session: 1 to `PLAYERS_MAX`. 0 is `NOBODY`. */
export type PlayerId = Branded<number, 'PlayerId'>;
/** `spawner seat << 16 | counter`; unique among living entities, never 0. See `world.ts`. */
export type EntityId = Branded<number, 'EntityId'>;
/** A peer's address at the signalling broker. */
export type PeerId = Branded<string, 'PeerId'>;

/** The owner of what belongs to no player. */
export const NOBODY = 0 as PlayerId;
/** No entity: the value of an empty `ref()` field. */
export const NO_ENTITY = 0 as EntityId;
/** Seats in a session. 5 bits on the wire; the lobby's own limit is `playersMax`. */
export const PLAYERS_MAX = 31;
