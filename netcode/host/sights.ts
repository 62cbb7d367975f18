/**
 * What players were shown, as the host remembers it: the states that it captured, at the delay that it honours for each player.
 * Recordings hold these delays, so that a match that is played again takes the same things back by as much.
 */
import { type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import type { Captures } from '../snapshot/capture.ts';
import type { Bracket } from '../world/blend.ts';
import type { Sight, SightOf } from '../world/seen-world.ts';
import type { WorldState } from '../world/world-state.ts';

export class Sights {
  /** By seat: how far behind the tick that is stepped next that player's screen drew the others, in ticks. 0: not known. */
  readonly delays = new Float64Array(PLAYERS_MAX + 1);
  readonly of: SightOf;
  readonly #captures: Captures;
  readonly #bracket: { older: WorldState; newer: WorldState; alpha: number };

  constructor(captures: Captures) {
    this.#captures = captures;
    this.#bracket = { older: captures.newest, newer: captures.newest, alpha: 1 };
    const sights = Array.from(this.delays, (_, seat) => this.#sight(seat));
    this.of = (player: PlayerId): Sight | undefined => sights[player];
  }

  #sight(seat: number): Sight {
    const { delays } = this;
    return {
      get delayTicks() {
        return delays[seat]!;
      },
      bracketAt: (moment) => this.#bracketAt(moment),
    };
  }

  #bracketAt(moment: number): Bracket | undefined {
    const { newest } = this.#captures;
    const bracket = this.#bracket;
    const tick = Math.floor(moment) as Tick;
    const older = tick >= newest.tick ? newest : this.#captures.at(tick);
    const newer = tick >= newest.tick ? newest : this.#captures.at((tick + 1) as Tick);
    // What came before the first capture nobody was shown.
    if (older === undefined || newer === undefined || tick < 1) return undefined;
    bracket.older = older;
    bracket.newer = newer;
    bracket.alpha = older === newer ? 1 : moment - tick;
    return bracket;
  }
}
