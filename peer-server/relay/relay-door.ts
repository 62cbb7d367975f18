/**
 * Who may use the relay: the host of a lobby by its owner token, a guest by the code of a lobby whose host allows it. A wrong code or token
 * counts as a guess of the address it came from, in the same book as look-ups by the API, so that codes cannot be tried here instead.
 */
import type { RelayHello, RelayRefusal } from '../../netcode/wire/relay.ts';
import type { Limits } from '../limits/limits.ts';
import type { LobbyDirectory } from '../lobby-directory.ts';

/**
 * For how long a lobby may be missing before its pairs are ended: a store that was restarted empty has it again with its host's next
 * heartbeat, within 30 s.
 */
const MISSING_MAX_MS = 45_000;
/** Lobbies looked after at once; 500 of them take the store some tens of milliseconds. */
const RECHECK_BATCH = 50;

export class RelayDoor {
  readonly #directory: LobbyDirectory;
  readonly #limits: Limits | undefined;
  readonly #nowMs: () => number;
  /** Since when lobbies with pairs are missing. Only of codes asked for last. */
  #missingSinceMs = new Map<string, number>();

  constructor(directory: LobbyDirectory, limits: Limits | undefined, nowMs: () => number) {
    this.#directory = directory;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Undefined: it may come in. */
  async check(hello: RelayHello, address: string | undefined): Promise<RelayRefusal | undefined> {
    const guess = this.#limits?.takeGuess(address);
    // A token cannot be guessed, so a host is heard all the same; what would give the code away is not said.
    if (typeof guess === 'number' && hello.role === 'guest') return 'too-many';
    const refusal = await this.#refusalOf(hello);
    const isWrong = refusal === 'unknown-code' || refusal === 'not-owner';
    if (typeof guess === 'number') return isWrong ? 'too-many' : refusal;
    if (!isWrong) guess?.takeBack();
    return refusal;
  }

  /** Of these lobbies, those whose pairs must end, and why. */
  async recheck(codes: readonly string[]): Promise<ReadonlyMap<string, RelayRefusal>> {
    const ended = new Map<string, RelayRefusal>();
    const missing = new Map<string, number>();
    for (let start = 0; start < codes.length; start += RECHECK_BATCH)
      await Promise.all(
        codes.slice(start, start + RECHECK_BATCH).map(async (code) => {
          const state = await this.#stateOf(code);
          const sinceMs = this.#missingSinceMs.get(code) ?? this.#nowMs();
          if (state === 'unknown-code') missing.set(code, sinceMs);
          if (state === 'not-allowed' || (state === 'unknown-code' && this.#nowMs() - sinceMs >= MISSING_MAX_MS)) ended.set(code, state);
        }),
      );
    this.#missingSinceMs = missing;
    return ended;
  }

  async #refusalOf(hello: RelayHello): Promise<RelayRefusal | undefined> {
    if (hello.role === 'guest') return this.#stateOf(hello.code);
    try {
      // A host that asks for the relay is a sign of its lobby's life; the directory compares tokens in constant time.
      const owned = await this.#directory.heartbeat(hello.code, hello.ownerToken);
      if ('refusal' in owned) return owned.refusal === 'not-owner' ? 'not-owner' : 'unknown-code';
    } catch {
      return 'unavailable';
    }
    return this.#stateOf(hello.code);
  }

  async #stateOf(code: string): Promise<'unknown-code' | 'not-allowed' | 'unavailable' | undefined> {
    try {
      const found = await this.#directory.resolve(code);
      if ('refusal' in found) return 'unknown-code';
      return found.value.isRelayAllowed ? undefined : 'not-allowed';
    } catch {
      return 'unavailable';
    }
  }
}

const MESSAGES: Readonly<Record<RelayRefusal, string>> = {
  'bad-request': 'The relay did not understand this page. Load it again.',
  'unknown-code': 'No game is open under this code.',
  'not-owner': 'Only the host of this game can open its end of the relay.',
  'not-allowed': 'The host of this game does not allow the relay.',
  busy: 'This place is taken.',
  'no-peer': 'The other player did not come to the relay.',
  'too-many': 'The relay is full, or too much was asked of it from your network. Try again in a moment.',
  unavailable: 'The relay cannot be reached right now. Try again in a few seconds.',
};

/** For people. */
export function refusalMessage(refusal: RelayRefusal): string {
  return MESSAGES[refusal];
}
