/** Voice where there is none (Node, tests): it says why, and who else is in. */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import type { RoomVoice } from './voice.ts';
import { voiceError } from './voice-messages.ts';
import type { CallPort, VoiceDevices, VoiceRoster } from './voice-ports.ts';
import { VoiceRoom } from './voice-room.ts';

const obstacle = voiceError('unsupported');

function fail(): never {
  throw obstacle;
}

const NO_DEVICES: VoiceDevices<never> = {
  obstacle,
  microphoneObstacle: obstacle,
  unlock: () => undefined,
  openMicrophone: () => Promise.reject(obstacle),
  openSilence: fail,
  play: fail,
  close: () => undefined,
};
const NO_CALLS: CallPort<never> = {
  localId: '' as PeerId,
  call: () => undefined,
  ringFor: () => undefined,
  accept: () => undefined,
};

export function noVoice(roster: VoiceRoster, clock: Clock): RoomVoice {
  const ticker = { start: () => undefined, stop: () => undefined };
  return new VoiceRoom<never>({ clock, ticker, roster, port: NO_CALLS, devices: NO_DEVICES });
}
