/**
 * Text chat: a log that a screen reader reads as it grows, and a line to write in. What is refused stays in the field, with the reason
 * beside it. One for a room, moved from screen to screen, so that half a sentence survives the start of a match.
 */
import { CHAT_LENGTH_MAX, CHAT_LINES_MAX, type ChatMessage, type PlayerId } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { el, setText } from './dom.ts';
import type { Roster } from './roster.ts';

/** The counter shows when so few characters are left. */
const COUNTER_FROM = 40;
/** Over a match, a line stays this long unless the chat is open. */
const LINE_SHOWN_MS = 9000;

export class Chat {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #roster: Roster;
  readonly #log = el('div', { class: 'chat-log', attributes: { role: 'log', 'aria-live': 'polite', 'aria-label': 'Chat', tabindex: '0' } });
  readonly #empty = el('p', { class: 'small chat-empty', text: 'Nobody has said anything yet.' });
  readonly #input = el('input', {
    attributes: {
      type: 'text',
      id: 'chat-text',
      'aria-label': 'Message',
      placeholder: 'Say something',
      autocomplete: 'off',
      enterkeyhint: 'send',
      // Units, of which a character may be two: the exact limit is counted below.
      maxlength: String(2 * CHAT_LENGTH_MAX),
    },
  });
  readonly #counter = el('span', { class: 'chat-counter' });
  readonly #refusal = el('p', { class: 'chat-refusal', attributes: { role: 'alert' } });
  readonly #stops: (() => void)[] = [];
  /** Over a match: closed means lines only. Undefined elsewhere. */
  #onClose: (() => void) | undefined;

  constructor(room: ArenaRoom, roster: Roster) {
    this.#room = room;
    this.#roster = roster;
    const form = el(
      'form',
      { class: 'chat-form' },
      this.#input,
      this.#counter,
      el('button', { text: 'Send', attributes: { type: 'submit' } }),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener('input', () => this.#count());
    this.element = el('section', { class: 'chat', attributes: { 'aria-label': 'Chat' } }, this.#log, this.#refusal, form);
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.#onClose === undefined) return;
      event.stopPropagation();
      this.close();
    });
    this.#refusal.hidden = true;
    this.#log.append(this.#empty);
    for (const message of room.chat) this.#add(message, false);
    this.#stops.push(
      room.on('chat', (message) => this.#add(message, true)),
      () => this.element.remove(),
    );
    this.#count();
  }

  /** Whether it is a panel of its own, or lies over a match and opens on demand; `onClose` gives the focus back there. */
  become(place: 'panel' | 'overlay', onClose?: () => void): HTMLElement {
    this.#onClose = place === 'overlay' ? onClose : undefined;
    this.element.classList.toggle('is-overlay', place === 'overlay');
    this.element.classList.remove('is-open');
    this.#showRefusal('');
    return this.element;
  }

  get isOpen(): boolean {
    return this.element.classList.contains('is-open');
  }

  open(): void {
    this.element.classList.add('is-open');
    this.#scrollDown();
    this.#input.focus();
  }

  close(): void {
    this.element.classList.remove('is-open');
    this.#showRefusal('');
    this.#onClose?.();
  }

  /** Hides what the muted have said, and shows it again. Lines of those who have left stay as they are: nobody is muted any more who is gone. */
  update(): void {
    const present = new Set<number>(this.#room.lobby.players.map(({ id }) => id));
    for (const line of this.#log.querySelectorAll<HTMLElement>('.chat-line[data-from]')) {
      const from = Number(line.dataset['from']);
      if (present.has(from)) line.hidden = this.#room.isMuted(from as PlayerId);
      else delete line.dataset['from'];
    }
  }

  /** The log scrolls to its end when its place has changed. */
  settle(): void {
    this.#scrollDown();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #send(): void {
    const text = this.#input.value;
    if (text.trim() === '') {
      if (this.#onClose !== undefined) this.close();
      return;
    }
    if ([...text].length > CHAT_LENGTH_MAX) return this.#showRefusal(`Too long: ${CHAT_LENGTH_MAX} characters at most.`);
    if (!this.#room.say(text)) return this.#showRefusal('Too fast: wait a moment, then send it again.');
    this.#input.value = '';
    this.#count();
    this.#showRefusal('');
    if (this.#onClose !== undefined) this.close();
  }

  #add(message: ChatMessage, isNew: boolean): void {
    this.#empty.remove();
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    const name = el('bdi', { class: 'name', text: message.name });
    name.style.color = this.#roster.colorOf(message.from).hex;
    const line = el('p', { class: 'chat-line' }, name, ' ', el('span', { attributes: { dir: 'auto' }, text: message.text }));
    line.dataset['from'] = String(message.from);
    line.classList.toggle('is-mine', message.isMine);
    line.hidden = this.#room.isMuted(message.from);
    if (isNew) setTimeout(() => line.classList.add('is-old'), LINE_SHOWN_MS);
    else line.classList.add('is-old');
    this.#log.append(line);
    while (this.#log.childElementCount > CHAT_LINES_MAX) this.#log.firstElementChild?.remove();
    if (isAtEnd || message.isMine) this.#scrollDown();
  }

  #scrollDown(): void {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #count(): void {
    const left = CHAT_LENGTH_MAX - [...this.#input.value].length;
    this.#counter.hidden = left > COUNTER_FROM;
    setText(this.#counter, left >= 0 ? `${left} left` : `${-left} too many`);
    this.#counter.classList.toggle('is-over', left < 0);
  }

  #showRefusal(text: string): void {
    setText(this.#refusal, text);
    this.#refusal.hidden = text === '';
  }
}
