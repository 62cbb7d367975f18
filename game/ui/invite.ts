/** The invitation: the code in large type, the link to copy or to share as phones do, and the same link as a QR code for the phone across the table. */
import { encode } from 'uqr';
import { inviteLink } from '../launch.ts';
import { copyFrom } from './copy.ts';
import { button, el, setText } from './dom.ts';

const SVG = 'http://www.w3.org/2000/svg';
/** Light modules around the code, without which cameras do not find it. */
const QUIET_ZONE = 3;

/** A QR code as one SVG path: crisp at any size, and no data: URL that a security policy would have to allow. */
function qrCode(text: string): SVGSVGElement {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET_ZONE });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('class', 'qr');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'QR code of the invite link');
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join(''));
  svg.append(path);
  return svg;
}

/** Whether there is a system share sheet: in secure contexts, mostly on phones. */
const canShare = (): boolean => typeof (navigator as { share?: unknown }).share === 'function';

const isLoopbackHost = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.');

export class Invite {
  readonly element: HTMLElement;
  readonly #onNotice: (message: string) => void;
  readonly #code = el('output', { attributes: { id: 'lobby-code', 'aria-label': 'Invite code' } });
  readonly #link = el('input', { class: 'link', attributes: { type: 'text', readonly: '', 'aria-label': 'Invite link' } });
  readonly #qr = el('div', { class: 'qr-frame' });

  constructor(onNotice: (message: string) => void) {
    this.#onNotice = onNotice;
    const hint = isLoopbackHost(location.hostname)
      ? el('p', {
          class: 'small',
          text: 'This link works on this computer only. For friends elsewhere, open the page at the network address that the server printed.',
        })
      : undefined;
    this.element = el(
      'section',
      { class: 'panel invite', attributes: { 'aria-label': 'Invitation' } },
      el(
        'div',
        { class: 'invite-text' },
        el('p', { class: 'small', text: 'Invite code' }),
        this.#code,
        this.#link,
        el(
          'div',
          { class: 'choice' },
          button('Copy invite link', () => void this.#copy()),
          canShare() ? button('Share…', () => void this.#share()) : undefined,
        ),
      ),
      this.#qr,
      hint,
    );
  }

  update(code: string): void {
    const link = inviteLink(location.origin, code);
    if (this.#link.value === link) return;
    setText(this.#code, code);
    this.#link.value = link;
    this.#qr.replaceChildren(qrCode(link));
  }

  async #share(): Promise<void> {
    try {
      await navigator.share({ title: 'Volley', text: 'Play Volley with me', url: this.#link.value });
    } catch (error) {
      // Closing the sheet is no failure.
      if (!(error instanceof DOMException && error.name === 'AbortError')) await this.#copy();
    }
  }

  async #copy(): Promise<void> {
    if (await copyFrom(this.#link)) {
      this.#onNotice('Invite link copied.');
      return;
    }
    this.#link.focus();
    this.#link.select();
    this.#onNotice('This browser does not let pages copy. The link is selected: copy it by hand.');
  }
}
