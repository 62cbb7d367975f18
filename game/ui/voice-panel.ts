/**
 * Voice chat: off until somebody joins it. Push to talk by button or by the key V, or an open microphone, or only listening; everybody
 * else in voice with a meter, a volume and a way to silence them. One for a room, moved from screen to screen.
 */
import type { LobbyPlayer, PlayerId, Voice, VoiceMode } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { button, el, setText, syncRows } from './dom.ts';
import { icon } from './icons.ts';

const MODES: readonly (readonly [VoiceMode, string])[] = [
  ['push', 'Push to talk'],
  ['open', 'Open microphone'],
  ['listen', 'Only listen'],
];
const TALK_KEY = 'KeyV';

interface VoiceRow {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  readonly volume: HTMLInputElement;
  readonly mute: HTMLButtonElement;
}

export class VoicePanel {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #voice: Voice;
  readonly #mode = el('select', { attributes: { id: 'voice-mode' } });
  readonly #join: HTMLButtonElement;
  readonly #talk: HTMLButtonElement;
  /** The same for a thumb, over a match. */
  readonly floatingTalk: HTMLButtonElement;
  readonly #status = el('p', { class: 'small voice-status', attributes: { role: 'status' } });
  readonly #list = el('ul', { class: 'voice-list', attributes: { 'aria-label': 'In voice' } });
  readonly #rows = new Map<number, VoiceRow>();
  readonly #meter = el('span', { class: 'voice-meter', attributes: { 'aria-hidden': 'true' } });
  readonly #stop = new AbortController();
  /** What is held now to talk: a pointer, a key on the button, the key V. */
  readonly #held = new Set<string>();
  #onLevels: ((levels: ReadonlyMap<PlayerId, number>) => void) | undefined;
  #refusal = '';
  /** Counts what was wished for; of the last wish only is told why it failed. */
  #wish = 0;

  constructor(room: ArenaRoom) {
    const { voice } = room;
    this.#room = room;
    this.#voice = voice;
    for (const [value, label] of MODES) this.#mode.append(el('option', { text: label, attributes: { value } }));
    if (!voice.canUse) this.#mode.value = 'listen';
    this.#mode.addEventListener('change', () => this.#changeMode());
    this.#join = button('Join voice', () => this.#toggle());
    this.#talk = button('Hold to talk', () => undefined, 'talk');
    this.#talk.prepend(icon('microphone'));
    this.floatingTalk = button('', () => undefined, 'talk floating');
    this.floatingTalk.append(icon('microphone'));
    this.floatingTalk.setAttribute('aria-label', 'Hold to talk');
    this.#followTalk();
    this.element = el(
      'section',
      { class: 'voice', attributes: { 'aria-label': 'Voice' } },
      el(
        'div',
        { class: 'voice-row' },
        el('label', { class: 'visually-hidden', text: 'How to talk', attributes: { for: 'voice-mode' } }),
        this.#mode,
        this.#join,
      ),
      this.#talk,
      this.#meter,
      this.#status,
      this.#list,
    );
    const unlisten = voice.on('voice', () => this.update());
    this.#stop.signal.addEventListener('abort', unlisten);
    this.update();
    this.#poll();
  }

  /** Who else draws how loud people are. */
  set onLevels(listener: (levels: ReadonlyMap<PlayerId, number>) => void) {
    this.#onLevels = listener;
  }

  /** Nobody talks on unawares: a button that is taken off the page under a finger never hears it go up. To be called when the screen changes. */
  letGo(): void {
    this.#held.clear();
    this.#tellHeld();
  }

  stop(): void {
    this.#stop.abort();
    this.element.remove();
  }

  update(): void {
    const { state, mode } = this.#voice;
    const isOn = state === 'on';
    setText(this.#join, isOn ? 'Leave voice' : state === 'asking' ? 'Cancel' : 'Join voice');
    this.#join.classList.toggle('quiet', isOn);
    if (isOn && document.activeElement !== this.#mode) this.#mode.value = mode;
    this.#talk.hidden = !isOn || mode !== 'push';
    this.floatingTalk.hidden = this.#talk.hidden;
    this.#meter.hidden = !isOn || mode === 'listen';
    setText(this.#status, this.#statusText());
    this.#showPlayers();
  }

  #statusText(): string {
    const { state, unavailableReason, mode, players } = this.#voice;
    if (this.#refusal !== '') return this.#refusal;
    if (state === 'asking') return 'Your browser asks whether this page may use the microphone.';
    if (state === 'unavailable') return unavailableReason;
    if (state === 'on')
      return mode === 'push'
        ? 'You are heard while you hold the button, or the key V.'
        : mode === 'open'
          ? 'You are heard all the time.'
          : '';
    return players.length > 0 ? `${players.length} in voice.` : 'Off. The microphone is asked for when you join.';
  }

  #showPlayers(): void {
    const byId = new Map(this.#room.lobby.players.map((player) => [player.id, player]));
    syncRows(this.#list, this.#rows, {
      items: this.#voice.players.filter(({ isMe }) => !isMe),
      keyOf: ({ id }) => id,
      make: ({ id }) => this.#makeRow(id),
      update: (row, { id, isMuted, volume, isConnected }) => {
        const name = nameOf(byId.get(id));
        setText(row.name, name);
        setText(row.state, this.#voice.state === 'on' && !isConnected ? 'connecting…' : '');
        row.volume.setAttribute('aria-label', `Volume of ${name}`);
        if (document.activeElement !== row.volume) row.volume.value = String(volume);
        row.mute.setAttribute('aria-pressed', String(isMuted));
        row.mute.setAttribute('aria-label', `Mute ${name}`);
      },
    });
    this.#list.hidden = this.#rows.size === 0;
  }

  #makeRow(id: PlayerId): VoiceRow {
    const name = el('bdi', { class: 'name' });
    const state = el('span', { class: 'small' });
    const volume = el('input', { attributes: { type: 'range', min: '0', max: '1', step: '0.05' } });
    volume.addEventListener('input', () => this.#voice.setVolume(id, volume.valueAsNumber));
    const mute = button('Mute', () => this.#voice.mute(id, mute.getAttribute('aria-pressed') !== 'true'), 'quiet');
    return { element: el('li', {}, el('span', { class: 'voice-who' }, name, state), volume, mute), name, state, volume, mute };
  }

  #toggle(): void {
    this.#refusal = '';
    this.#wish++;
    if (this.#voice.state === 'on' || this.#voice.state === 'asking') this.#voice.leave();
    else void this.#attempt(this.#voice.join({ mode: this.#mode.value as VoiceMode }));
    this.update();
  }

  #changeMode(): void {
    if (this.#voice.state === 'on') void this.#attempt(this.#voice.setMode(this.#mode.value as VoiceMode));
  }

  async #attempt(done: Promise<void>): Promise<void> {
    const wish = ++this.#wish;
    let refusal = '';
    try {
      await done;
    } catch (error) {
      refusal = error instanceof Error ? error.message : 'Voice could not be joined.';
    }
    if (wish !== this.#wish) return;
    this.#refusal = refusal;
    if (!this.#stop.signal.aborted) this.update();
  }

  /** Held with a finger, a mouse button, Space or Enter on the button; or V anywhere but in a text field. */
  #followTalk(): void {
    const { signal } = this.#stop;
    const hold = (by: string, isDown: boolean): void => {
      if (isDown) this.#held.add(by);
      else this.#held.delete(by);
      this.#tellHeld();
    };
    for (const talk of [this.#talk, this.floatingTalk]) holdWith(talk, hold);
    const isWriting = (event: Event): boolean =>
      event.target instanceof Element && event.target.closest('input, textarea, select') !== null;
    window.addEventListener(
      'keydown',
      (event) => {
        if (event.code === TALK_KEY && !event.ctrlKey && !event.metaKey && !event.altKey && !isWriting(event)) hold('key', true);
      },
      { signal },
    );
    window.addEventListener(
      'keyup',
      (event) => {
        if (event.code === TALK_KEY) hold('key', false);
      },
      { signal },
    );
    // A window that loses the focus hears no key come up: nobody shall be overheard.
    window.addEventListener('blur', () => this.letGo(), { signal });
  }

  #tellHeld(): void {
    const isDown = this.#held.size > 0;
    this.#voice.setTalking(isDown);
    for (const talk of [this.#talk, this.floatingTalk]) talk.classList.toggle('is-down', isDown);
  }

  #poll(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#voice.state === 'on') {
      const levels = this.#voice.levels();
      this.#meter.style.setProperty('--level', String(levels.get(this.#room.me) ?? 0));
      for (const [id, { element }] of this.#rows) element.style.setProperty('--level', String(levels.get(id as PlayerId) ?? 0));
      this.#onLevels?.(levels);
    }
    requestAnimationFrame(() => this.#poll());
  }
}

/** A button that is held, with whatever presses buttons. */
function holdWith(talk: HTMLButtonElement, hold: (by: string, isDown: boolean) => void): void {
  talk.addEventListener('pointerdown', (event) => {
    talk.setPointerCapture(event.pointerId);
    hold('pointer', true);
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture']) talk.addEventListener(type, () => hold('pointer', false));
  talk.addEventListener('keydown', (event) => {
    if (event.key === ' ' || event.key === 'Enter') hold('button', true);
  });
  for (const type of ['keyup', 'blur']) talk.addEventListener(type, () => hold('button', false));
}

const nameOf = (player: LobbyPlayer | undefined): string => player?.name ?? 'Somebody';
