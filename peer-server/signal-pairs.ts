/**
 * With whom one client is signalling, so that frames go only where they make sense: an ANSWER to one who made an OFFER, a
 * CANDIDATE or LEAVE to one with whom there was an OFFER. A stranger can offer, and nothing else. It also knows who still
 * waits for our answer, who is to be told at once when we are gone.
 */

/** A full lobby of 64 several times over. One that is offered more by strangers forgets the oldest. */
const PAIRS_MAX = 1024;

const OFFERED = 1;
const WAS_OFFERED = 2;
const OWES_ANSWER = 4;
const WAS_TOLD = 8;

export class SignalPairs {
  /** Peer id -> flags, in the order in which they were last set anew. */
  readonly #flags = new Map<string, number>();

  /** We made `peerId` an offer. */
  offer(peerId: string): void {
    this.#set(peerId, (this.#of(peerId) | OFFERED) & ~WAS_TOLD);
  }

  /** `peerId` made us one. */
  beOffered(peerId: string): void {
    this.#set(peerId, (this.#of(peerId) | WAS_OFFERED | OWES_ANSWER) & ~WAS_TOLD);
  }

  /** Whether `peerId` waits for an answer or had one; it does not wait any longer. */
  answer(peerId: string): boolean {
    const flags = this.#of(peerId);
    if ((flags & WAS_OFFERED) === 0) return false;
    this.#flags.set(peerId, flags & ~OWES_ANSWER);
    return true;
  }

  /** Whether there was an offer, whoever made it. */
  has(peerId: string): boolean {
    return (this.#of(peerId) & (OFFERED | WAS_OFFERED)) !== 0;
  }

  /** Whether to tell our client that `peerId` is gone: once, not for each of twenty candidates. */
  tell(peerId: string): boolean {
    const flags = this.#of(peerId);
    if ((flags & WAS_TOLD) !== 0) return false;
    this.#set(peerId, flags | WAS_TOLD);
    return true;
  }

  /** Those who wait for our answer. */
  unanswered(): readonly string[] {
    return [...this.#flags].filter(([, flags]) => (flags & OWES_ANSWER) !== 0).map(([peerId]) => peerId);
  }

  #of(peerId: string): number {
    return this.#flags.get(peerId) ?? 0;
  }

  #set(peerId: string, flags: number): void {
    this.#flags.delete(peerId);
    const oldest = this.#flags.keys().next();
    if (this.#flags.size >= PAIRS_MAX && !oldest.done) this.#flags.delete(oldest.value);
    this.#flags.set(peerId, flags);
  }
}
