/** The first screen: a name, and either a room of one's own or the code of a friend's. Also where every failure is told. */
import type { App, EntryMode, Intent, PageState } from '../app.ts';
import { inviteCodeFrom, tidyName } from '../launch.ts';
import { rememberedName } from '../memory.ts';
import { button, el, field, setText } from './dom.ts';
import type { Screen } from './screen.ts';

/** Room for any name and any pasted link; the name's own limit counts characters, which may be several units each. */
const NAME_UNITS_MAX = '40';
const INVITE_UNITS_MAX = '300';

export class MenuScreen implements Screen {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #heading = el('h1', { text: 'Volley', attributes: { tabindex: '-1' } });
  readonly #name = field('player-name', 'Your name', { maxlength: NAME_UNITS_MAX, autocomplete: 'nickname', spellcheck: 'false' });
  readonly #code = field('invite-code', 'Invite code', {
    maxlength: INVITE_UNITS_MAX,
    autocomplete: 'off',
    autocapitalize: 'characters',
    spellcheck: 'false',
    placeholder: 'K7QX2M or a link',
  });
  readonly #alert = el('p', { class: 'alert', attributes: { role: 'alert' } });
  readonly #choice = el('div', { class: 'choice', attributes: { role: 'group', 'aria-label': 'You are in this room already' } });
  #wasAlreadyIn: Intent | undefined;

  constructor(app: App) {
    this.#app = app;
    this.#name.input.value = app.launch.name ?? rememberedName();
    this.#code.input.value = app.launch.code;
    this.#choice.hidden = true;
    const hostButton = button('Host a game', () => this.#host(), 'primary');
    const joinButton = el('button', { text: 'Join', attributes: { type: 'submit' } });
    const form = el(
      'form',
      { class: 'panel menu', attributes: { novalidate: '' } },
      this.#name.row,
      this.#alert,
      this.#choice,
      hostButton,
      el('p', { class: 'divider', text: 'or join a friend', attributes: { 'aria-hidden': 'true' } }),
      el('div', { class: 'join-row' }, this.#code.row, joinButton),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#join();
    });
    // Enter in the name does what was begun: with a code it joins, without one it hosts.
    this.#name.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      if (this.#code.input.value.trim() === '') this.#host();
      else this.#join();
    });
    this.element = el(
      'section',
      { class: 'screen' },
      this.#heading,
      el('p', { class: 'tagline', text: 'A space arena for up to eight friends, straight from browser to browser.' }),
      form,
      controlsHint(),
    );
  }

  update(state: PageState): void {
    if (state.status !== 'menu') return;
    setText(this.#alert, state.message);
    this.#alert.hidden = state.message === '';
    if (state.alreadyIn !== this.#wasAlreadyIn) this.#offerChoice(state.alreadyIn);
  }

  focus(): void {
    const isInvited = this.#app.launch.action === 'join' && this.#name.input.value === '';
    const firstChoice = this.#choice.hidden ? undefined : this.#choice.querySelector('button');
    (firstChoice ?? (isInvited ? this.#name.input : this.#heading)).focus();
  }

  #offerChoice(intent: Intent | undefined): void {
    this.#wasAlreadyIn = intent;
    this.#choice.hidden = intent === undefined;
    this.#choice.replaceChildren();
    if (intent === undefined) return;
    const enter = (mode: EntryMode) => () => void this.#app.open(intent, mode);
    this.#choice.append(button('Play here instead', enter('take-over')), button('Join as a second player', enter('somebody-else')));
  }

  /** The name as it will be used, or undefined after asking for one. */
  #nameOrAsk(): string | undefined {
    const name = tidyName(this.#name.input.value);
    if (name !== '') return name;
    this.#app.refuse('Enter your name first, so that your friends know who you are.');
    this.#name.input.focus();
    return undefined;
  }

  #host(): void {
    const name = this.#nameOrAsk();
    if (name !== undefined) void this.#app.open({ kind: 'host', name });
  }

  #join(): void {
    const name = this.#nameOrAsk();
    if (name === undefined) return;
    const typed = this.#code.input.value;
    if (typed.trim() === '') {
      this.#app.refuse('Enter the invite code your friend sent you, or paste the link.');
      this.#code.input.focus();
      return;
    }
    // What can be no code goes on as typed: the netcode says so in its own words.
    void this.#app.open({ kind: 'join', name, code: inviteCodeFrom(typed) ?? typed.trim() });
  }
}

function controlsHint(): HTMLElement {
  const key = (text: string): HTMLElement => el('kbd', { text });
  return el(
    'p',
    { class: 'hint' },
    el(
      'span',
      { class: 'for-keys' },
      key('←'),
      ' ',
      key('→'),
      ' turn  ',
      key('↑'),
      ' thrust  ',
      key('↓'),
      ' brake  ',
      key('Space'),
      ' fire\n',
      key('W'),
      ' ',
      key('A'),
      ' ',
      key('S'),
      ' ',
      key('D'),
      ' fly too',
    ),
    el('span', { class: 'for-touch', text: 'Left thumb: turn and fly. Right thumb: fire.' }),
  );
}
