/** What lies over the arena: scores, time left, ping, who shot whom, and the ways out. */
import type { EventOf, PlayerId } from '../../netcode/index.ts';
import type { ArenaRoom, ArenaView, Frames } from '../frames.ts';
import type { Sounds } from '../audio/sounds.ts';
import type { arena } from '../rules/arena.ts';
import { askingButton, button, el, setText, syncRows } from './dom.ts';
import { icon } from './icons.ts';
import { TEAM_NAMES, teamOf } from './palette.ts';
import type { Roster } from './roster.ts';
import { questionBeforeLeaving } from './start-controls.ts';

/** Scores, time and ping change slowly; a timer keeps them right even when nothing is drawn. */
const REFRESH_MS = 200;
/** More lines would cover the arena. */
const FEED_LINES_MAX = 4;
const FEED_SHOWN_MS = 5000;
/** So many scores fit anywhere. */
const SCORES_SHORT = 5;
/** Louder than this is speech, not breath. */
const TALKING_LEVEL = 0.1;

interface ScoreRow {
  readonly element: HTMLElement;
  readonly swatch: HTMLElement;
  readonly name: HTMLElement;
  readonly kills: HTMLElement;
}
type ScoreView = Extract<ArenaView, { kind: 'score' }>;
type MatchView = Extract<ArenaView, { kind: 'match' }>;

export interface HudParts {
  readonly room: ArenaRoom;
  readonly frames: Frames;
  readonly roster: Roster;
  readonly sounds: Sounds;
  readonly onLeave: () => void;
  readonly onChat: () => void;
  readonly onPlayers: (opener: HTMLButtonElement) => void;
}

export class Hud {
  readonly element: HTMLElement;
  readonly #parts: HudParts;
  readonly bar: HTMLElement;
  readonly #scores = el('ol', { class: 'scores', attributes: { 'aria-label': 'Scores' } });
  readonly #rows = new Map<number, ScoreRow>();
  readonly #teams: readonly HTMLElement[];
  readonly #time = el('span', { class: 'time', attributes: { role: 'timer', 'aria-label': 'Time left' } });
  readonly #ping = el('span', { class: 'ping' });
  readonly #feed = el('ul', { class: 'feed', attributes: { 'aria-label': 'Events' } });
  readonly #banner = el('p', { class: 'banner', attributes: { role: 'status' } });
  readonly #mute: HTMLButtonElement;
  readonly #end: HTMLButtonElement;
  readonly #timer: ReturnType<typeof setInterval>;
  #killedBy = '';

  constructor(parts: HudParts) {
    this.#parts = parts;
    this.#teams = TEAM_NAMES.map((name, team) => {
      const kills = el('span', { class: 'team-kills', attributes: { role: 'img', 'aria-label': `Team ${name}` } });
      kills.style.setProperty('--color', teamOf(team).hex);
      return kills;
    });
    this.#mute = toolButton('Sound', 'sound', () => this.#toggleMuted());
    this.#mute.classList.add('mute');
    this.#showMuted();
    this.#end = askingButton({
      text: isNarrow() ? 'End' : 'End match',
      name: 'End match',
      question: () => 'End it now?',
      onClick: () => {
        if (parts.room.role === 'host') parts.room.toLobby();
      },
    });
    this.bar = this.#makeBar();
    this.element = el('section', { class: 'hud', attributes: { 'aria-label': 'Match' } }, this.bar, this.#feed, this.#banner);
    this.#timer = setInterval(() => this.refresh(), REFRESH_MS);
    this.refresh();
  }

  /** How much of the top of the screen the bar covers. */
  get barHeightPx(): number {
    return this.bar.offsetHeight;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  refresh(): void {
    const { room, frames } = this.#parts;
    const view = frames.latest();
    const scores = view
      .filter((entity) => entity.kind === 'score')
      .toSorted((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.owner - b.owner);
    syncRows(this.#scores, this.#rows, {
      items: scores,
      keyOf: (score) => score.owner,
      make: makeRow,
      update: (row, score) => this.#updateRow(row, score),
    });
    // More than two lines of them would cover the arena: the own one comes first, the last ones are cut off.
    this.#scores.classList.toggle('is-long', scores.length > SCORES_SHORT);
    const match = view.find((entity) => entity.kind === 'match');
    this.#showTime(match);
    this.#showPing();
    this.#end.hidden = room.role !== 'host';
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

  /** Marks who talks. */
  showLevels(levels: ReadonlyMap<PlayerId, number>): void {
    for (const [id, { element }] of this.#rows) element.classList.toggle('is-talking', (levels.get(id as PlayerId) ?? 0) > TALKING_LEVEL);
  }

  #makeBar(): HTMLElement {
    const { onChat, onPlayers, onLeave, room } = this.#parts;
    const players = toolButton('Players', 'people', () => onPlayers(players));
    players.setAttribute('aria-expanded', 'false');
    const leave = askingButton({
      text: isNarrow() ? 'Leave' : 'Leave match',
      name: 'Leave match',
      question: () => questionBeforeLeaving(room),
      onClick: onLeave,
    });
    const [first, second] = this.#teams;
    return el(
      'div',
      { class: 'bar' },
      this.#scores,
      el('div', { class: 'clock' }, first, this.#time, second, this.#ping),
      el('div', { class: 'tools' }, this.#mute, toolButton('Chat', 'chat', onChat), players, this.#end, leave),
    );
  }

  #showTime(match: MatchView | undefined): void {
    const seconds = match?.secondsLeft ?? 0;
    setText(this.#time, match === undefined ? '' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
    this.#time.classList.toggle('is-short', match !== undefined && seconds <= 10);
    const kills = [match?.kills0 ?? 0, match?.kills1 ?? 0];
    this.#teams.forEach((element, team) => {
      element.hidden = match?.hasTeams !== true;
      setText(element, String(kills[team]));
      element.setAttribute('aria-label', `Team ${teamOf(team).name}: ${kills[team]}`);
    });
  }

  #showPing(): void {
    const { room } = this.#parts;
    const { rttMs, isPredicting } = room.stats();
    const me = room.lobby.players.find((player) => player.isMe);
    const isHostSilent = room.lobby.players.some((player) => player.isHost && player.isSilent);
    const isRelayed = me?.path === 'relay' || me?.path === 'turn';
    const path = room.role === 'host' ? 'host' : isHostSilent ? 'no answer' : `${Math.round(rttMs)} ms${isRelayed ? ' via server' : ''}`;
    setText(this.#ping, `${path}${isPredicting ? '' : ' · slow device'}`);
    this.#ping.classList.toggle('is-silent', isHostSilent);
    this.#ping.title = !isPredicting
      ? 'This device is too slow to predict your ship: it answers after the round trip. Close other tabs and programs.'
      : isHostSilent
        ? 'The host does not answer. The game goes on when the connection is back.'
        : room.role === 'host'
          ? 'The match runs on this page'
          : isRelayed
            ? 'Round trip to the host, through a server, because no direct connection could be made'
            : 'Round trip to the host';
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
    const { roster, room } = this.#parts;
    row.swatch.style.setProperty('--color', roster.colorOf(score.owner).hex);
    setText(row.name, roster.nameOf(score.owner));
    setText(row.kills, String(score.kills));
    row.element.classList.toggle('is-me', score.isMine);
    const isSilent = room.lobby.players.some((player) => player.id === score.owner && player.isSilent);
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

/** A phone, either way up: the bar has no room for whole sentences. As `styles/match.css` has it. */
const isNarrow = (): boolean => matchMedia('(max-width: 60rem)').matches;

/** A button of the bar that is a picture. */
function toolButton(name: string, picture: Parameters<typeof icon>[0], onClick: () => void): HTMLButtonElement {
  const tool = button('', onClick, 'quiet tool');
  tool.append(icon(picture));
  tool.setAttribute('aria-label', name);
  tool.title = name;
  return tool;
}

function makeRow(): ScoreRow {
  const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
  const name = el('bdi', { class: 'name' });
  const kills = el('span', { class: 'kills' });
  return { element: el('li', {}, swatch, name, kills), swatch, name, kills };
}
