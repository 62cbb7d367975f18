/** What holds unless the operator or an embedding program says otherwise; the help text and the server both read it here. */

/** About 0.3 KB each. Twice as many lobbies as peers can be registered: expired ones take up to LOBBY_TTL_MS to go. */
export const LOBBIES_MAX = 10_000;
/** As long as a silent signalling client is kept: a lobby whose host cannot be found is of no use. */
export const LOBBY_TTL_MS = 90_000;
/** Clients are sent away over at most this long. With the grace that follows it stays below the 10 s after which container engines kill. */
export const DRAIN_MS = 5_000;
