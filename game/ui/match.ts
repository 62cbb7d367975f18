/** The screen of a running match: HUD, chat and touch pad over the arena that Phaser draws, and the player's hands, the bot, or a spectator's eye. */
import type { App, PageState } from '../app.ts';
import type { Sounds } from '../audio/sounds.ts';
import type { Frames } from '../frames.ts';
import { followBot } from '../input/autopilot.ts';
import { Controls } from '../input/controls.ts';
import { followKeyboard } from '../input/keyboard.ts';
import { followTouch, type TouchPad } from '../input/touch.ts';
import type { Stage } from '../scenes/stage.ts';
import { el } from './dom.ts';
import { Hud } from './hud.ts';
import { MatchPanel } from './match-panel.ts';
import type { RoomParts } from './room-parts.ts';
import type { Screen } from './screen.ts';
import { WatchBar } from './watch-bar.ts';

export interface MatchParts {
  readonly app: App;
  readonly parts: RoomParts;
  readonly frames: Frames;
  readonly sounds: Sounds;
  /** Where Phaser draws; loaded when first asked for. */
  readonly stage: () => Promise<Stage>;
  readonly stageElement: HTMLElement;
  readonly onNotice: (message: string) => void;
}

export class MatchScreen implements Screen {
  readonly element: HTMLElement;
  readonly #match: MatchParts;
  readonly #hud: Hud;
  readonly #panel: MatchPanel;
  readonly #stops: (() => void)[] = [];
  /** Ends playing or watching, whichever it is. */
  #letGo: (() => void) | undefined;
  #isSpectating: boolean | undefined;
  #stage: Stage | undefined;
  #pad: TouchPad | undefined;
  #watchBar: WatchBar | undefined;
  #isClosed = false;

  constructor(match: MatchParts) {
    this.#match = match;
    const { app, parts, frames, sounds, stageElement, onNotice } = match;
    const { room, roster, chat, voice } = parts;
    this.#panel = new MatchPanel({ parts, tell: onNotice, onClose: () => this.focus() });
    this.#hud = new Hud({
      room,
      frames,
      roster,
      sounds,
      onLeave: () => app.leave(),
      onChat: () => (chat.isOpen ? chat.close() : chat.open()),
      onPlayers: (opener) => this.#panel.toggle(opener),
    });
    const overlay = chat.become('overlay', () => this.focus());
    this.element = el('section', { class: 'match' }, this.#hud.element, overlay, voice.floatingTalk, this.#panel.element);
    voice.onLevels = (levels) => {
      this.#hud.showLevels(levels);
      this.#panel.players.showLevels(levels);
    };
    // What lies under the bar has to know where that is: it wraps on narrow screens.
    const observer = new ResizeObserver(() => this.element.style.setProperty('--bar-height', `${this.#hud.barHeightPx}px`));
    observer.observe(this.#hud.bar);
    this.#stops.push(() => observer.disconnect());
    this.#followEvents();
    this.#followChatKey();
    this.#takePlace();
    stageElement.hidden = false;
    document.body.classList.add('in-match');
    void this.#showStage();
  }

  update(_state: PageState): void {
    this.#takePlace();
    this.#hud.refresh();
    this.#panel.update();
    this.#watchBar?.refresh();
  }

  focus(): void {
    this.#match.stageElement.focus({ preventScroll: true });
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo?.();
    for (const stop of this.#stops) stop();
    this.#stage?.hide();
    this.#match.stageElement.hidden = true;
    document.body.classList.remove('in-match');
  }

  #followEvents(): void {
    const { sounds, parts } = this.#match;
    const { room } = parts;
    this.#stops.push(
      room.on('event', (event) => {
        this.#hud.showEvent(event);
        this.#stage?.showEvent(event);
        if (event.type === 'shot') sounds.play('shot', event.data.by === room.me);
        else if (event.type === 'hit') sounds.play('hit', event.data.target === room.me || event.data.by === room.me);
        else if (event.type === 'explode') sounds.play('explode', event.data.victim === room.me || event.data.killer === room.me);
        else sounds.play('enter', event.data.player === room.me);
      }),
      () => this.#hud.close(),
    );
  }

  /** Enter opens the chat; in the chat it is the form's. */
  #followChatKey(): void {
    const onKey = (event: KeyboardEvent): void => {
      const isElsewhere =
        event.target instanceof Element && event.target.closest('input, textarea, select, button, [role=dialog]') !== null;
      if (event.key !== 'Enter' || event.repeat || isElsewhere) return;
      event.preventDefault();
      this.#match.parts.chat.open();
    };
    window.addEventListener('keydown', onKey);
    // After a click on a button the keys belong to the ship again, but not while somebody writes or looks at the players.
    const onClick = (event: Event): void => {
      // A click that a key made counts no presses.
      const isPointer = event instanceof MouseEvent && event.detail > 0;
      const isBusy = this.#match.parts.chat.isOpen || !this.#panel.element.hidden;
      const isAsking = event.target instanceof Element && event.target.classList.contains('is-asked');
      if (isPointer && !this.#isClosed && !isBusy && !isAsking) this.focus();
    };
    this.element.addEventListener('click', onClick);
    this.#stops.push(() => window.removeEventListener('keydown', onKey));
  }

  /** Plays or watches, as the lobby says: it may change during the match. */
  #takePlace(): void {
    const { app, parts, frames } = this.#match;
    const isSpectating = parts.room.lobby.players.some((player) => player.isMe && player.isSpectator);
    if (isSpectating === this.#isSpectating) return;
    this.#isSpectating = isSpectating;
    this.#letGo?.();
    if (isSpectating) this.#letGo = this.#watch();
    else this.#letGo = app.launch.isBot ? followBot(parts.room, frames) : this.#takeControl();
  }

  #watch(): () => void {
    const { room, roster } = this.#match.parts;
    const bar = new WatchBar({ room, roster, frames: this.#match.frames });
    this.#watchBar = bar;
    this.#hud.element.append(bar.element);
    return () => {
      bar.close();
      this.#watchBar = undefined;
    };
  }

  #takeControl(): () => void {
    const controls = new Controls(this.#match.parts.room);
    const pad = followTouch(controls);
    this.#pad = pad;
    this.element.prepend(pad.element);
    controls.release();
    const stopKeyboard = followKeyboard(controls);
    return () => {
      stopKeyboard();
      pad.stop();
      pad.element.remove();
      this.#pad = undefined;
      controls.release();
    };
  }

  async #showStage(): Promise<void> {
    const { frames, parts, onNotice } = this.#match;
    const { room, roster } = parts;
    try {
      const stage = await this.#match.stage();
      if (this.#isClosed) return;
      this.#stage = stage;
      stage.show({
        frames,
        roster,
        me: room.me,
        target: () => (this.#watchBar === undefined ? room.me : this.#watchBar.target),
        insets: () => ({ top: this.#hud.barHeightPx, bottom: this.#pad?.heightPx ?? 0 }),
      });
    } catch (error) {
      console.error(error);
      if (!this.#isClosed) onNotice('The arena could not be drawn. Reload the page to try again.');
    }
  }
}
