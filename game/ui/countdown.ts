/** The last seconds before a match: a large number over whatever screen shows, said once to a screen reader, and the host's way back. */
import type { LobbyState } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { button, el, setText } from './dom.ts';

const REFRESH_MS = 100;

export class Countdown {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #number = el('span', { class: 'countdown-number', attributes: { 'aria-hidden': 'true' } });
  readonly #said = el('p', { class: 'countdown-text', attributes: { role: 'status' } });
  readonly #cancel: HTMLButtonElement;
  #lobby: unknown;
  #endsAtMs: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(room: ArenaRoom) {
    this.#room = room;
    this.#cancel = button('Cancel start', () => {
      if (room.lobby.countdownMs !== undefined && room.role === 'host') room.cancelStart();
    });
    this.element = el('div', { class: 'countdown' }, this.#number, this.#said, this.#cancel);
    this.element.hidden = true;
  }

  update(): void {
    const { lobby, role } = this.#room;
    this.#cancel.hidden = role !== 'host';
    // The figure is that of the moment the state came: the same state seen again says nothing new.
    if (lobby === this.#lobby) return;
    this.#lobby = lobby;
    const isRunning = lobby.countdownMs !== undefined && lobby.phase !== 'playing';
    if (!isRunning) return this.stop();
    this.#endsAtMs = performance.now() + (lobby.countdownMs ?? 0);
    if (this.#timer === undefined) this.#begin(lobby);
    this.#tick();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.element.hidden = true;
    setText(this.#said, '');
  }

  #begin({ countdownMs = 0 }: Pick<LobbyState, 'countdownMs'>): void {
    this.element.hidden = false;
    setText(this.#said, `The match starts in ${Math.ceil(countdownMs / 1000)} seconds`);
    this.#timer = setInterval(() => this.#tick(), REFRESH_MS);
  }

  #tick(): void {
    const leftMs = (this.#endsAtMs ?? 0) - performance.now();
    setText(this.#number, String(Math.max(Math.ceil(leftMs / 1000), 1)));
  }
}
