/**
 * Where the two ends of a pair find each other, and how what one says comes to the other: the one interface between the relay's sockets
 * and the question at which broker the other end is. `LocalMeetingPlace` is one process by itself, the default;
 * `ClusterMeetingPlace` asks Redis. The relay calls both alike and never learns which it has.
 */

export type RelayRole = 'host' | 'guest';

/** One end of a pair. The place calls it; none of it may throw. */
export interface RelayEnd {
  readonly role: RelayRole;
  /** What both ends of a pair have in common and nobody else: see `pairName`. */
  readonly name: string;
  /** The other end is there. At most once. */
  onPaired(): void;
  /** From the other end, after `onPaired`: a control or state frame of legal size. It is the receiver's to keep. */
  onFrame(frame: Uint8Array): void;
  /** The other end has left, or cannot be reached any more. It is the last that is heard, and `leave` need not be called. */
  onPeerGone(): void;
}

/** 'busy': this end of the pair is taken. 'unavailable': the other end cannot be looked for right now. */
export type ArriveAnswer = 'seated' | 'busy' | 'unavailable';

export interface MeetingPlace {
  /** Pairs of which at least one end is here. */
  readonly pairs: number;
  /** State frames that newer ones took the place of, on the way to other ends. Only grows. */
  readonly supersededState: number;
  /** Waits for the other end until `leave`. `onPaired` may come before the answer. Never rejects. */
  arrive(end: RelayEnd): Promise<ArriveAnswer>;
  /** Hands a frame to the other end, in order; the frame is not the caller's any more. Does nothing when there is none. */
  pass(end: RelayEnd, frame: Uint8Array): void;
  /** The other end is told. Calling it again does nothing. */
  leave(end: RelayEnd): void;
  close(): Promise<void>;
}

/** Ends that name different lobbies never meet, whatever secret they share. */
export function pairName(code: string, pair: string): string {
  return `${code}:${pair}`;
}

interface Table {
  host?: RelayEnd | undefined;
  guest?: RelayEnd | undefined;
}

/** One broker by itself: the other end comes here or nowhere. */
export class LocalMeetingPlace implements MeetingPlace {
  /** What is passed on arrives at once. */
  readonly supersededState = 0;
  /** As many as the relay lets ends in. */
  readonly #tables = new Map<string, Table>();
  #pairs = 0;

  get pairs(): number {
    return this.#pairs;
  }

  arrive(end: RelayEnd): Promise<ArriveAnswer> {
    return Promise.resolve(this.seat(end));
  }

  /** `arrive` at once. */
  seat(end: RelayEnd): 'seated' | 'busy' {
    const table = this.#tables.get(end.name) ?? {};
    if (table[end.role] !== undefined) return 'busy';
    table[end.role] = end;
    this.#tables.set(end.name, table);
    const { host, guest } = table;
    if (host === undefined || guest === undefined) return 'seated';
    this.#pairs++;
    host.onPaired();
    // The first may have failed, and left.
    if (this.otherOf(host) === guest) guest.onPaired();
    return 'seated';
  }

  pass(end: RelayEnd, frame: Uint8Array): void {
    this.otherOf(end)?.onFrame(frame);
  }

  leave(end: RelayEnd): void {
    const table = this.#tables.get(end.name);
    if (table?.[end.role] !== end) return;
    const other = this.otherOf(end);
    this.#tables.delete(end.name);
    if (other === undefined) return;
    this.#pairs--;
    other.onPeerGone();
  }

  /** Undefined while the other end is not there, or once this one has left. */
  otherOf(end: RelayEnd): RelayEnd | undefined {
    const table = this.#tables.get(end.name);
    return table?.[end.role] === end ? table[end.role === 'host' ? 'guest' : 'host'] : undefined;
  }

  close(): Promise<void> {
    this.#tables.clear();
    this.#pairs = 0;
    return Promise.resolve();
  }
}
