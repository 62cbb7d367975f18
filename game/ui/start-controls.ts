/** Ready, set: the buttons under a lobby and under results. Guests say that they are ready; the host starts, and need not wait for everyone. */
import type { LobbyPlayer } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { askingButton, button, el, setText } from './dom.ts';

/** Long enough to put the phone down, or to cancel. */
const COUNTDOWN_MS = 3000;

export interface StartControlsOptions {
  readonly room: ArenaRoom;
  /** What the host's button says when nobody is missing. */
  readonly startText: string;
  readonly onLeave: () => void;
  readonly onNotice: (message: string) => void;
  /** More buttons of the host's. */
  readonly hostButtons?: readonly HTMLButtonElement[];
}

export class StartControls {
  readonly element: HTMLElement;
  readonly #options: StartControlsOptions;
  readonly #waiting = el('p', { class: 'small waiting', attributes: { role: 'status' } });
  readonly #ready: HTMLButtonElement;
  readonly #start: HTMLButtonElement;

  constructor(options: StartControlsOptions) {
    this.#options = options;
    const { room, onLeave, hostButtons = [] } = options;
    this.#ready = button("I'm ready", () => room.setReady(!isReady(room)));
    this.#start = button(options.startText, () => this.#begin(), 'primary');
    const leave = askingButton({ text: 'Leave', question: () => questionBeforeLeaving(room), onClick: onLeave });
    this.element = el(
      'div',
      { class: 'actions' },
      this.#waiting,
      el('div', { class: 'buttons' }, leave, ...hostButtons, this.#ready, this.#start),
    );
  }

  update(): void {
    const { room, startText, hostButtons = [] } = this.#options;
    const { lobby, role } = room;
    const isHost = role === 'host';
    const isCounting = lobby.countdownMs !== undefined;
    const isSpectator = lobby.players.some((player) => player.isMe && player.isSpectator);
    const isOn = isReady(room);
    const missing = missingNames(lobby.players);
    setText(this.#ready, isOn ? 'Not ready' : "I'm ready");
    this.#ready.setAttribute('aria-pressed', String(isOn));
    this.#ready.classList.toggle('primary', !isHost && !isOn);
    // A spectator has nothing to be ready for.
    this.#ready.hidden = isSpectator;
    for (const own of [this.#start, ...hostButtons]) own.hidden = !isHost;
    this.#start.disabled = playersOf(lobby.players).length === 0;
    this.#start.setAttribute('aria-disabled', String(isCounting));
    setText(this.#start, isCounting ? 'Starting…' : missing.length === 0 ? startText : 'Start anyway');
    this.#start.classList.toggle('primary', missing.length === 0);
    setText(this.#waiting, this.#waitingText(missing));
  }

  #begin(): void {
    const { room, onNotice } = this.#options;
    const { countdownMs, phase, players } = room.lobby;
    if (countdownMs !== undefined || phase === 'playing') return;
    try {
      // Who is alone waits for nobody.
      room.start({ countdownMs: players.length === 1 ? 0 : COUNTDOWN_MS });
    } catch {
      // Only between asking somebody to be the host and their taking over: a matter of seconds, and of one's own doing.
      onNotice('Not now: somebody else is being made the host. Wait until that is done.');
    }
  }

  #waitingText(missing: readonly string[]): string {
    const { room } = this.#options;
    const { players } = room.lobby;
    const playing = playersOf(players);
    if (playing.length === 0) return 'Everybody only watches: somebody has to play.';
    if (players.length === 1) return 'Invite a friend, or start alone to practise.';
    if (missing.length > 0) return `Waiting for ${new Intl.ListFormat('en').format(missing)}`;
    return room.role === 'host' ? 'Everyone is ready.' : 'Waiting for the host to start';
  }
}

const playersOf = (players: readonly LobbyPlayer[]): LobbyPlayer[] => players.filter(({ isSpectator }) => !isSpectator);

const isReady = (room: ArenaRoom): boolean => room.lobby.players.some((player) => player.isMe && player.isReady);

/** More names than a line holds. */
const NAMES_MAX = 4;

/** The guests who are not ready. The host shows readiness by starting. */
function missingNames(players: readonly LobbyPlayer[]): string[] {
  const names = playersOf(players)
    .filter((player) => !player.isReady && !player.isHost)
    .map((player) => player.name);
  return names.length > NAMES_MAX ? [...names.slice(0, NAMES_MAX - 1), `${names.length - NAMES_MAX + 1} more`] : names;
}

/** A host who leaves takes the room along. */
export function questionBeforeLeaving({ role, lobby }: ArenaRoom): string | undefined {
  return role === 'host' && lobby.players.length > 1 ? 'End it for all?' : undefined;
}
