/** Who is in the room: name, colour, host, ready; and for the host a way to send somebody out. */
import type { LobbyPlayer, PlayerId } from '../../netcode/index.ts';
import { button, el, setText, syncRows } from './dom.ts';
import { colorOf } from './palette.ts';

interface PlayerRow {
  readonly element: HTMLElement;
  readonly swatch: HTMLElement;
  readonly name: HTMLElement;
  readonly marks: HTMLElement;
  readonly ready: HTMLElement;
  readonly kick: HTMLButtonElement | undefined;
}

export class PlayerList {
  readonly element = el('ul', { class: 'players', attributes: { 'aria-label': 'Players' } });
  readonly #rows = new Map<number, PlayerRow>();
  readonly #onKick: ((player: PlayerId) => void) | undefined;

  /** `onKick` for the host only. */
  constructor(onKick: ((player: PlayerId) => void) | undefined) {
    this.#onKick = onKick;
  }

  update(players: readonly LobbyPlayer[]): void {
    syncRows(this.element, this.#rows, {
      items: players,
      keyOf: (player) => player.id,
      make: (player) => this.#make(player),
      update: updateRow,
    });
  }

  #make({ id, isMe }: LobbyPlayer): PlayerRow {
    const onKick = this.#onKick;
    const kick = onKick === undefined || isMe ? undefined : button('Kick', () => onKick(id), 'quiet');
    const swatch = el('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
    const name = el('bdi', { class: 'name' });
    const marks = el('span', { class: 'marks' });
    const ready = el('span', { class: 'ready' });
    return { element: el('li', {}, swatch, el('span', { class: 'who' }, name, marks), ready, kick), swatch, name, marks, ready, kick };
  }
}

function updateRow(row: PlayerRow, player: LobbyPlayer): void {
  row.swatch.style.setProperty('--color', colorOf(player.color).hex);
  setText(row.name, player.name);
  setText(row.marks, `${player.isMe ? ' (you)' : ''}${player.isHost ? ' · host' : ''}`);
  // Nobody waits for the host, who shows readiness by starting.
  setText(row.ready, player.isSilent ? 'no answer' : player.isReady ? '✓ ready' : player.isHost ? '' : 'not ready');
  row.ready.classList.toggle('is-ready', player.isReady && !player.isSilent);
  row.kick?.setAttribute('aria-label', `Kick ${player.name}`);
}
