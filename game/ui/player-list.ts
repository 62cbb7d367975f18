/**
 * Who is in the room: colour, name, team, readiness, ping and what else there is to know about them, and a menu of what one may do to
 * them. Who only watches stands in a list of their own.
 */
import type { LobbyPlayer, PlayerId } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { button, el, setText, syncRows } from './dom.ts';
import { icon } from './icons.ts';
import { colorOf, teamOf } from './palette.ts';
import { actionsFor, type Tell } from './player-actions.ts';
import { PopupMenu } from './popup-menu.ts';
import type { RoomParts } from './room-parts.ts';

interface PlayerRow {
  readonly element: HTMLElement;
  readonly swatch: HTMLElement;
  readonly name: HTMLElement;
  readonly marks: HTMLElement;
  readonly path: HTMLButtonElement;
  readonly voice: HTMLElement;
  readonly team: HTMLElement;
  readonly ping: HTMLElement;
  readonly ready: HTMLElement;
  readonly more: HTMLButtonElement | undefined;
}

/** From here on a round trip is felt, and from there on it hurts. */
const PING_FELT_MS = 90;
const PING_BAD_MS = 180;

export class PlayerList {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #parts: RoomParts;
  readonly #tell: Tell;
  readonly #players = el('ul', { class: 'players', attributes: { 'aria-label': 'Players' } });
  readonly #spectators = el('ul', { class: 'players', attributes: { 'aria-label': 'Spectators' } });
  readonly #watching = el('p', { class: 'small' });
  readonly #rows = new Map<number, PlayerRow>();
  readonly #spectatorRows = new Map<number, PlayerRow>();
  #menu: { readonly player: PlayerId; readonly popup: PopupMenu } | undefined;

  constructor(parts: RoomParts, tell: Tell) {
    this.#room = parts.room;
    this.#parts = parts;
    this.#tell = tell;
    this.element = el('div', { class: 'player-lists' }, this.#players, this.#watching, this.#spectators);
  }

  update(): void {
    const { players, spectatorsMax } = this.#room.lobby;
    const hasTeams = this.#room.lobby.settings.mode === 'teams';
    const playing = players.filter(({ isSpectator }) => !isSpectator);
    const watching = players.filter(({ isSpectator }) => isSpectator);
    this.#sync(this.#players, this.#rows, hasTeams ? playing.toSorted((a, b) => a.team - b.team || a.id - b.id) : playing);
    this.#sync(this.#spectators, this.#spectatorRows, watching);
    this.#watching.hidden = watching.length === 0;
    this.#spectators.hidden = watching.length === 0;
    setText(this.#watching, `Watching: ${watching.length} of ${spectatorsMax}`);
    if (this.#menu !== undefined && !players.some(({ id }) => id === this.#menu?.player)) this.#menu.popup.close(false);
  }

  /** How loud everybody in voice is, 0 to 1. */
  showLevels(levels: ReadonlyMap<PlayerId, number>): void {
    for (const rows of [this.#rows, this.#spectatorRows]) {
      for (const [id, { voice }] of rows) voice.style.setProperty('--level', String(levels.get(id as PlayerId) ?? 0));
    }
  }

  #sync(list: HTMLElement, rows: Map<number, PlayerRow>, players: readonly LobbyPlayer[]): void {
    const { phase, settings } = this.#room.lobby;
    const hasTeams = settings.mode === 'teams';
    syncRows(list, rows, {
      items: players,
      keyOf: (player) => player.id,
      make: (player) => this.#make(player),
      update: (row, player) => {
        updateRow(row, player, hasTeams);
        setText(row.ready, readiness(player, phase === 'playing'));
        row.ready.classList.toggle('is-ready', player.isReady && !player.isSilent && phase !== 'playing');
        row.element.classList.toggle('is-muted', this.#room.isMuted(player.id));
      },
    });
  }

  #make({ id, isMe }: LobbyPlayer): PlayerRow {
    const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
    const name = el('bdi', { class: 'name' });
    const marks = el('span', { class: 'marks' });
    const path = button('via server', () => this.#explainPath(id), 'mark');
    const voice = el('span', { class: 'voice-mark', attributes: { role: 'img', 'aria-label': 'in voice' } }, icon('microphone'));
    const team = el('span', { class: 'team' });
    const ping = el('span', { class: 'ping-mark' });
    const ready = el('span', { class: 'ready' });
    const more = isMe ? undefined : button('', () => this.#toggleMenu(id), 'quiet more');
    more?.append(icon('more'));
    more?.setAttribute('aria-haspopup', 'menu');
    more?.setAttribute('aria-expanded', 'false');
    const facts = el('span', { class: 'facts' }, team, ping, path);
    const who = el('span', { class: 'who' }, el('span', { class: 'who-line' }, name, marks), facts);
    const element = el('li', {}, swatch, who, voice, ready, more);
    return { element, swatch, name, marks, path, voice, team, ping, ready, more };
  }

  #playerOf(id: PlayerId): LobbyPlayer | undefined {
    return this.#room.lobby.players.find((player) => player.id === id);
  }

  #toggleMenu(id: PlayerId): void {
    const player = this.#playerOf(id);
    const isSame = this.#menu?.player === id && this.#menu.popup.isOpen;
    this.#menu?.popup.close(isSame);
    const anchor = (this.#rows.get(id) ?? this.#spectatorRows.get(id))?.more;
    if (isSame || player === undefined || anchor === undefined) return;
    const items = actionsFor(this.#room, player, this.#tell).map((item) => ({
      ...item,
      run: () => {
        item.run();
        // Whom one mutes is no business of the lobby's: nobody else tells of it.
        this.#parts.update();
        this.update();
      },
    }));
    this.#menu = { player: id, popup: new PopupMenu(anchor, player.name, items) };
  }

  #explainPath(id: PlayerId): void {
    const player = this.#playerOf(id);
    if (player === undefined) return;
    const who = player.isMe ? 'You reach' : `${player.name} reaches`;
    this.#tell(
      player.path === 'relay'
        ? `${who} the host through this game's server, because no direct connection could be made. It works, with some more delay.`
        : `${who} the host through a relay (TURN), because no direct connection could be made. It works, with some more delay.`,
    );
  }
}

/** Nobody waits for the host, who shows readiness by starting. */
function readiness(player: LobbyPlayer, isPlaying: boolean): string {
  if (player.isSilent) return 'no answer';
  if (player.isSpectator) return 'watching';
  if (isPlaying) return '';
  return player.isReady ? '✓ ready' : player.isHost ? '' : 'not ready';
}

function updateRow(row: PlayerRow, player: LobbyPlayer, hasTeams: boolean): void {
  const { name, color, team, isMe, isHost, isSpectator, isInVoice, path, pingMs } = player;
  const isInTeam = hasTeams && !isSpectator;
  row.swatch.style.setProperty('--color', (isInTeam ? teamOf(team) : colorOf(color)).hex);
  row.element.classList.toggle('is-spectator', isSpectator);
  setText(row.name, name);
  setText(row.marks, `${isMe ? '(you)' : ''}${isHost ? ' · host' : ''}`.trim());
  row.path.hidden = path !== 'relay' && path !== 'turn';
  row.path.setAttribute('aria-label', `${name}: via server. What does that mean?`);
  row.voice.hidden = !isInVoice;
  row.team.hidden = !isInTeam;
  setText(row.team, isInTeam ? teamOf(team).name : '');
  row.team.style.setProperty('--color', teamOf(team).hex);
  row.ping.hidden = pingMs === undefined;
  setText(row.ping, pingMs === undefined ? '' : `${Math.round(pingMs)} ms`);
  row.ping.title = 'Round trip to the host';
  row.ping.dataset['level'] = pingMs === undefined || pingMs < PING_FELT_MS ? 'good' : pingMs < PING_BAD_MS ? 'felt' : 'bad';
  row.more?.setAttribute('aria-label', `More about ${name}`);
}
