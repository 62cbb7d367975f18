/** What became of the frames that the relay was given, for the metrics. Every number only grows. */

export const RELAY_FRAME_KINDS = ['state', 'control', 'other'] as const;
/** 'other': what is no frame of a pair. */
export type RelayFrameKind = (typeof RELAY_FRAME_KINDS)[number];

/** 'relayed': sent to its receiver. 'superseded': a newer one took its place. 'limited': sent faster than allowed. */
export type RelayOutcome = 'relayed' | 'superseded' | 'limited' | 'malformed';

export interface RelayFrameCount {
  readonly kind: RelayFrameKind;
  readonly outcome: RelayOutcome;
  readonly frames: number;
}

/** What can become of each: control is never superseded and waits where it is too fast. */
const OUTCOMES = {
  state: ['relayed', 'superseded', 'limited', 'malformed'],
  control: ['relayed', 'malformed'],
  other: ['malformed'],
} as const satisfies Record<RelayFrameKind, readonly RelayOutcome[]>;

export class RelayTally {
  /** Sent to receivers. */
  readonly bytes = { state: 0, control: 0 };
  readonly #frames = {
    state: { relayed: 0, superseded: 0, limited: 0, malformed: 0 },
    control: { relayed: 0, superseded: 0, limited: 0, malformed: 0 },
    other: { relayed: 0, superseded: 0, limited: 0, malformed: 0 },
  } satisfies Record<RelayFrameKind, Record<RelayOutcome, number>>;

  count(kind: RelayFrameKind, outcome: RelayOutcome, frames = 1): void {
    this.#frames[kind][outcome] += frames;
  }

  relayed(kind: 'state' | 'control', bytes: number): void {
    this.#frames[kind].relayed++;
    this.bytes[kind] += bytes;
  }

  get frames(): readonly RelayFrameCount[] {
    return RELAY_FRAME_KINDS.flatMap((kind) => OUTCOMES[kind].map((outcome) => ({ kind, outcome, frames: this.#frames[kind][outcome] })));
  }
}
