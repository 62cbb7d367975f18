/** What lies over the arena: scores, time left, ping, who shot whom, and the ways out. */
import type { EventOf } from '../../netcode/index.ts';
import type { ArenaRoom, ArenaView, Frames } from '../frames.ts';
import type { Sounds } from '../audio/sounds.ts';
import type { arena } from '../rules/arena.ts';
import { button, el, setText, syncRows } from './dom.ts';
import type { Roster } from './roster.ts';

/** Scores, time and ping change slowly; a timer keeps them right even when nothing is drawn. */
const REFRESH_MS = 200;
/** More lines would cover the arena. */
const FEED_LINES_MAX = 4;
const FEED_SHOWN_MS = 5000;

interface ScoreRow {
  readonly element: HTMLElement;
  readonly swatch: HTMLElement;
  readonly name: HTMLElement;
  readonly kills: HTMLElement;
}
type ScoreView = Extract<ArenaView, { kind: 'score' }>;

export interface HudParts {
  readonly room: ArenaRoom;
  readonly frames: Frames;
  readonly roster: Roster;
  readonly sounds: Sounds;
  readonly onLeave: () => void;
}

export class Hud {
  readonly element: HTMLElement;
  readonly #parts: HudParts;
  readonly #bar: HTMLElement;
  readonly #scores = el('ol', { class: 'scores', attributes: { 'aria-label': 'Scores' } });
  readonly #rows = new Map<number, ScoreRow>();
  readonly #time = el('span', { class: 'time', attributes: { role: 'timer', 'aria-label': 'Time left' } });
  readonly #ping = el('span', { class: 'ping' });
  readonly #feed = el('ul', { class: 'feed', attributes: { 'aria-label': 'Events' } });
  readonly #banner = el('p', { class: 'banner', attributes: { role: 'status' } });
  readonly #mute: HTMLButtonElement;
  readonly #timer: ReturnType<typeof setInterval>;
  #killedBy = '';

  constructor(parts: HudParts) {
    this.#parts = parts;
    this.#mute = button('♪', () => this.#toggleMuted(), 'quiet mute');
    this.#mute.setAttribute('aria-label', 'Sound');
    this.#showMuted();
    const end = parts.room.role === 'host' ? button('End match', () => parts.room.toLobby(), 'quiet') : undefined;
    this.#bar = el(
      'div',
      { class: 'bar' },
      this.#scores,
      this.#time,
      el('div', { class: 'tools' }, this.#ping, this.#mute, end, button('Leave match', parts.onLeave, 'quiet')),
    );
    this.element = el('section', { class: 'hud', attributes: { 'aria-label': 'Match' } }, this.#bar, this.#feed, this.#banner);
    this.#timer = setInterval(() => this.refresh(), REFRESH_MS);
    this.refresh();
  }

  /** How much of the top of the screen the bar covers. */
  get barHeightPx(): number {
    return this.#bar.offsetHeight;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  refresh(): void {
    const { room, frames, roster } = this.#parts;
    const view = frames.latest();
    roster.learn(room.lobby.players);
    const scores = view
      .filter((entity) => entity.kind === 'score')
      .toSorted((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.owner - b.owner);
    syncRows(this.#scores, this.#rows, {
      items: scores,
      keyOf: (score) => score.owner,
      make: makeRow,
      update: (row, score) => this.#updateRow(row, score),
    });
    const match = view.find((entity) => entity.kind === 'match');
    const seconds = match?.secondsLeft ?? 0;
    setText(this.#time, match === undefined ? '' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
    this.#time.classList.toggle('is-short', match !== undefined && seconds <= 10);
    const { rttMs, isPredicting } = room.stats();
    const isHostSilent = room.lobby.players.some((player) => player.isHost && player.isSilent);
    const path = room.role === 'host' ? 'host' : isHostSilent ? 'no answer' : `${Math.round(rttMs)} ms`;
    setText(this.#ping, `${path}${isPredicting ? '' : ' · slow device'}`);
    this.#ping.classList.toggle('is-silent', isHostSilent);
    this.#ping.title = !isPredicting
      ? 'This device is too slow to predict your ship: it answers after the round trip. Close other tabs and programs.'
      : isHostSilent
        ? 'The host does not answer. The game goes on when the connection is back.'
        : room.role === 'host'
          ? 'The match runs on this page'
          : 'Round trip to the host';
    setText(this.#banner, this.#bannerText(view, match?.state));
  }

  showEvent(event: EventOf<typeof arena>): void {
    if (event.type !== 'explode') return;
    const { killer, victim } = event.data;
    if (victim === this.#parts.room.me) this.#killedBy = this.#parts.roster.nameOf(killer);
    const line = el('li', {}, this.#player(killer), ' ✕ ', this.#player(victim));
    line.setAttribute('aria-label', `${this.#parts.roster.nameOf(killer)} destroyed ${this.#parts.roster.nameOf(victim)}`);
    this.#feed.append(line);
    while (this.#feed.childElementCount > FEED_LINES_MAX) this.#feed.firstElementChild?.remove();
    setTimeout(() => line.remove(), FEED_SHOWN_MS);
  }

  #bannerText(view: readonly ArenaView[], state: string | undefined): string {
    if (state === undefined) return 'Waiting for the match…';
    if (state !== 'running') return 'Match over';
    const ship = view.find((entity) => entity.kind === 'ship' && entity.isMine);
    if (ship?.kind !== 'ship') return '';
    if (ship.life === 'dead') return this.#killedBy === '' ? 'Destroyed' : `Destroyed by ${this.#killedBy}`;
    return ship.life === 'ghost' ? 'Get ready' : '';
  }

  #player(player: number): HTMLElement {
    const name = el('bdi', { text: this.#parts.roster.nameOf(player) });
    name.style.color = this.#parts.roster.colorOf(player).hex;
    return name;
  }

  #updateRow(row: ScoreRow, score: ScoreView): void {
    const { roster } = this.#parts;
    row.swatch.style.setProperty('--color', roster.colorOf(score.owner).hex);
    setText(row.name, roster.nameOf(score.owner));
    setText(row.kills, String(score.kills));
    row.element.classList.toggle('is-me', score.isMine);
    const isSilent = this.#parts.room.lobby.players.some((player) => player.id === score.owner && player.isSilent);
    row.element.classList.toggle('is-silent', isSilent);
    row.element.title = isSilent ? 'Does not answer: the connection stalls' : '';
  }

  #toggleMuted(): void {
    this.#parts.sounds.setMuted(!this.#parts.sounds.isMuted);
    this.#showMuted();
  }

  #showMuted(): void {
    this.#mute.setAttribute('aria-pressed', String(!this.#parts.sounds.isMuted));
  }
}

function makeRow(): ScoreRow {
  const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
  const name = el('bdi', { class: 'name' });
  const kills = el('span', { class: 'kills' });
  return { element: el('li', {}, swatch, name, kills), swatch, name, kills };
}
