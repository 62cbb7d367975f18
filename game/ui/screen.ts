/** What all screens are: an element that follows the page's state. */
import type { PageState } from '../app.ts';

export interface Screen {
  readonly element: HTMLElement;
  update(state: PageState): void;
  /** Called once the screen shows: puts the focus where a keyboard or screen reader goes on. */
  focus(): void;
  /** Called when the screen goes. */
  close?(): void;
}
