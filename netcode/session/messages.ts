/** What people are told, in one place: what happened, and what to do next. */
import type { JoinFailure, RoomEnd } from './room.ts';

export const JOIN_MESSAGES: Readonly<Record<JoinFailure, string>> = {
  'wrong-version': 'You and the host have different versions of this game. Reload the page, and ask the host to reload too.',
  'wrong-game': 'This invite is for another game. Ask for a new link.',
  full: 'This lobby is full. Ask the host to make room, then try again.',
  locked: 'The host has locked this lobby. Ask to be let in, then try again.',
  'spectators-full': 'There is no room for more people who watch. Ask the host to make some, then try again.',
  banned: 'The host has closed this lobby to you. Ask to be let in again, or find another one.',
  'password-needed': 'This lobby has a password. Ask the host for it.',
  'wrong-password': 'That is not the password of this lobby. Check it, and try again.',
  'already-in': 'You are in this lobby already, in another tab or window.',
  'bad-code': 'That is no invite code. A code has 6 letters and digits, like K7QX2M.',
  'unknown-code': 'There is no lobby with this code. Check it, or ask for a new one: codes end when the host leaves.',
  'host-gone': 'The host is not there any more. Ask for a new invite.',
  unreachable: 'The host was found, but no connection could be made. A firewall may be in the way: try another network.',
  'broker-unreachable': 'The server cannot be reached. Check your connection and try again.',
  protocol: 'The host gave an answer that makes no sense. Reload the page and try again.',
  cancelled: 'Cancelled.',
};

export const END_MESSAGES: Readonly<Record<RoomEnd, string>> = {
  left: 'You left.',
  kicked: 'The host removed you from the lobby.',
  banned: 'The host removed you and closed this lobby to you. Ask to be let in again, or find another one.',
  'host-left': 'The host has left, and the lobby is closed. Host a new one, or ask for a new invite.',
  'host-lost': 'The connection to the host was lost. Try to join again with the same code.',
  replaced: 'You went on in another tab or window. This one has left.',
  protocol: 'The connection was closed because of messages that make no sense. Reload the page and join again.',
};
