/**
 * Voice as a game sees it: off until somebody joins it, and a mesh of calls among those who have. Sound goes from page to page and
 * through nobody else; the host only says who is in.
 */
import type { PlayerId } from '../core/ids.ts';

/**
 * Players in voice at once. Each sends to all others: who speaks without a pause sends 7 copies of about 39 kbit/s (24 of Opus, the rest
 * headers), over a quarter of a megabit upwards. Twice as many would be felt on the uplinks that people have at home.
 */
export const VOICE_PLAYERS_MAX = 8;

export type VoiceState =
  /** Not in voice: nothing is open, nothing was asked. */
  | 'off'
  /** The browser asks for the microphone. */
  | 'asking'
  | 'on'
  /** Not in voice, and `unavailableReason` says why the microphone cannot be had or voice ended. `join` may be tried again. */
  | 'unavailable';

/** `push`: heard while `setTalking(true)`. `open`: heard all the time. `listen`: hears the others; needs no microphone and no permission. */
export type VoiceMode = 'push' | 'open' | 'listen';

/** Why voice or the microphone cannot be had. */
export type VoiceFailure =
  /** The page is no secure context: http on anything but localhost. */
  | 'insecure'
  /** The browser has no WebRTC, no Web Audio or no microphone API; or this is Node. */
  | 'unsupported'
  /** The page is embedded, or served, without leave to use the microphone. */
  | 'forbidden'
  | 'no-microphone'
  /** The player, or the system, said no. */
  | 'denied'
  /** Another program has the microphone. */
  | 'busy'
  /** It was unplugged, or the permission was taken back. */
  | 'lost'
  | 'full'
  /** `leave()` while the browser still asked, or the room is over. */
  | 'cancelled';

/** Rejection of `join()` and `setMode()`. `message` says what happened and what to do next, ready to be shown. */
export class VoiceError extends Error {
  readonly reason: VoiceFailure;
  constructor(reason: VoiceFailure, message: string) {
    super(message);
    this.name = 'VoiceError';
    this.reason = reason;
  }
}

/** Somebody in voice. */
export interface VoicePlayer {
  readonly id: PlayerId;
  readonly isMe: boolean;
  /** By `mute()` on this page; nobody else knows. */
  readonly isMuted: boolean;
  /** As `setVolume()` left it, 0 to 1. */
  readonly volume: number;
  /** Sound can flow between the two of us. False while the call is made, and where no path opens. Always true for oneself. */
  readonly isConnected: boolean;
}

export interface Voice {
  readonly state: VoiceState;
  /** In state 'unavailable': why, and what to do about it, ready to be shown. Else ''. */
  readonly unavailableReason: string;
  /** Whether the microphone can be asked for at all; known without asking. */
  readonly canUse: boolean;
  readonly mode: VoiceMode;
  /** Who is in voice, this page's player included, in the lobby's order. Told also while this page is not in. */
  readonly players: readonly VoicePlayer[];

  /** Heard whenever `state`, `mode` or `players` changed. */
  on(type: 'voice', listener: (voice: Voice) => void): () => void;

  /**
   * Asks for the microphone and calls everybody else in voice. Call it in a click: the first sound needs one. Rejects with VoiceError.
   *
   * @example
   * button.onclick = () => room.voice.join({ mode: 'push' }).catch((error) => show(error.message));
   */
  join(options: { readonly mode: VoiceMode }): Promise<void>;
  /** Hangs up, gives the microphone back. */
  leave(): void;
  /** While on. Out of `listen` it asks for the microphone; rejects with VoiceError, and everything stays as it was. */
  setMode(mode: VoiceMode): Promise<void>;
  /** Push to talk: held or not. Of no effect in the other modes. */
  setTalking(isTalking: boolean): void;
  /** Silences somebody on this page only. */
  mute(player: PlayerId, isMuted: boolean): void;
  /** 0 to 1; 1 is as received. Throws RangeError outside of that. */
  setVolume(player: PlayerId, volume: number): void;
  /**
   * How loud each one is now, 0 (-60 dB and less) to 1 (full scale), this page's player included: what others hear of them. 0 for the
   * muted. Poll it once a frame; the map is reused by the next call.
   */
  levels(): ReadonlyMap<PlayerId, number>;
  /** Speaks, or has within the last third of a second. */
  isTalking(player: PlayerId): boolean;
}

/** As the room holds it. */
export interface RoomVoice extends Voice {
  /** The room is over: hangs up, and nothing works any more. */
  close(): void;
}
