/**
 * A few quiet synthesised sounds: no files to load, nothing for a security policy to allow. Browsers let a page sound
 * only after somebody has touched it; until then, and while muted, every call does nothing.
 */
import { isMutedRemembered, rememberMuted } from '../memory.ts';

export type Sound = 'shot' | 'hit' | 'explode' | 'enter';

interface Voice {
  readonly wave: OscillatorType;
  readonly fromHz: number;
  readonly toHz: number;
  readonly seconds: number;
  readonly volume: number;
}

const VOICES: Readonly<Record<Sound, Voice>> = {
  shot: { wave: 'triangle', fromHz: 880, toHz: 220, seconds: 0.09, volume: 0.05 },
  hit: { wave: 'square', fromHz: 320, toHz: 120, seconds: 0.07, volume: 0.04 },
  explode: { wave: 'sawtooth', fromHz: 180, toHz: 30, seconds: 0.45, volume: 0.09 },
  enter: { wave: 'sine', fromHz: 330, toHz: 660, seconds: 0.2, volume: 0.05 },
};

/** Eight guns at once would be noise: the same sound waits this long before it comes again. */
const PAUSE_SECONDS = 0.04;
/** Others' doings are background. */
const OTHERS_VOLUME = 0.45;

export class Sounds {
  #context: AudioContext | undefined;
  #isMuted = isMutedRemembered();
  readonly #lastAt = new Map<Sound, number>();

  get isMuted(): boolean {
    return this.#isMuted;
  }

  setMuted(isMuted: boolean): void {
    this.#isMuted = isMuted;
    rememberMuted(isMuted);
  }

  /** To be called from a click or key press, the moments in which a browser lets sound begin. */
  unlock(): void {
    if (typeof AudioContext === 'undefined') return;
    this.#context ??= new AudioContext();
    if (this.#context.state === 'suspended') void this.#context.resume();
  }

  play(sound: Sound, isMine: boolean): void {
    const context = this.#context;
    if (context?.state !== 'running' || this.#isMuted) return;
    const now = context.currentTime;
    if (now - (this.#lastAt.get(sound) ?? -1) < PAUSE_SECONDS) return;
    this.#lastAt.set(sound, now);
    const voice = VOICES[sound];
    const gain = context.createGain();
    gain.gain.setValueAtTime(voice.volume * (isMine ? 1 : OTHERS_VOLUME), now);
    gain.gain.exponentialRampToValueAtTime(0.0001, now + voice.seconds);
    gain.connect(context.destination);
    const oscillator = context.createOscillator();
    oscillator.type = voice.wave;
    oscillator.frequency.setValueAtTime(voice.fromHz, now);
    oscillator.frequency.exponentialRampToValueAtTime(voice.toHz, now + voice.seconds);
    oscillator.connect(gain);
    oscillator.start(now);
    oscillator.stop(now + voice.seconds);
  }
}
