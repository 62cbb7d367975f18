/** Arrows or WASD fly, space fires. Keys are told by where they are, so that WASD is one hand on every layout. */
import type { Controls } from './controls.ts';

type Action = 'left' | 'right' | 'thrust' | 'brake' | 'fire';

const ACTIONS: Readonly<Record<string, Action>> = {
  ArrowLeft: 'left',
  KeyA: 'left',
  ArrowRight: 'right',
  KeyD: 'right',
  ArrowUp: 'thrust',
  KeyW: 'thrust',
  ArrowDown: 'brake',
  KeyS: 'brake',
  Space: 'fire',
};

/** Whether the key belongs to the element that has the focus: fields take all, buttons take Space. */
function isMeantForElement(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : undefined;
  if (target?.closest('input, textarea, select') != null) return true;
  return event.code === 'Space' && target?.closest('button, a[href]') != null;
}

/** Follows the keyboard until the returned function is called. */
export function followKeyboard(controls: Controls): () => void {
  const down = new Set<string>();
  const send = (): void => {
    const has = (action: Action): boolean => [...down].some((code) => ACTIONS[code] === action);
    controls.hold('keyboard', {
      turn: (has('right') ? 1 : 0) - (has('left') ? 1 : 0),
      isAiming: false,
      heading: 0,
      thrust: has('thrust'),
      brake: has('brake'),
      fire: has('fire'),
    });
  };
  const onDown = (event: KeyboardEvent): void => {
    const action = ACTIONS[event.code];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey || isMeantForElement(event)) return;
    event.preventDefault();
    if (event.repeat || down.has(event.code)) return;
    down.add(event.code);
    if (action === 'fire') controls.pull();
    send();
  };
  const onUp = (event: KeyboardEvent): void => {
    if (down.delete(event.code)) send();
  };
  // A window that loses the focus hears no key come up: a ship must not thrust on for ever.
  const onLost = (): void => {
    if (down.size === 0) return;
    down.clear();
    send();
  };
  window.addEventListener('keydown', onDown);
  window.addEventListener('keyup', onUp);
  window.addEventListener('blur', onLost);
  document.addEventListener('visibilitychange', onLost);
  return () => {
    window.removeEventListener('keydown', onDown);
    window.removeEventListener('keyup', onUp);
    window.removeEventListener('blur', onLost);
    document.removeEventListener('visibilitychange', onLost);
  };
}
