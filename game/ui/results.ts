/** The table after a match. */
import type { App, PageState } from '../app.ts';
import type { ArenaRoom } from '../frames.ts';
import type { Standing } from '../rules/state.ts';
import { button, el } from './dom.ts';
import type { Roster } from './roster.ts';
import type { Screen } from './screen.ts';

const isLevel = (a: Standing, b: Standing): boolean => a.kills === b.kills && a.deaths === b.deaths;

/** The place of the n-th of a ranking: those who did equally well share one. */
function placeOf(ranking: readonly Standing[], n: number): number {
  return ranking.findIndex((other) => isLevel(other, ranking[n]!)) + 1;
}

export class ResultsScreen implements Screen {
  readonly element: HTMLElement;
  readonly #heading = el('h1', { text: 'Results', attributes: { tabindex: '-1' } });
  readonly #roster: Roster;

  constructor(app: App, room: ArenaRoom, roster: Roster) {
    this.#roster = roster;
    const ranking = room.lobby.result?.ranking ?? [];
    this.element = el(
      'section',
      { class: 'screen results' },
      this.#heading,
      el('p', { class: 'tagline', text: this.#verdict(ranking) }),
      el('div', { class: 'panel' }, this.#table(ranking)),
      el(
        'div',
        { class: 'buttons' },
        button('Leave', () => app.leave(), 'quiet'),
        room.role === 'host'
          ? button('Back to lobby', () => room.toLobby(), 'primary')
          : el('p', { class: 'small', text: 'Waiting for the host', attributes: { role: 'status' } }),
      ),
    );
  }

  update(_state: PageState): void {
    // A result is final: what was built stays.
  }

  focus(): void {
    this.#heading.focus();
  }

  #verdict(ranking: readonly Standing[]): string {
    const [first, second] = ranking;
    if (first === undefined) return 'Nobody was left to win.';
    if (second !== undefined && isLevel(first, second)) return 'A draw!';
    return this.#roster.isMe(first.player) ? 'You win!' : `${this.#roster.nameOf(first.player)} wins!`;
  }

  #table(ranking: readonly Standing[]): HTMLElement {
    const head = el('tr', {}, ...['Place', 'Player', 'Kills', 'Deaths'].map((text) => el('th', { text, attributes: { scope: 'col' } })));
    const rows = ranking.map((standing, n) => {
      const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
      swatch.style.setProperty('--color', this.#roster.colorOf(standing.player).hex);
      const isMe = this.#roster.isMe(standing.player);
      return el(
        'tr',
        { class: isMe ? 'is-me' : '' },
        el('td', { text: String(placeOf(ranking, n)) }),
        el('th', { attributes: { scope: 'row' } }, swatch, el('bdi', { text: this.#roster.nameOf(standing.player) }), isMe ? ' (you)' : ''),
        el('td', { text: String(standing.kills) }),
        el('td', { text: String(standing.deaths) }),
      );
    });
    return el(
      'table',
      {},
      el('caption', { class: 'visually-hidden', text: 'Ranking of the match' }),
      el('thead', {}, head),
      el('tbody', {}, ...rows),
    );
  }
}
