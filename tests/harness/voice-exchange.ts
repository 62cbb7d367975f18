/**
 * A telephone exchange in virtual time, and pages with voice at it: calls take a moment, some pairs have no path, calls break on one side
 * or both. A sound is the name of the player it comes from. The host's word takes its time as well.
 */
import { type Ticker, VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId, PlayerId } from '../../netcode/core/ids.ts';
import type { Call, CallPort, IncomingCall, RosterPlayer, SoundSource, Speaker, VoiceDevices } from '../../netcode/voice/voice-ports.ts';
import { VOICE_PLAYERS_MAX, type VoiceError } from '../../netcode/voice/voice.ts';
import { VoiceRoom } from '../../netcode/voice/voice-room.ts';

export const PULSE_MS = 100;
const SIGNAL_MS = 60;
const PATH_MS = 200;
const PROBES_MS = 15_000;

/** One end of a call. */
class FakeCall implements Call<string>, IncomingCall<string> {
  readonly remoteId: PeerId;
  readonly #clock: VirtualClock;
  other: FakeCall | undefined;
  sent: string | undefined;
  isEnded = false;
  isBlocked = false;
  #answeredMs = Infinity;

  constructor(remoteId: PeerId, clock: VirtualClock) {
    this.remoteId = remoteId;
    this.#clock = clock;
  }

  get sound(): string | undefined {
    const { other } = this;
    const isOpen = !this.isEnded && !this.isBlocked && this.#clock.nowMs() >= this.#answeredMs + PATH_MS;
    return isOpen ? other?.sent : undefined;
  }

  answer(sound: string): FakeCall {
    this.sent = sound;
    this.#answeredMs = this.#clock.nowMs();
    if (this.other !== undefined) this.other.#answeredMs = this.#answeredMs;
    return this;
  }

  replace(sound: string): void {
    this.sent = sound;
  }

  refuse(): void {
    // The caller is not told.
    this.isEnded = true;
  }

  close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.other !== undefined && this.#answeredMs < Infinity) this.other.isEnded = true;
  }
}

export class Exchange {
  readonly clock = new VirtualClock();
  readonly pages: VoiceTestPage[] = [];
  /** Pairs without a path: `a b`, in order. */
  readonly blocked = new Set<string>();
  readonly calls: FakeCall[] = [];
  /** How long what the host says takes. */
  rosterMs = 40;
  isBrokerUp = true;
  readonly #later: { readonly atMs: number; readonly run: () => void }[] = [];

  /** A page in the lobby, not in voice. */
  enter(address: string): VoiceTestPage {
    const page = new VoiceTestPage(this, (this.pages.length + 1) as PlayerId, address as PeerId);
    this.pages.push(page);
    this.tell();
    return page;
  }

  /** What a host does: no more than the limit get in. */
  setInVoice(page: VoiceTestPage, isInVoice: boolean): void {
    const isFull = this.pages.filter((other) => other.isShown && other !== page).length >= VOICE_PLAYERS_MAX;
    page.isShown = isInVoice && !isFull;
    this.tell();
  }

  tell(): void {
    const lobby = this.pages.map(({ id, peerId, isShown }) => ({ id, peerId, isInVoice: isShown }));
    for (const page of this.pages)
      this.after(this.rosterMs, () => page.hearRoster(lobby.map((one) => ({ ...one, isMe: one.id === page.id }))));
  }

  after(ms: number, run: () => void): void {
    this.#later.push({ atMs: this.clock.nowMs() + ms, run });
  }

  connect(from: VoiceTestPage, remoteId: PeerId, sound: string): FakeCall | undefined {
    if (!this.isBrokerUp) return undefined;
    const [here, there] = [new FakeCall(remoteId, this.clock), new FakeCall(from.peerId, this.clock)];
    here.sent = sound;
    here.other = there;
    there.other = here;
    here.isBlocked = there.isBlocked = this.blocked.has([from.peerId, remoteId].toSorted().join(' '));
    this.calls.push(here, there);
    this.after(SIGNAL_MS, () => this.pages.find(({ peerId }) => peerId === remoteId)?.ring(there));
    return here;
  }

  /** The path dies. One end knows at once, the other one when it has missed the answers to its probes. */
  breakEnd(call: FakeCall): void {
    call.isEnded = true;
    this.after(PROBES_MS, () => (call.other!.isEnded = true));
  }

  /** Lets time pass; promises settle in between. */
  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 20) {
      this.clock.advance(20);
      const nowMs = this.clock.nowMs();
      const due = this.#later.filter(({ atMs }) => atMs <= nowMs);
      this.#later.splice(0, this.#later.length, ...this.#later.filter(({ atMs }) => atMs > nowMs));
      for (const { run } of due) run();
      if (nowMs % PULSE_MS === 0) for (const page of this.pages) page.pulse?.();
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  }
}

/** What a page plays: set by its voice, looked at by tests. */
export interface Playing {
  readonly sound: string;
  volume: number;
  isMuted: boolean;
}

export class VoiceTestPage implements CallPort<string>, VoiceDevices<string> {
  readonly id: PlayerId;
  readonly peerId: PeerId;
  readonly voice: VoiceRoom<string>;
  readonly playing = new Set<Playing>();
  readonly announced: boolean[] = [];
  /** In the host's lobby. */
  isShown = false;
  obstacle: VoiceError | undefined;
  microphoneObstacle: VoiceError | undefined;
  /** How the player answers the browser. */
  permission: Promise<void> = Promise.resolve();
  microphonesOpen = 0;
  microphonesAsked = 0;
  isMicrophoneGone = false;
  isMicrophoneLive = false;
  loudness = 0.5;
  pulse: (() => void) | undefined;
  readonly #exchange: Exchange;
  #roster: readonly RosterPlayer[] = [];
  #onRoster = (): void => undefined;
  #isWelcome: ((remoteId: PeerId) => boolean) | undefined;
  #ringing: FakeCall[] = [];

  constructor(exchange: Exchange, id: PlayerId, peerId: PeerId) {
    this.#exchange = exchange;
    this.id = id;
    this.peerId = peerId;
    const ticker: Ticker = { start: (callback) => (this.pulse = callback), stop: () => (this.pulse = undefined) };
    this.voice = new VoiceRoom<string>({ clock: exchange.clock, ticker, roster: this.#asRoster(), port: this, devices: this });
  }

  get localId(): PeerId {
    return this.peerId;
  }

  /** The names of those who are heard here. */
  get heard(): string[] {
    return [...this.playing].map(({ sound }) => sound).toSorted();
  }

  hearRoster(players: readonly RosterPlayer[]): void {
    this.#roster = players;
    this.#onRoster();
  }

  /** Whether a call from there would ring here. */
  ringsFor(remoteId: PeerId): boolean {
    return this.#isWelcome?.(remoteId) ?? false;
  }

  ring(call: FakeCall): void {
    if (this.ringsFor(call.remoteId)) this.#ringing.push(call);
  }

  call(remoteId: PeerId, sound: string): FakeCall | undefined {
    return this.#exchange.connect(this, remoteId, sound);
  }

  ringFor(isWelcome: ((remoteId: PeerId) => boolean) | undefined): void {
    this.#isWelcome = isWelcome;
    if (isWelcome === undefined) this.#ringing = [];
  }

  accept(): IncomingCall<string> | undefined {
    return this.#ringing.shift();
  }

  unlock(): void {}

  async openMicrophone(): Promise<SoundSource<string>> {
    this.microphonesAsked += 1;
    await this.permission;
    this.microphonesOpen += 1;
    return this.#source(this.peerId);
  }

  openSilence(): SoundSource<string> {
    return { ...this.#source(`nothing of ${this.peerId}`), isEnded: false, close: () => undefined };
  }

  play(sound: string): Speaker {
    const playing: Playing = { sound, volume: 1, isMuted: false };
    this.playing.add(playing);
    return {
      setVolume: (volume) => (playing.volume = volume),
      setMuted: (isMuted) => (playing.isMuted = isMuted),
      level: () => this.#exchange.pages.find(({ peerId }) => peerId === sound)?.loudness ?? 0,
      close: () => this.playing.delete(playing),
    };
  }

  close(): void {}

  #source(sound: string): SoundSource<string> {
    const isGone = (): boolean => this.isMicrophoneGone;
    return {
      sound,
      get isEnded() {
        return isGone();
      },
      setOpen: (isOpen) => (this.isMicrophoneLive = isOpen),
      level: () => (this.isMicrophoneLive ? this.loudness : 0),
      close: () => (this.microphonesOpen -= 1),
    };
  }

  #asRoster() {
    const players = (): readonly RosterPlayer[] => this.#roster;
    return {
      get players() {
        return players();
      },
      onChange: (listener: () => void) => {
        this.#onRoster = listener;
        return () => (this.#onRoster = () => undefined);
      },
      announce: (isInVoice: boolean) => {
        this.announced.push(isInVoice);
        this.#exchange.after(this.#exchange.rosterMs, () => this.#exchange.setInVoice(this, isInVoice));
      },
    };
  }
}

/** Longer than calls take to connect. */
export const SETTLED_MS = 3_000;

/** Pages of these addresses, all in voice with open microphones, and connected. */
export async function inVoice(...addresses: string[]): Promise<{ readonly exchange: Exchange; readonly pages: readonly VoiceTestPage[] }> {
  const exchange = new Exchange();
  const pages = addresses.map((address) => exchange.enter(address));
  await exchange.run(100);
  for (const page of pages) await page.voice.join({ mode: 'open' });
  await exchange.run(SETTLED_MS);
  return { exchange, pages };
}
