/** The first screen: a name, and either a room of one's own, the code of a friend's, or one that is open to everyone. Also where every failure is told. */
import type { App, EntryMode, JoinIntent, Offer, PageState, Trouble } from '../app.ts';
import { inviteCodeFrom, tidyName } from '../launch.ts';
import { rememberedName } from '../memory.ts';
import { controlsHint } from './controls-hint.ts';
import { button, el, field, setText } from './dom.ts';
import { ConnectionPanel } from './connection-panel.ts';
import { passwordPrompt } from './password-prompt.ts';
import { PublicLobbies, type WatchLobbies } from './public-lobbies.ts';
import { ReportText } from './report-text.ts';
import type { Screen } from './screen.ts';

/** Room for any name and any pasted link; the name's own limit counts characters, which may be several units each. */
const NAME_UNITS_MAX = '40';
const INVITE_UNITS_MAX = '300';

const TAGLINE = 'A space arena for you and your friends, straight from browser to browser.';
const TAGLINE_INVITED = 'You are invited. Say who you are, and you are in.';

interface Ways {
  readonly host: HTMLButtonElement;
  readonly join: HTMLButtonElement;
  readonly joinForm: HTMLFormElement;
  readonly divider: HTMLElement;
}

export class MenuScreen implements Screen {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #heading = el('h1', { text: 'Volley', attributes: { tabindex: '-1' } });
  readonly #tagline = el('p', { class: 'tagline' });
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
  readonly #lobbies: PublicLobbies;
  readonly #panel: HTMLElement;
  readonly #ways: Ways;
  #isInvited: boolean;
  #offer: Offer | undefined;

  constructor(app: App, watch: WatchLobbies) {
    this.#app = app;
    this.#isInvited = app.launch.action === 'join';
    this.#name.input.value = app.launch.name ?? rememberedName();
    this.#code.input.value = app.launch.code;
    this.#choice.hidden = true;
    this.#connection = new ConnectionPanel(() => {
      this.#testLink.hidden = false;
      this.#testLink.focus();
    });
    this.#testLink = button('Test my connection', () => this.#testConnection(), 'quiet link-button');
    this.#lobbies = new PublicLobbies({ watch, onEnter: (code, isSpectating) => this.#pick(code, isSpectating) });
    // Enter in the name does what was begun: with a code it joins, without one it hosts.
    this.#name.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      if (this.#code.input.value.trim() === '') this.#host();
      else this.#join();
    });
    this.#ways = this.#makeWays();
    this.#panel = el('div', { class: 'panel menu' }, this.#name.row, this.#alert, this.#trouble, this.#choice);
    this.element = el(
      'section',
      { class: 'screen home' },
      el('header', {}, this.#heading, this.#tagline),
      this.#panel,
      this.#lobbies.element,
      this.#connection.element,
      controlsHint(),
      this.#testLink,
    );
    this.#arrange();
  }

  /** The invitation has been followed, and what came of it is over: from now on this is everybody's menu. */
  forgetInvite(): void {
    if (!this.#isInvited) return;
    this.#isInvited = false;
    this.#arrange();
  }

  update(state: PageState): void {
    if (state.status !== 'menu') return;
    // Who was sent away, or finds the door shut, is not told that they are as good as in.
    setText(this.#tagline, this.#isInvited && state.message === '' ? TAGLINE_INVITED : TAGLINE);
    setText(this.#alert, state.message);
    this.#alert.hidden = state.message === '';
    this.#tell(state.trouble, state.message);
    if (state.offer !== this.#offer) this.#show(state.offer);
    if (!this.#isInvited) this.#lobbies.start();
  }

  focus(): void {
    if (this.#offer !== undefined) return this.#focusOffer();
    (this.#isInvited && this.#name.input.value === '' ? this.#name.input : this.#heading).focus();
  }

  close(): void {
    this.#lobbies.stop();
    this.#connection.close();
  }

  #makeWays(): Ways {
    const host = button('Host a game', () => this.#host());
    const join = el('button', { text: 'Join', attributes: { type: 'submit' } });
    const joinForm = el('form', { class: 'join-row', attributes: { novalidate: '' } }, this.#code.row, join);
    joinForm.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#join();
    });
    return { host, join, joinForm, divider: el('p', { class: 'divider', attributes: { 'aria-hidden': 'true' } }) };
  }

  /** Who is invited joins first of all, and is not shown other people's games. */
  #arrange(): void {
    const isInvited = this.#isInvited;
    const { host, join, joinForm, divider } = this.#ways;
    host.className = isInvited ? 'quiet' : 'primary';
    join.className = isInvited ? 'primary' : '';
    setText(divider, isInvited ? 'or' : 'or join a friend');
    this.#panel.append(...(isInvited ? [joinForm, divider, host] : [host, divider, joinForm]));
    this.#lobbies.element.hidden = isInvited;
    this.element.classList.toggle('has-lobbies', !isInvited);
  }

  #testConnection(): void {
    void this.#connection.run();
    // The panel stands above it and has a button of its own.
    this.#testLink.hidden = true;
  }

  /** `message` stands above it already. */
  #tell(trouble: Trouble | undefined, message: string): void {
    this.#trouble.hidden = trouble === undefined;
    this.#report.show(trouble?.report ?? '');
    if (trouble === undefined) return;
    const { what, tried, advice } = trouble.explanation;
    const lines = [what, tried, advice].filter((line) => line !== '' && line !== message).map((text) => el('p', { class: 'small', text }));
    this.#trouble.replaceChildren(...lines, this.#report.element);
  }

  #show(offer: Offer | undefined): void {
    this.#offer = offer;
    this.#choice.hidden = offer === undefined;
    this.#choice.parentElement?.classList.toggle('is-asking', offer?.kind === 'password');
    this.#choice.parentElement?.classList.toggle('is-offering', offer !== undefined);
    // Whoever changed their name meanwhile goes back as who they are, and may change it again before that.
    if (offer !== undefined) this.#name.input.value = offer.intent.name;
    this.#choice.replaceChildren(...(offer === undefined ? [] : this.#offered(offer)));
    if (offer !== undefined && this.element.isConnected) this.#focusOffer();
  }

  #offered(offer: Offer): HTMLElement[] {
    const enter = (mode: EntryMode, changes: Partial<Pick<JoinIntent, 'password' | 'isSpectating'>> = {}): void => {
      const name = tidyName(this.#name.input.value);
      void this.#app.open({ ...offer.intent, ...changes, name: name === '' ? offer.intent.name : name }, mode);
    };
    switch (offer.kind) {
      case 'already-in': {
        const second = button('Join as a second player', () => enter('somebody-else'), offer.isHostTab ? 'primary' : '');
        return offer.isHostTab ? [second] : [button('Play here instead', () => enter('take-over'), 'primary'), second];
      }
      case 'password':
        return [
          passwordPrompt({
            isWrong: offer.isWrong,
            onEnter: (password) => enter(offer.mode, { password }),
            onCancel: () => this.#app.dismiss(),
          }),
        ];
      case 'watch':
        return [
          button('Watch instead', () => enter('plain', { isSpectating: true }), 'primary'),
          button('Try again', () => enter('plain'), 'quiet'),
        ];
      case 'retry':
        return [button('Try again', () => enter(offer.mode), 'primary')];
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
