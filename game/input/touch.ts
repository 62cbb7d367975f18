/**
 * Two thumbs: the left half of the screen is a stick that appears where it is touched (the ship turns where it points,
 * and thrusts once it is pushed far enough), the button on the right fires while it is held.
 */
import { button, el } from '../ui/dom.ts';
import { type Controls, NEUTRAL } from './controls.ts';

/** Below this a resting thumb would turn the ship. */
const AIM_PX = 14;
/** From here the ship thrusts: a small push only turns. */
const THRUST_PX = 38;
const STICK_RADIUS_PX = 60;

export interface TouchPad {
  readonly element: HTMLElement;
  /** How much of the bottom of the screen thumbs cover: nothing on a screen wider than high, where they are at the sides. */
  readonly heightPx: number;
  stop(): void;
}

/** Whether fingers are this device's first way to point; a later touch shows the pad all the same. */
const isTouchDevice = (): boolean => matchMedia('(pointer: coarse)').matches;

export function followTouch(controls: Controls): TouchPad {
  const knob = el('div', { class: 'knob' });
  const base = el('div', { class: 'stick' }, knob);
  const left = el('div', { class: 'stick-zone' }, base);
  const fire = button('', () => undefined, 'fire');
  fire.setAttribute('aria-label', 'Fire');
  const element = el('div', { class: 'touch' }, left, fire);
  element.hidden = !isTouchDevice();

  let stick = { isAiming: false, heading: 0, thrust: false };
  let isFiring = false;
  const send = (): void => controls.hold('touch', { ...NEUTRAL, ...stick, fire: isFiring });
  followStick(left, base, knob, (moved) => {
    stick = moved;
    send();
  });
  const setFiring = (isDown: boolean): void => {
    if (isDown === isFiring) return;
    isFiring = isDown;
    fire.classList.toggle('is-down', isDown);
    if (isDown) controls.pull();
    send();
  };
  fire.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    fire.setPointerCapture(event.pointerId);
    setFiring(true);
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture']) fire.addEventListener(type, () => setFiring(false));

  const onFirstTouch = (event: PointerEvent): void => {
    if (event.pointerType === 'touch') element.hidden = false;
  };
  // Safari zooms the page at a pinch whatever touch-action says.
  const onGesture = (event: Event): void => event.preventDefault();
  window.addEventListener('pointerdown', onFirstTouch);
  document.addEventListener('gesturestart', onGesture);
  return {
    element,
    get heightPx() {
      return element.hidden || innerWidth > innerHeight ? 0 : innerHeight - fire.offsetTop;
    },
    stop: () => {
      window.removeEventListener('pointerdown', onFirstTouch);
      document.removeEventListener('gesturestart', onGesture);
    },
  };
}

interface StickState {
  readonly isAiming: boolean;
  readonly heading: number;
  readonly thrust: boolean;
}

function followStick(zone: HTMLElement, base: HTMLElement, knob: HTMLElement, onMove: (state: StickState) => void): void {
  let finger: number | undefined;
  let originX = 0;
  let originY = 0;
  const moveKnob = (dx: number, dy: number): void => {
    const scale = Math.min(1, STICK_RADIUS_PX / Math.max(Math.hypot(dx, dy), 1));
    knob.style.transform = `translate(${dx * scale}px, ${dy * scale}px)`;
  };
  const end = (event: PointerEvent): void => {
    if (event.pointerId !== finger) return;
    finger = undefined;
    base.classList.remove('is-held');
    base.style.removeProperty('left');
    base.style.removeProperty('top');
    moveKnob(0, 0);
    onMove({ isAiming: false, heading: 0, thrust: false });
  };
  zone.addEventListener('pointerdown', (event) => {
    if (finger !== undefined) return;
    event.preventDefault();
    finger = event.pointerId;
    zone.setPointerCapture(finger);
    originX = event.clientX;
    originY = event.clientY;
    const bounds = zone.getBoundingClientRect();
    base.classList.add('is-held');
    base.style.left = `${originX - bounds.left}px`;
    base.style.top = `${originY - bounds.top}px`;
  });
  zone.addEventListener('pointermove', (event) => {
    if (event.pointerId !== finger) return;
    const dx = event.clientX - originX;
    const dy = event.clientY - originY;
    const distance = Math.hypot(dx, dy);
    moveKnob(dx, dy);
    onMove({ isAiming: distance > AIM_PX, heading: Math.atan2(dy, dx), thrust: distance > THRUST_PX });
  });
  zone.addEventListener('pointerup', end);
  zone.addEventListener('pointercancel', end);
}
