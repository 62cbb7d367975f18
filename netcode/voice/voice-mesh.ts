/**
 * Who calls whom. Of two players in voice the one with the smaller address calls and the other answers, so that they never call each
 * other at once. Only callers whom the lobby shows as being in voice are answered: nobody listens unseen. A call that fails is made
 * again, ever more rarely, for as long as both are in.
 */
import type { PeerId } from '../core/ids.ts';
import { VOICE_PLAYERS_MAX } from './voice.ts';
import type { Call, CallPort, IncomingCall, Speaker, VoiceDevices } from './voice-ports.ts';

/** A call without sound by then is given up: ICE on a bad network takes up to ten seconds, then nothing comes any more. */
export const CALL_TIMEOUT_MS = 15_000;
/** First wait before a call is made again, doubled each time, up to the maximum: half a minute later the network may be another one. */
export const RECALL_MS_MIN = 1_000;
export const RECALL_MS_MAX = 30_000;
/** How long a call rings for a player whom the lobby does not show in voice yet: the host's word may come later than the broker's. */
export const RING_MS = 5_000;

/** The call with one other player in voice. */
interface Line<S> {
  call: Call<S> | undefined;
  speaker: Speaker | undefined;
  sinceMs: number;
  failures: number;
}

interface Ringing<S> {
  readonly call: IncomingCall<S>;
  readonly sinceMs: number;
}

export class VoiceMesh<S> {
  readonly #port: CallPort<S>;
  readonly #devices: Pick<VoiceDevices<S>, 'play'>;
  readonly #lines = new Map<PeerId, Line<S>>();
  readonly #ringing = new Map<PeerId, Ringing<S>>();
  #sound: S;

  constructor(port: CallPort<S>, devices: Pick<VoiceDevices<S>, 'play'>, sound: S) {
    this.#port = port;
    this.#devices = devices;
    this.#sound = sound;
  }

  /** The loudspeaker of a player whose sound can arrive. */
  speakerOf(peerId: PeerId): Speaker | undefined {
    return this.#lines.get(peerId)?.speaker;
  }

  /** Sends something else to everybody, without calling anew. */
  replace(sound: S): void {
    this.#sound = sound;
    for (const { call } of this.#lines.values()) call?.replace(sound);
  }

  /** `others`: who else is in voice. */
  update(others: readonly PeerId[], nowMs: number): void {
    const wanted = new Set(others.slice(0, VOICE_PLAYERS_MAX - 1));
    for (const [peerId, line] of this.#lines) {
      if (wanted.has(peerId)) continue;
      hangUp(line);
      this.#lines.delete(peerId);
    }
    for (const peerId of wanted) if (!this.#lines.has(peerId)) this.#lines.set(peerId, newLine());
    this.#hear(nowMs);
    this.#answer(nowMs);
    for (const [peerId, line] of this.#lines) this.#tend(peerId, line, nowMs);
  }

  close(): void {
    for (const line of this.#lines.values()) hangUp(line);
    for (const { call } of this.#ringing.values()) call.refuse();
    this.#lines.clear();
    this.#ringing.clear();
  }

  #hear(nowMs: number): void {
    for (let i = 0; i < VOICE_PLAYERS_MAX; i++) {
      const call = this.#port.accept();
      if (call === undefined) return;
      this.#ringing.get(call.remoteId)?.call.refuse();
      this.#ringing.delete(call.remoteId);
      if (this.#ringing.size >= VOICE_PLAYERS_MAX || call.remoteId >= this.#port.localId) call.refuse();
      else this.#ringing.set(call.remoteId, { call, sinceMs: nowMs });
    }
  }

  #answer(nowMs: number): void {
    for (const [peerId, { call, sinceMs }] of this.#ringing) {
      const line = this.#lines.get(peerId);
      if (line !== undefined && !call.isEnded) {
        // Who calls again has lost the call before.
        hangUp(line);
        line.call = call.answer(this.#sound);
        line.sinceMs = nowMs;
      } else if (call.isEnded || nowMs - sinceMs >= RING_MS) {
        call.refuse();
      } else {
        continue;
      }
      this.#ringing.delete(peerId);
    }
  }

  #tend(peerId: PeerId, line: Line<S>, nowMs: number): void {
    const { call } = line;
    if (call === undefined) {
      const waitMs = line.failures === 0 ? 0 : Math.min(RECALL_MS_MAX, RECALL_MS_MIN * 2 ** (line.failures - 1));
      if (this.#port.localId >= peerId || nowMs - line.sinceMs < waitMs) return;
      line.call = this.#port.call(peerId, this.#sound);
      if (line.call === undefined) fail(line, nowMs);
      line.sinceMs = nowMs;
    } else if (call.isEnded || (call.sound === undefined && nowMs - line.sinceMs >= CALL_TIMEOUT_MS)) {
      fail(line, nowMs);
    } else if (call.sound !== undefined && line.speaker === undefined) {
      line.speaker = this.#devices.play(call.sound);
      line.failures = 0;
    }
  }
}

function newLine<S>(): Line<S> {
  return { call: undefined, speaker: undefined, sinceMs: 0, failures: 0 };
}

function fail<S>(line: Line<S>, nowMs: number): void {
  hangUp(line);
  // Beyond 2^10 waits the wait is the longest anyway.
  line.failures = Math.min(line.failures + 1, 10);
  line.sinceMs = nowMs;
}

function hangUp<S>(line: Line<S>): void {
  line.speaker?.close();
  line.call?.close();
  line.speaker = undefined;
  line.call = undefined;
}
