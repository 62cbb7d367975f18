/** `host` and `join` in a browser: WebRTC, a Worker's clock, and a goodbye when the page is closed. */
import type { Game, KindMap } from '../define-game.ts';
import type { HostOptions, JoinOptions, Room } from '../session/room.ts';
import { createPeerTransport } from '../transport/peerjs.ts';
import type { FieldMap } from '../wire/schema.ts';
import { hostWith, joinWith, type Surroundings } from './surroundings.ts';
import { createWorkerTicker } from './worker-ticker.ts';

const BROWSER: Surroundings = { createTicker: createWorkerTicker, createTransport: createPeerTransport };

export async function host<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: HostOptions,
): Promise<Room<I, E, V, R>> {
  return leaveWithPage(await hostWith(game, { brokerUrl: location.origin, ...options }, BROWSER));
}

export async function join<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  code: string,
  options: JoinOptions,
): Promise<Room<I, E, V, R>> {
  return leaveWithPage(await joinWith(game, { brokerUrl: location.origin, ...options, code }, BROWSER));
}

/** Without a word at `pagehide` the others would see a frozen ship for many seconds. */
function leaveWithPage<R extends Pick<Room, 'leave' | 'on'>>(room: R): R {
  const onPageHide = (): void => room.leave();
  // Before the transport's own listener (capture), so that the goodbye still finds open channels.
  addEventListener('pagehide', onPageHide, { capture: true });
  room.on('closed', () => removeEventListener('pagehide', onPageHide, { capture: true }));
  return room;
}
