/** The first screen: a name, and either a room of one's own, the code of a friend's, or one that is open to everyone. Also where every failure is told. */
import type { App, EntryMode, Offer, PageState, Trouble } from '../app.ts';
import { inviteCodeFrom, tidyName } from '../launch.ts';
import { rememberedName } from '../memory.ts';
import { arena } from '../rules/arena.ts';
import { controlsHint } from './controls-hint.ts';
import { button, el, field, setText } from './dom.ts';
import { ConnectionPanel } from './connection-panel.ts';
import { PasswordPrompt } from './password-prompt.ts';
import { PublicLobbies, type WatchLobbies } from './public-lobbies.ts';
import { ReportText } from './report-text.ts';
import type { Screen } from './screen.ts';

/** Room for any name and any pasted link; the name's own limit counts characters, which may be several units each. */
const NAME_UNITS_MAX = '40';
const INVITE_UNITS_MAX = '300';

export class MenuScreen implements Screen {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #isInvited: boolean;
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
  readonly #choice = el('div', { class: 'offer', attributes: { role: 'group', 'aria-label': 'What next?' } });
  readonly #trouble = el('div', { class: 'trouble' });
  readonly #report = new ReportText();
  readonly #connection: ConnectionPanel;
  readonly #testLink: HTMLButtonElement;
  readonly #lobbies: PublicLobbies | undefined;
  #offer: Offer | undefined;

  constructor(app: App, watch: WatchLobbies | undefined) {
    this.#app = app;
    this.#isInvited = app.launch.action === 'join';
    this.#name.input.value = app.launch.name ?? rememberedName();
    this.#code.input.value = app.launch.code;
    this.#choice.hidden = true;
    this.#connection = new ConnectionPanel(() => this.#testLink.focus());
    this.#testLink = button('Test my connection', () => void this.#connection.run(), 'quiet link-button');
    this.#lobbies =
      watch === undefined || this.#isInvited
        ? undefined
        : new PublicLobbies({ watch, gameVersion: arena.version, onEnter: (code, isSpectating) => this.#pick(code, isSpectating) });
    // Enter in the name does what was begun: with a code it joins, without one it hosts.
    this.#name.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      if (this.#code.input.value.trim() === '') this.#host();
      else this.#join();
    });
    const tagline = this.#isInvited
      ? 'You are invited. Say who you are, and you are in.'
      : 'A space arena for you and your friends, straight from browser to browser.';
    this.element = el(
      'section',
      { class: `screen home${this.#lobbies === undefined ? '' : ' has-lobbies'}` },
      el('header', {}, this.#heading, el('p', { class: 'tagline', text: tagline })),
      this.#panel(),
      this.#lobbies?.element,
      this.#connection.element,
      controlsHint(),
      this.#testLink,
    );
  }

  update(state: PageState): void {
    if (state.status !== 'menu') return;
    setText(this.#alert, state.message);
    this.#alert.hidden = state.message === '';
    this.#tell(state.trouble);
    if (state.offer !== this.#offer) this.#show(state.offer);
    this.#lobbies?.start();
  }

  focus(): void {
    if (this.#offer !== undefined) return this.#focusOffer();
    (this.#isInvited && this.#name.input.value === '' ? this.#name.input : this.#heading).focus();
  }

  close(): void {
    this.#lobbies?.stop();
    this.#connection.close();
  }

  #panel(): HTMLElement {
    const isInvited = this.#isInvited;
    const host = button('Host a game', () => this.#host(), isInvited ? 'quiet' : 'primary');
    const join = el('button', { class: isInvited ? 'primary' : '', text: 'Join', attributes: { type: 'submit' } });
    const joinForm = el('form', { class: 'join-row', attributes: { novalidate: '' } }, this.#code.row, join);
    joinForm.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#join();
    });
    const divider = el('p', { class: 'divider', text: isInvited ? 'or' : 'or join a friend', attributes: { 'aria-hidden': 'true' } });
    const ways = isInvited ? [joinForm, divider, host] : [host, divider, joinForm];
    return el('div', { class: 'panel menu' }, this.#name.row, this.#alert, this.#trouble, this.#choice, ...ways);
  }

  #tell(trouble: Trouble | undefined): void {
    this.#trouble.hidden = trouble === undefined;
    this.#report.show(trouble?.report ?? '');
    if (trouble === undefined) return;
    const { what, tried, advice } = trouble.explanation;
    const lines = [what, tried, advice].filter((line) => line !== '').map((text) => el('p', { class: 'small', text }));
    this.#trouble.replaceChildren(...lines, this.#report.element);
  }

  #show(offer: Offer | undefined): void {
    this.#offer = offer;
    this.#choice.hidden = offer === undefined;
    this.#choice.parentElement?.classList.toggle('is-asking', offer?.kind === 'password');
    this.#choice.replaceChildren(...(offer === undefined ? [] : this.#offered(offer)));
    if (offer !== undefined && this.element.isConnected) this.#focusOffer();
  }

  #offered(offer: Offer): HTMLElement[] {
    const enter =
      (mode: EntryMode = 'plain') =>
      () =>
        void this.#app.open(offer.intent, mode);
    switch (offer.kind) {
      case 'already-in':
        return [button('Play here instead', enter('take-over')), button('Join as a second player', enter('somebody-else'))];
      case 'password':
        return [new PasswordPrompt(this.#app, offer.intent, offer.isWrong).element];
      case 'watch':
        return [
          button('Watch instead', () => void this.#app.open({ ...offer.intent, isSpectating: true })),
          button('Try again', enter(), 'quiet'),
        ];
      case 'retry':
        return [button('Try again', enter())];
    }
  }

  #focusOffer(): void {
    this.#choice.querySelector<HTMLElement>('input, button')?.focus();
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
    const typed = this.#code.input.value;
    const name = this.#nameOrAsk();
    if (name === undefined) return;
    if (typed.trim() === '') {
      this.#app.refuse('Enter the invite code your friend sent you, or paste the link.');
      this.#code.input.focus();
      return;
    }
    // What can be no code goes on as typed: the netcode says so in its own words.
    this.#enter(inviteCodeFrom(typed) ?? typed.trim(), this.#app.launch.isWatching);
  }

  /** From the list. Without a name yet, the code stands ready beside it. */
  #pick(code: string, isSpectating: boolean): void {
    this.#code.input.value = code;
    this.#enter(code, isSpectating);
  }

  #enter(code: string, isSpectating: boolean): void {
    const name = this.#nameOrAsk();
    if (name !== undefined) void this.#app.open({ kind: 'join', name, code, isSpectating });
  }
}
