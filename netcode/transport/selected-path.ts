/**
 * Tells whether a connection goes through a TURN server: which pair of candidates ICE has selected, by the connection's statistics. ICE may
 * begin with one pair and find a better one, so it is asked again: when the browser says so, and a few times where it does not.
 */

/** After the opening. Firefox tells of no change; ICE settles within seconds. */
const ASKED_AFTER_MS = [0, 2_000, 10_000] as const;

type Entry = Readonly<Record<string, unknown>>;

/** Calls back with every answer, until the returned function is called. */
export function watchSelectedPath(connection: RTCPeerConnection, onPath: (path: 'direct' | 'turn') => void): () => void {
  let isWatching = true;
  const ask = async (): Promise<void> => {
    const path = await selectedPath(connection);
    if (isWatching && path !== undefined) onPath(path);
  };
  const timers = ASKED_AFTER_MS.map((ms) => setTimeout(() => void ask(), ms));
  const ice = connection.sctp?.transport?.iceTransport;
  const onChange = (): void => void ask();
  ice?.addEventListener?.('selectedcandidatepairchange', onChange);
  return () => {
    isWatching = false;
    for (const timer of timers) clearTimeout(timer);
    ice?.removeEventListener?.('selectedcandidatepairchange', onChange);
  };
}

/** Undefined when the browser does not tell. */
async function selectedPath(connection: RTCPeerConnection): Promise<'direct' | 'turn' | undefined> {
  try {
    const entries = new Map<unknown, Entry>();
    (await connection.getStats()).forEach((entry: Entry) => entries.set(entry['id'], entry));
    const all = [...entries.values()];
    const named = all.find(({ type }) => type === 'transport')?.['selectedCandidatePairId'];
    // Firefox names no pair, but marks it.
    const pair = entries.get(named) ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected === true);
    if (pair === undefined) return undefined;
    const ends = [entries.get(pair['localCandidateId']), entries.get(pair['remoteCandidateId'])];
    return ends.some((candidate) => candidate?.['candidateType'] === 'relay') ? 'turn' : 'direct';
  } catch {
    // The connection was closed, or this is no browser.
    return undefined;
  }
}
