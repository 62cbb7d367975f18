/**
 * Hits as the shooter had them: shown at once on their own screen, and then taken back, or not. Counted by the event that
 * the rules emit for a hit, with `by` the shooter.
 */
import type { PlayerId } from '../core/ids.ts';
import type { SimEvent } from '../world/simulation.ts';

/** What became of the hits of one player, or of several. */
export interface HitReport {
  /** Hits that the shooter's own screen showed at once. */
  readonly seen: number;
  /** How many of these the host denied. */
  readonly denied: number;
  /** Hits of the host's that the shooter's screen had not shown by itself. */
  readonly unseen: number;
  /** `denied / seen`: how often what looked like a hit was none. */
  readonly disputeRate: number;
  /** `unseen` as a part of all hits that counted. */
  readonly unseenRate: number;
}

/** Why `by` and not the event's data: it is what the netcode itself goes by when it shows an event at once. */
export class HitTally {
  seen = 0;
  denied = 0;
  unseen = 0;
  readonly #player: PlayerId;
  /** The event's number, or undefined: nothing is a hit. */
  readonly #type: number | undefined;
  /** Hits of this tick and later ones count. */
  #fromTick = Infinity;

  constructor(player: PlayerId, type: number | undefined) {
    this.#player = player;
    this.#type = type;
  }

  /** What happens beyond this tick counts. */
  begin(tick: number): void {
    this.#fromTick = tick + 1;
  }

  shown(event: SimEvent, isPredicted: boolean): void {
    if (!this.#isOurs(event)) return;
    if (isPredicted) this.seen++;
    else this.unseen++;
  }

  /** Shown as predicted, and not confirmed by the host. */
  retracted(event: SimEvent): void {
    if (this.#isOurs(event)) this.denied++;
  }

  #isOurs({ type, by, tick }: SimEvent): boolean {
    return type === this.#type && by === this.#player && tick >= this.#fromTick;
  }
}

/** Several players' hits taken together. */
export function hitReportOf(tallies: readonly HitTally[]): HitReport {
  const [seen, denied, unseen] = (['seen', 'denied', 'unseen'] as const).map((count) =>
    tallies.reduce((sum, tally) => sum + tally[count], 0),
  ) as [number, number, number];
  const counted = seen - denied + unseen;
  return { seen, denied, unseen, disputeRate: seen === 0 ? 0 : denied / seen, unseenRate: counted <= 0 ? 0 : unseen / counted };
}
