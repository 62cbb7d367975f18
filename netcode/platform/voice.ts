/** Voice in a browser: the pieces put together, and a pulse of its own that runs only while voice is on. */
import type { Clock, Ticker } from '../core/clock.ts';
import type { CallPort, VoiceRoster } from '../voice/voice-ports.ts';
import { VoiceRoom } from '../voice/voice-room.ts';
import { BrowserVoiceDevices } from './voice-devices.ts';

/** How soon a call is answered and heard. A hidden page gets one pulse a second, which only delays that. */
const PULSE_MS = 100;

export function createBrowserVoice(roster: VoiceRoster, port: CallPort<MediaStream>, clock: Clock): VoiceRoom<MediaStream> {
  // A key that is released in another window is not released here: nobody is to be heard unawares.
  const ticker = createPulse(() => voice.setTalking(false));
  const voice: VoiceRoom<MediaStream> = new VoiceRoom({ clock, roster, port, devices: new BrowserVoiceDevices(), ticker });
  return voice;
}

function createPulse(onBlur: () => void): Ticker {
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    start(callback) {
      timer = setInterval(callback, PULSE_MS);
      addEventListener('blur', onBlur);
    },
    stop() {
      clearInterval(timer);
      removeEventListener('blur', onBlur);
    },
  };
}
