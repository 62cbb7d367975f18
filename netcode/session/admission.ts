/** Who is let into a room: every reason to refuse a hello, in the order in which a person would want to be told. */
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { GuestMessage, Refusal } from '../wire/control.ts';
import { PROTOCOL_VERSION } from '../wire/packet.ts';
import type { LobbyModel } from './lobby-model.ts';
import type { PasswordGate } from './password-gate.ts';

export type Hello = Extract<GuestMessage, { type: 'hello' }>;

export interface Door {
  readonly game: AnyGame;
  readonly model: LobbyModel;
  readonly hostSeat: PlayerId;
  readonly gate: PasswordGate;
}

/** Where a hello comes from, and when it is looked at. */
export interface Caller {
  readonly address: string;
  readonly nowMs: number;
}

/**
 * Why a guest may not come in; undefined if they may (taking over their own seat if they have one); 'later' while a wrong password
 * keeps them waiting: ask again.
 */
export function refusalFor(hello: Hello, { game, model, hostSeat, gate }: Door, { address, nowMs }: Caller): Refusal | 'later' | undefined {
  if (hello.protocol !== PROTOCOL_VERSION) return 'wrong-version';
  if (hello.game !== game.id) return 'wrong-game';
  // Whoever forgot to raise the version is told the same: packets of another shape could not be read.
  if (hello.version !== game.version || hello.shape !== game.shape) return 'wrong-version';
  if (model.isBanned(hello.identity)) return 'banned';
  const seat = model.seatOf(hello.identity);
  // Nobody takes the host's own seat: it is the host's page.
  if (seat !== undefined) return hello.takeOver && seat !== hostSeat ? undefined : 'already-in';
  // Whoever reloads their page has left, and is no stranger.
  const wasHere = model.wasHere(hello.identity);
  if (model.isLocked && !wasHere) return 'locked';
  if (!model.hasRoom(hello.isSpectating)) return hello.isSpectating ? 'spectators-full' : 'full';
  if (model.password === '' || wasHere) return undefined;
  if (hello.password === '') return 'password-needed';
  const keys = hello.identity === '' ? [`at ${address}`] : [`at ${address}`, `as ${hello.identity}`];
  if (!gate.isOpen(keys, nowMs)) return 'later';
  if (hello.password === model.password) {
    gate.admit(keys);
    return undefined;
  }
  gate.refuse(keys, nowMs);
  return 'wrong-password';
}
