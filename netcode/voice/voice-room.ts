/**
 * Voice in one room: from the click that asks for the microphone to the last call hung up. Everything it touches is behind
 * `voice-ports.ts`, and it is pulsed, so that the same code runs on WebRTC and in virtual time.
 */
import type { Clock, Ticker } from '../core/clock.ts';
import { Emitter } from '../core/emitter.ts';
import type { PeerId, PlayerId } from '../core/ids.ts';
import { TalkMeter } from './talk-meter.ts';
import { type RoomVoice, type Voice, VOICE_PLAYERS_MAX, VoiceError, type VoiceMode, type VoicePlayer, type VoiceState } from './voice.ts';
import { VoiceMesh } from './voice-mesh.ts';
import { voiceError } from './voice-messages.ts';
import type { CallPort, RosterPlayer, SoundSource, VoiceDevices, VoiceRoster } from './voice-ports.ts';

/** What the lobby does not show yet is said again, so seldom: a host takes a moment, and a new host may have been told nothing. */
export const ANNOUNCE_INTERVAL_MS = 2_000;

export interface VoiceDeps<S> {
  readonly clock: Clock;
  /** Runs only while voice is on. Ten pulses a second are plenty. */
  readonly ticker: Ticker;
  readonly roster: VoiceRoster;
  readonly port: CallPort<S>;
  readonly devices: VoiceDevices<S>;
}

/** How one player sounds on this page; kept while they are in the lobby. */
interface Setting {
  isMuted: boolean;
  volume: number;
}

interface Joining {
  readonly mode: VoiceMode;
  readonly done: Promise<void>;
}

export class VoiceRoom<S> implements RoomVoice {
  readonly #deps: VoiceDeps<S>;
  readonly #emitter = new Emitter<{ voice: Voice }>();
  readonly #settings = new Map<PlayerId, Setting>();
  readonly #meter = new TalkMeter();
  readonly #stopListening: () => void;
  #state: VoiceState = 'off';
  #reason = '';
  #mode: VoiceMode = 'push';
  #isTalking = false;
  #source: SoundSource<S> | undefined;
  #mesh: VoiceMesh<S> | undefined;
  #joining: Joining | undefined;
  /** Rises with every join, leave and change of mode: what an earlier one asked for is not wanted any more. */
  #wish = 0;
  #announcedMs = -Infinity;
  #measuredMs = -Infinity;
  #players: readonly VoicePlayer[] = [];
  #isClosed = false;

  constructor(deps: VoiceDeps<S>) {
    this.#deps = deps;
    this.#rest();
    this.#stopListening = deps.roster.onChange(() => this.#onRoster());
  }

  get state(): VoiceState {
    return this.#state;
  }

  get unavailableReason(): string {
    return this.#reason;
  }

  get canUse(): boolean {
    return this.#deps.devices.obstacle === undefined && this.#deps.devices.microphoneObstacle === undefined;
  }

  get mode(): VoiceMode {
    return this.#mode;
  }

  get players(): readonly VoicePlayer[] {
    return this.#players;
  }

  on(type: 'voice', listener: (voice: Voice) => void): () => void {
    return this.#emitter.on(type, listener);
  }

  join({ mode }: { readonly mode: VoiceMode }): Promise<void> {
    if (this.#state === 'on') return this.setMode(mode);
    if (this.#joining?.mode === mode) return this.#joining.done;
    const obstacle = this.#obstacleTo(mode);
    if (obstacle !== undefined) {
      this.#wish++;
      this.#fail(obstacle);
      return Promise.reject(obstacle);
    }
    // The click's own moment: what follows an `await` is none to a browser.
    this.#deps.devices.unlock();
    const wish = this.#wish + 1;
    const done = this.#join(mode);
    // A listener that heard of it may have left already.
    if (wish === this.#wish) this.#joining = { mode, done };
    return done;
  }

  leave(): void {
    this.#wish++;
    this.#hangUp();
    this.#rest();
  }

  async setMode(mode: VoiceMode): Promise<void> {
    if (this.#state !== 'on') throw new Error('voice is not on; join() it first');
    const wish = ++this.#wish;
    const wasListening = this.#mode === 'listen';
    if (wasListening !== (mode === 'listen')) {
      const source = await this.#open(mode, wish);
      this.#source?.close();
      this.#source = source;
      this.#mesh?.replace(source.sound);
    }
    this.#mode = mode;
    this.#isTalking = false;
    this.#openMicrophone();
    this.#settle('on');
  }

  setTalking(isTalking: boolean): void {
    if (this.#isTalking === isTalking) return;
    this.#isTalking = isTalking;
    this.#openMicrophone();
  }

  mute(player: PlayerId, isMuted: boolean): void {
    this.#change(player, (setting) => (setting.isMuted = isMuted));
  }

  setVolume(player: PlayerId, volume: number): void {
    if (!(volume >= 0 && volume <= 1)) throw new RangeError(`a volume of ${volume} cannot be (0 to 1)`);
    this.#change(player, (setting) => (setting.volume = volume));
  }

  levels(): ReadonlyMap<PlayerId, number> {
    const nowMs = this.#deps.clock.nowMs();
    if (nowMs === this.#measuredMs) return this.#meter.levels;
    this.#measuredMs = nowMs;
    this.#meter.measure(this.#measured(), nowMs);
    return this.#meter.levels;
  }

  isTalking(player: PlayerId): boolean {
    this.levels();
    return this.#meter.isTalking(player, this.#deps.clock.nowMs());
  }

  close(): void {
    if (this.#isClosed) return;
    this.leave();
    this.#isClosed = true;
    this.#stopListening();
  }

  async #join(mode: VoiceMode): Promise<void> {
    const wish = ++this.#wish;
    try {
      if (mode !== 'listen') this.#settle('asking');
      const source = await this.#open(mode, wish);
      this.#source = source;
      this.#mode = mode;
      this.#isTalking = false;
      this.#openMicrophone();
      this.#goOn(source);
    } catch (error) {
      if (wish === this.#wish) this.#fail(error instanceof VoiceError ? error : voiceError('busy'));
      throw error;
    } finally {
      if (wish === this.#wish) this.#joining = undefined;
    }
  }

  #obstacleTo(mode: VoiceMode): VoiceError | undefined {
    const { devices } = this.#deps;
    if (this.#isClosed) return voiceError('cancelled');
    if (devices.obstacle !== undefined) return devices.obstacle;
    if (mode !== 'listen' && devices.microphoneObstacle !== undefined) return devices.microphoneObstacle;
    return this.#others().length >= VOICE_PLAYERS_MAX ? voiceError('full') : undefined;
  }

  /** Rejects with VoiceError, also when something else was wished for meanwhile. */
  async #open(mode: VoiceMode, wish: number): Promise<SoundSource<S>> {
    const { devices } = this.#deps;
    const opening = mode === 'listen' ? devices.openSilence() : devices.openMicrophone();
    try {
      const source = await opening;
      if (wish === this.#wish) return source;
      source.close();
    } catch (error) {
      if (wish === this.#wish) throw error;
    }
    throw voiceError('cancelled');
  }

  #goOn(source: SoundSource<S>): void {
    const { port, devices, ticker, roster } = this.#deps;
    this.#mesh = new VoiceMesh(port, devices, source.sound);
    port.ringFor((peerId) => roster.players.some((player) => player.peerId === peerId && !player.isMe));
    this.#settle('on');
    this.#announce(true);
    ticker.start(() => this.#update());
    this.#update();
  }

  #fail({ message }: VoiceError): void {
    this.#hangUp();
    this.#settle('unavailable', message);
  }

  #rest(): void {
    const { obstacle = this.#deps.devices.microphoneObstacle } = this.#deps.devices;
    if (obstacle === undefined) this.#settle('off');
    else this.#settle('unavailable', obstacle.message);
  }

  #hangUp(): void {
    const { port, devices, ticker } = this.#deps;
    if (this.#mesh !== undefined) {
      ticker.stop();
      port.ringFor(undefined);
      this.#mesh.close();
      this.#mesh = undefined;
      this.#announce(false);
    }
    this.#source?.close();
    this.#source = undefined;
    this.#joining = undefined;
    this.#isTalking = false;
    this.#meter.clear();
    devices.close();
  }

  #update(): void {
    const nowMs = this.#deps.clock.nowMs();
    const others = this.#others();
    const isShown = this.#me()?.isInVoice === true;
    const isFull = !isShown && others.length >= VOICE_PLAYERS_MAX;
    if (isFull || this.#source?.isEnded === true) {
      this.#wish++;
      this.#fail(voiceError(isFull ? 'full' : 'lost'));
      return;
    }
    if (!isShown && nowMs - this.#announcedMs >= ANNOUNCE_INTERVAL_MS) this.#announce(true);
    this.#mesh?.update(others, nowMs);
    this.#tune();
    this.#refresh();
  }

  #onRoster(): void {
    const { roster, clock } = this.#deps;
    for (const player of this.#settings.keys()) if (!roster.players.some(({ id }) => id === player)) this.#settings.delete(player);
    const isStale = this.#mesh === undefined && this.#me()?.isInVoice === true;
    // A seat taken over by this page: the page that was in voice is gone.
    if (isStale && clock.nowMs() - this.#announcedMs >= ANNOUNCE_INTERVAL_MS) this.#announce(false);
    this.#refresh();
  }

  #announce(isInVoice: boolean): void {
    this.#announcedMs = this.#deps.clock.nowMs();
    this.#deps.roster.announce(isInVoice);
  }

  #openMicrophone(): void {
    this.#source?.setOpen(this.#mode === 'open' || (this.#mode === 'push' && this.#isTalking));
  }

  #me(): RosterPlayer | undefined {
    return this.#deps.roster.players.find(({ isMe }) => isMe);
  }

  #others(): PeerId[] {
    return this.#deps.roster.players.filter(({ isMe, isInVoice }) => isInVoice && !isMe).map(({ peerId }) => peerId);
  }

  #change(player: PlayerId, change: (setting: Setting) => void): void {
    // Kept for those who are in the lobby: at most one for each seat.
    if (!this.#deps.roster.players.some(({ id }) => id === player)) return;
    const setting = this.#settings.get(player) ?? { isMuted: false, volume: 1 };
    change(setting);
    this.#settings.set(player, setting);
    this.#tune();
    this.#refresh();
  }

  #tune(): void {
    for (const { id, peerId } of this.#deps.roster.players) {
      const speaker = this.#mesh?.speakerOf(peerId);
      const setting = this.#settings.get(id);
      if (speaker === undefined || setting === undefined) continue;
      speaker.setVolume(setting.volume);
      speaker.setMuted(setting.isMuted);
    }
  }

  *#measured(): Iterable<readonly [PlayerId, number]> {
    if (this.#mesh === undefined) return;
    for (const { id, peerId, isMe } of this.#deps.roster.players) {
      const meter = isMe ? this.#source : this.#mesh.speakerOf(peerId);
      if (meter !== undefined) yield [id, this.#settings.get(id)?.isMuted === true ? 0 : meter.level()];
    }
  }

  #listPlayers(): readonly VoicePlayer[] {
    return this.#deps.roster.players
      .filter(({ isInVoice }) => isInVoice)
      .map(({ id, peerId, isMe }) => {
        const { isMuted, volume } = this.#settings.get(id) ?? { isMuted: false, volume: 1 };
        return { id, isMe, isMuted, volume, isConnected: isMe || this.#mesh?.speakerOf(peerId) !== undefined };
      });
  }

  #settle(state: VoiceState, reason = ''): void {
    this.#state = state;
    this.#reason = reason;
    this.#players = this.#listPlayers();
    this.#emitter.emit('voice', this);
  }

  /** Tells the listeners if the players are not what they were. */
  #refresh(): void {
    const players = this.#listPlayers();
    const isSame = players.length === this.#players.length && players.every((player, index) => isEqual(player, this.#players[index]!));
    if (isSame) return;
    this.#players = players;
    this.#emitter.emit('voice', this);
  }
}

function isEqual(a: VoicePlayer, b: VoicePlayer): boolean {
  return a.id === b.id && a.isMe === b.isMe && a.isMuted === b.isMuted && a.volume === b.volume && a.isConnected === b.isConnected;
}
