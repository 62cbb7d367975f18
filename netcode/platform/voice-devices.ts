/**
 * The browser's microphone and loudspeakers. What arrives is played by an audio element each: it needs no running AudioContext, the
 * echo cancellers of all browsers know it, and Chromium lets nothing of a call flow into Web Audio unless an element plays it.
 * Web Audio only measures.
 */
import type { VoiceError } from '../voice/voice.ts';
import { voiceError } from '../voice/voice-messages.ts';
import type { SoundSource, Speaker, VoiceDevices } from '../voice/voice-ports.ts';

/** About 20 ms at 48 kHz: longer than a wave of the lowest voice, short enough to follow syllables. */
const MEASURED_SAMPLES = 1024;
/** What is shown as silence. */
const SILENCE_DB = -60;
const MICROPHONE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
/** In which a browser may let sound begin that it has held back. */
const GESTURES = ['pointerdown', 'keydown'] as const;

const FAILURES: Readonly<Record<string, 'no-microphone' | 'denied' | 'busy'>> = {
  NotFoundError: 'no-microphone',
  OverconstrainedError: 'no-microphone',
  NotAllowedError: 'denied',
  SecurityError: 'denied',
};

export class BrowserVoiceDevices implements VoiceDevices<MediaStream> {
  readonly #elements = new Set<HTMLAudioElement>();
  readonly #onGesture = () => this.#resume();
  #context: AudioContext | undefined;

  get obstacle(): VoiceError | undefined {
    const isThere = typeof RTCPeerConnection === 'function' && typeof AudioContext === 'function';
    return isThere ? undefined : voiceError('unsupported');
  }

  get microphoneObstacle(): VoiceError | undefined {
    if (!isSecureContext) return voiceError('insecure');
    // Missing in some webviews.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (typeof devices?.getUserMedia !== 'function') return voiceError('unsupported');
    return isForbiddenByPolicy() ? voiceError('forbidden') : undefined;
  }

  unlock(): void {
    if (this.#context === undefined) {
      this.#context = new AudioContext({ latencyHint: 'interactive' });
      for (const gesture of GESTURES) addEventListener(gesture, this.#onGesture, { capture: true });
    }
    this.#resume();
  }

  async openMicrophone(): Promise<MicrophoneSource> {
    const stream = await askForMicrophone();
    // Voice was left while the browser asked: nobody would ever close it.
    if (this.#context === undefined) {
      stopAll(stream);
      throw voiceError('cancelled');
    }
    return new MicrophoneSource(stream, this.#meterOf(stream));
  }

  openSilence(): SoundSource<MediaStream> {
    const context = this.#running();
    const silence = context.createMediaStreamDestination();
    return { sound: silence.stream, isEnded: false, setOpen: () => undefined, level: () => 0, close: () => stopAll(silence.stream) };
  }

  play(sound: MediaStream): Speaker {
    const element = new Audio();
    const meter = this.#meterOf(sound);
    element.srcObject = sound;
    this.#elements.add(element);
    this.#start(element);
    return {
      setVolume: (volume) => (element.volume = volume),
      setMuted: (isMuted) => (element.muted = isMuted),
      level: () => meter.level(),
      close: () => {
        this.#elements.delete(element);
        meter.close();
        element.pause();
        element.srcObject = null;
      },
    };
  }

  close(): void {
    for (const gesture of GESTURES) removeEventListener(gesture, this.#onGesture, { capture: true });
    // Rejects when it is closed already, say by the system.
    this.#context?.close().catch(() => undefined);
    this.#context = undefined;
  }

  #running(): AudioContext {
    if (this.#context === undefined) throw new Error('unlock() comes first');
    return this.#context;
  }

  #meterOf(stream: MediaStream): Meter {
    return new Meter(this.#running(), stream);
  }

  #resume(): void {
    // Also out of 'interrupted', as Safari calls what a phone call does to it.
    if (this.#context !== undefined && this.#context.state !== 'running') this.#context.resume().catch(() => undefined);
    for (const element of this.#elements) if (element.paused) this.#start(element);
  }

  #start(element: HTMLAudioElement): void {
    // Held back until a click or key, which comes by `onGesture`; or closed before it began.
    element.play().catch(() => undefined);
  }
}

class MicrophoneSource implements SoundSource<MediaStream> {
  readonly sound: MediaStream;
  readonly #meter: Meter;

  constructor(stream: MediaStream, meter: Meter) {
    this.sound = stream;
    this.#meter = meter;
  }

  get isEnded(): boolean {
    return this.sound.getAudioTracks().every(({ readyState }) => readyState === 'ended');
  }

  setOpen(isOpen: boolean): void {
    for (const track of this.sound.getAudioTracks()) track.enabled = isOpen;
  }

  level(): number {
    return this.#meter.level();
  }

  close(): void {
    this.#meter.close();
    stopAll(this.sound);
  }
}

class Meter {
  readonly #input: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(MEASURED_SAMPLES);

  constructor(context: AudioContext, stream: MediaStream) {
    this.#input = context.createMediaStreamSource(stream);
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = MEASURED_SAMPLES;
    this.#input.connect(this.#analyser);
  }

  /** 0 at SILENCE_DB, 1 at full scale, even in dB between: as loudness is heard. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / MEASURED_SAMPLES);
    return Math.min(1, Math.max(0, 1 - decibels / SILENCE_DB));
  }

  close(): void {
    this.#input.disconnect();
  }
}

async function askForMicrophone(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE });
  } catch (error) {
    throw voiceError(FAILURES[error instanceof DOMException ? error.name : ''] ?? 'busy');
  }
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** In an iframe without `allow="microphone"`, or by the server's Permissions-Policy. Only some browsers tell beforehand. */
function isForbiddenByPolicy(): boolean {
  const { featurePolicy } = document as Document & { readonly featurePolicy?: { allowsFeature(name: string): boolean } };
  return featurePolicy?.allowsFeature('microphone') === false;
}
