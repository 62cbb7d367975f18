/** The screen of a running match: HUD and touch pad over the arena that Phaser draws, and the player's hands or the bot. */
import type { App, PageState } from '../app.ts';
import type { Sounds } from '../audio/sounds.ts';
import type { ArenaRoom, Frames } from '../frames.ts';
import { followBot } from '../input/autopilot.ts';
import { Controls } from '../input/controls.ts';
import { followKeyboard } from '../input/keyboard.ts';
import { followTouch, type TouchPad } from '../input/touch.ts';
import type { Stage } from '../scenes/stage.ts';
import { el } from './dom.ts';
import { Hud } from './hud.ts';
import type { Roster } from './roster.ts';
import type { Screen } from './screen.ts';

export interface MatchParts {
  readonly app: App;
  readonly room: ArenaRoom;
  readonly frames: Frames;
  readonly roster: Roster;
  readonly sounds: Sounds;
  /** Where Phaser draws; loaded when first asked for. */
  readonly stage: () => Promise<Stage>;
  readonly stageElement: HTMLElement;
  readonly onNotice: (message: string) => void;
}

export class MatchScreen implements Screen {
  readonly element: HTMLElement;
  readonly #parts: MatchParts;
  readonly #hud: Hud;
  readonly #stops: (() => void)[] = [];
  #stage: Stage | undefined;
  #pad: TouchPad | undefined;
  #isClosed = false;

  constructor(parts: MatchParts) {
    this.#parts = parts;
    const { app, room, frames, roster, sounds } = parts;
    this.#hud = new Hud({ room, frames, roster, sounds, onLeave: () => app.leave() });
    this.element = el('section', { class: 'match' }, this.#hud.element);
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
    if (app.launch.isBot) this.#stops.push(followBot(room, frames));
    else this.#takeControl(room);
    parts.stageElement.hidden = false;
    document.body.classList.add('in-match');
    void this.#showStage();
  }

  update(_state: PageState): void {
    this.#hud.refresh();
  }

  focus(): void {
    this.#parts.stageElement.focus({ preventScroll: true });
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#stage?.hide();
    this.#parts.stageElement.hidden = true;
    document.body.classList.remove('in-match');
  }

  #takeControl(room: ArenaRoom): void {
    const controls = new Controls(room);
    const pad = followTouch(controls);
    this.#pad = pad;
    this.element.prepend(pad.element);
    // After a click on a button the keys belong to the ship again.
    const onClick = (event: Event): void => {
      if (event instanceof PointerEvent && event.pointerType !== '' && !this.#isClosed) this.focus();
    };
    this.element.addEventListener('click', onClick);
    controls.release();
    this.#stops.push(
      followKeyboard(controls),
      () => pad.stop(),
      () => controls.release(),
    );
  }

  async #showStage(): Promise<void> {
    const { room, frames, roster, onNotice } = this.#parts;
    try {
      const stage = await this.#parts.stage();
      if (this.#isClosed) return;
      this.#stage = stage;
      stage.show({ frames, roster, me: room.me, insets: () => ({ top: this.#hud.barHeightPx, bottom: this.#pad?.heightPx ?? 0 }) });
    } catch (error) {
      console.error(error);
      if (!this.#isClosed) onNotice('The arena could not be drawn. Reload the page to try again.');
    }
  }
}
