/**
 * What voice needs of its surroundings: the lobby, calls, and the page's microphone and loudspeakers. `S` is a sound in motion, a
 * MediaStream in browsers; nothing here looks inside it. Everything is polled, so that calls begin and end in virtual time too.
 */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { VoiceError } from './voice.ts';

export interface RosterPlayer {
  readonly id: PlayerId;
  readonly peerId: PeerId;
  readonly isInVoice: boolean;
  readonly isMe: boolean;
}

/** The lobby as far as voice is concerned. */
export interface VoiceRoster {
  readonly players: readonly RosterPlayer[];
  /** Calls back after every change. */
  onChange(listener: () => void): () => void;
  /** Has the host tell all that this page's player is in voice, or no longer. */
  announce(isInVoice: boolean): void;
}

export interface Call<S> {
  readonly remoteId: PeerId;
  /** What the other side sends, once there is a path. */
  readonly sound: S | undefined;
  /** Never false again. */
  readonly isEnded: boolean;
  /** Sends another sound from now on. */
  replace(sound: S): void;
  close(): void;
}

export interface IncomingCall<S> {
  readonly remoteId: PeerId;
  /** The caller gave up, or the connection broke. */
  readonly isEnded: boolean;
  answer(sound: S): Call<S>;
  /** Without a word to the caller. */
  refuse(): void;
}

export interface CallPort<S> {
  readonly localId: PeerId;
  /** Undefined while the broker is out of reach. */
  call(remoteId: PeerId, sound: S): Call<S> | undefined;
  /** Whose calls ring from now on; undefined: nobody's. Others are dropped unread. */
  ringFor(isWelcome: ((remoteId: PeerId) => boolean) | undefined): void;
  /** The next call that rings, or undefined. */
  accept(): IncomingCall<S> | undefined;
}

/** Where this page's own sound comes from. */
export interface SoundSource<S> {
  readonly sound: S;
  /** The microphone was unplugged, or the permission taken back. */
  readonly isEnded: boolean;
  /** Closed, it gives silence. */
  setOpen(isOpen: boolean): void;
  /** 0 to 1, of what it gives. */
  level(): number;
  close(): void;
}

export interface Speaker {
  setVolume(volume: number): void;
  setMuted(isMuted: boolean): void;
  /** 0 to 1, of what arrives, whatever the volume. */
  level(): number;
  close(): void;
}

export interface VoiceDevices<S> {
  /** Why there is no voice at all, not even to listen; undefined if there is. */
  readonly obstacle: VoiceError | undefined;
  /** Why the microphone cannot be asked for; undefined if it can. */
  readonly microphoneObstacle: VoiceError | undefined;
  /** In the click that turns voice on: lets the page sound. */
  unlock(): void;
  /** Asks the player, unless they have agreed before. Rejects with VoiceError. */
  openMicrophone(): Promise<SoundSource<S>>;
  /** For those who only listen. */
  openSilence(): SoundSource<S>;
  play(sound: S): Speaker;
  /** Gives back what `unlock` and the others took. They may be used again afterwards. */
  close(): void;
}
