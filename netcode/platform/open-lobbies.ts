/** The public lobbies for a page that shows them, each with a rough ping: the host's way to the broker and ours. */
import type { OpenLobbyEvents } from '../session/open-lobbies.ts';
import type { LobbyBrowser, LobbyDirectory } from '../transport/directory.ts';
import type { LobbyFilter, LobbyListing } from '../wire/lobby-api.ts';

/** The page is busy when it begins to watch, and people walk about with their phones: our way is measured again so often. */
const MEASURED_EVERY_MS = 20_000;

export interface OpenLobbiesBroker extends Pick<LobbyBrowser, 'watchLobbies'>, Pick<LobbyDirectory, 'roundTripMs'> {
  /** Any call will do: it is only timed. */
  getConfig(): Promise<unknown>;
}

/** Tells of the lobbies until the signal is aborted. */
export function watchOpenLobbies(broker: OpenLobbiesBroker, filter: LobbyFilter, events: OpenLobbyEvents, signal: AbortSignal): void {
  if (signal.aborted) return;
  let known: readonly LobbyListing[] | undefined;
  let toldMs: number | undefined;
  const tell = (): void => {
    toldMs = broker.roundTripMs;
    if (known !== undefined) events.onLobbies(known.map((lobby) => ({ ...lobby, pingMs: pingOf(lobby, toldMs) })));
  };
  const measure = async (): Promise<void> => {
    await broker.getConfig();
    if (!signal.aborted && broker.roundTripMs !== toldMs) tell();
  };
  const stop = broker.watchLobbies(filter, {
    onLobbies(lobbies) {
      known = lobbies;
      tell();
    },
    onLost(message) {
      // What was known may be over: a later measurement must not bring it back.
      known = undefined;
      events.onLost?.(message);
    },
  });
  const timer = setInterval(() => void measure(), MEASURED_EVERY_MS);
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      stop();
    },
    { once: true },
  );
  // Twice: the first may have to make a connection.
  void measure().then(() => (signal.aborted ? undefined : measure()));
}

/** By way of the broker, which is not nearer than the host itself. */
function pingOf({ rttMs }: LobbyListing, ownMs: number | undefined): number | undefined {
  return rttMs === 0 || ownMs === undefined ? undefined : rttMs + ownMs;
}
