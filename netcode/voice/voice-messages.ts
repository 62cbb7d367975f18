/** What people are told about voice, in one place: what happened, and what to do next. */
import { VOICE_PLAYERS_MAX, VoiceError, type VoiceFailure } from './voice.ts';

const VOICE_MESSAGES: Readonly<Record<VoiceFailure, string>> = {
  insecure:
    'To speak, this page must be opened by https (or on localhost): browsers give the microphone to no other page. Ask for its https address. You can listen here.',
  unsupported: 'This browser has no voice chat. A current Chrome, Edge, Firefox or Safari does.',
  forbidden: 'The site that shows this page gives it no microphone. Open the game in a tab of its own. You can listen here.',
  'no-microphone': 'No microphone was found. Plug one in, then try again. You can listen without one.',
  denied:
    "The microphone is blocked for this page. Allow it by the icon beside the page's address (or in the system's privacy settings), then try again. You can listen without it.",
  busy: 'The microphone cannot be opened: another program may be using it. Close that, then try again.',
  lost: 'The microphone is gone: it was unplugged, or its permission was taken back. Turn voice on again to go on.',
  full: `Voice is full: ${VOICE_PLAYERS_MAX} players are in it. Try again when somebody has left it.`,
  cancelled: 'Cancelled.',
};

export function voiceError(reason: VoiceFailure): VoiceError {
  return new VoiceError(reason, VOICE_MESSAGES[reason]);
}
