/** How to fly, for keys or thumbs, whichever this device has. */
import { el } from './dom.ts';

const key = (text: string): HTMLElement => el('kbd', { text });

export function controlsHint(): HTMLElement {
  const keys: (Node | string)[] = [
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
  ];
  const others: (Node | string)[] = [key('W'), ' ', key('A'), ' ', key('S'), ' ', key('D'), ' fly too  ', key('Enter'), ' chat'];
  return el(
    'p',
    { class: 'hint' },
    el('span', { class: 'for-keys' }, ...keys, ...others),
    el('span', { class: 'for-touch', text: 'Left thumb: turn and fly. Right thumb: fire.' }),
  );
}
