/** A spectator's eye: on whoever leads, until the spectator picks somebody, and on to the next if that one is gone. */
import type { ArenaView } from '../frames.ts';

type ScoreView = Extract<ArenaView, { kind: 'score' }>;

export class Watching {
  #picked: number | undefined;
  #target: number | undefined;

  /** Whom the camera follows; undefined while nobody plays. */
  get target(): number | undefined {
    return this.#target;
  }

  /** Looks who is there. Call it with each picture. */
  look(view: readonly ArenaView[]): void {
    const seats = seatsOf(view);
    if (this.#picked !== undefined && !seats.includes(this.#picked)) this.#picked = undefined;
    this.#target = this.#picked ?? leaderOf(view) ?? seats[0];
  }

  /** On to the next player (1) or the one before (-1), in the order of seats. */
  step(view: readonly ArenaView[], by: 1 | -1): void {
    this.look(view);
    const seats = seatsOf(view);
    if (seats.length === 0) return;
    const at = this.#target === undefined ? 0 : seats.indexOf(this.#target);
    this.#picked = seats[(at + by + seats.length) % seats.length];
    this.#target = this.#picked;
  }
}

const seatsOf = (view: readonly ArenaView[]): number[] =>
  view
    .filter((entity) => entity.kind === 'ship')
    .map((ship) => ship.owner as number)
    .toSorted((a, b) => a - b);

/** Whoever has most kills; of several, who died least, then the lowest seat. */
function leaderOf(view: readonly ArenaView[]): number | undefined {
  const scores = view.filter((entity): entity is ScoreView => entity.kind === 'score');
  return scores.toSorted((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.owner - b.owner)[0]?.owner;
}
