/** The table after a match, who is still here, and the way into the next one. */
import type { App, PageState } from '../app.ts';
import type { ArenaRoom } from '../frames.ts';
import { type MatchResult, readResult, type Standing } from '../rules/state.ts';
import { button, el } from './dom.ts';
import { teamOf } from './palette.ts';
import { PlayerList } from './player-list.ts';
import type { RoomParts } from './room-parts.ts';
import type { Roster } from './roster.ts';
import type { Screen } from './screen.ts';
import { StartControls } from './start-controls.ts';

const isLevel = (a: Standing, b: Standing): boolean => a.kills === b.kills && a.deaths === b.deaths;

/** The place of the n-th of a ranking: those who did equally well share one. */
function placeOf(ranking: readonly Standing[], n: number): number {
  return ranking.findIndex((other) => isLevel(other, ranking[n]!)) + 1;
}

export class ResultsScreen implements Screen {
  readonly element: HTMLElement;
  readonly #heading = el('h1', { text: 'Results', attributes: { tabindex: '-1' } });
  readonly #room: ArenaRoom;
  readonly #parts: RoomParts;
  readonly #players: PlayerList;
  readonly #start: StartControls;

  constructor(app: App, parts: RoomParts, onNotice: (message: string) => void) {
    const { room, roster, chat, voice } = parts;
    this.#room = room;
    this.#parts = parts;
    this.#players = new PlayerList(parts, onNotice);
    voice.onLevels = (levels) => this.#players.showLevels(levels);
    const toLobby = button('Back to lobby', () => this.#toLobby(), 'quiet');
    this.#start = new StartControls({ room, startText: 'Rematch', onLeave: () => app.leave(), onNotice, hostButtons: [toLobby] });
    const result = readResult(room.lobby.result);
    this.element = el(
      'section',
      { class: 'screen results' },
      this.#heading,
      el('p', { class: 'tagline', text: verdictOn(result, roster) }),
      el(
        'div',
        { class: 'results-columns' },
        el('div', {}, el('div', { class: 'panel' }, tableOf(result, roster)), el('div', { class: 'panel' }, chat.become('panel'))),
        el(
          'div',
          {},
          el('section', { class: 'panel', attributes: { 'aria-label': 'Who is here' } }, this.#players.element),
          el('div', { class: 'panel' }, voice.element),
        ),
      ),
      this.#start.element,
    );
  }

  update(_state: PageState): void {
    // The result is final: what was built of it stays.
    this.#players.update();
    this.#start.update();
  }

  focus(): void {
    this.#parts.chat.settle();
    this.#heading.focus();
  }

  #toLobby(): void {
    if (this.#room.role === 'host') this.#room.toLobby();
  }
}

function verdictOn({ ranking, teams }: MatchResult, roster: Roster): string {
  const [first, second] = ranking;
  if (first === undefined) return 'Nobody was left to win.';
  if (teams !== undefined) {
    const [a = 0, b = 0] = teams;
    return a === b ? `A draw, ${a} to ${b}!` : `Team ${teamOf(a > b ? 0 : 1).name} wins, ${Math.max(a, b)} to ${Math.min(a, b)}!`;
  }
  if (second !== undefined && isLevel(first, second)) return 'A draw!';
  return roster.isMe(first.player) ? 'You win!' : `${roster.nameOf(first.player)} wins!`;
}

function tableOf({ ranking, teams }: MatchResult, roster: Roster): HTMLElement {
  const head = el('tr', {}, ...['Place', 'Player', 'Kills', 'Deaths'].map((text) => el('th', { text, attributes: { scope: 'col' } })));
  const rows = ranking.map((standing, n) => {
    const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
    const color = teams === undefined ? roster.colorOf(standing.player) : teamOf(standing.team);
    swatch.style.setProperty('--color', color.hex);
    const isMe = roster.isMe(standing.player);
    const marks = `${isMe ? ' (you)' : ''}${teams === undefined ? '' : ` · ${color.name}`}`;
    return el(
      'tr',
      { class: isMe ? 'is-me' : '' },
      el('td', { text: String(placeOf(ranking, n)) }),
      el(
        'th',
        { attributes: { scope: 'row' } },
        el('span', { class: 'ranked' }, swatch, el('span', {}, el('bdi', { text: roster.nameOf(standing.player) }), marks)),
      ),
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
