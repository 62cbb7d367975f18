/** Who is let into a room: every reason to refuse a hello, in the order in which a person would want to be told. */
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { GuestMessage, Refusal } from '../wire/control.ts';
import { PROTOCOL_VERSION } from '../wire/packet.ts';
import type { LobbyModel } from './lobby-model.ts';

export interface Door {
  readonly game: AnyGame;
  readonly model: LobbyModel;
  readonly hostSeat: PlayerId;
}

/** Why a guest may not come in, or undefined if they may (taking over their own seat if they have one). */
export function refusalFor(hello: Extract<GuestMessage, { type: 'hello' }>, { game, model, hostSeat }: Door): Refusal | undefined {
  if (hello.protocol !== PROTOCOL_VERSION) return 'wrong-version';
  if (hello.game !== game.id) return 'wrong-game';
  // Whoever forgot to raise the version is told the same: packets of another shape could not be read.
  if (hello.version !== game.version || hello.shape !== game.shape) return 'wrong-version';
  if (model.isBanned(hello.identity)) return 'kicked';
  const seat = model.seatOf(hello.identity);
  // Nobody takes the host's own seat: it is the host's page.
  if (seat !== undefined) return hello.takeOver && seat !== hostSeat ? undefined : 'already-in';
  if (model.isLocked) return 'locked';
  return model.isFull ? 'full' : undefined;
}
