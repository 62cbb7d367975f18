/** `host` and `join` in a browser: WebRTC, a Worker's clock, and a goodbye when the page is closed. */
import type { Game, KindMap } from '../define-game.ts';
import type { HostOptions, JoinOptions, Room } from '../session/room.ts';
import { BrokerClient } from '../transport/broker-client.ts';
import type { OpenLobbyEvents } from '../session/open-lobbies.ts';
import { createPeerTransport, type Paths, type PeerTransport } from '../transport/peerjs.ts';
import type { FieldMap } from '../wire/schema.ts';
import type { LobbyFilter } from '../wire/lobby-api.ts';
import type { SettingMap, SettingsOf } from '../wire/settings.ts';
import { hostWith, joinWith, type Surroundings } from './surroundings.ts';
import { rosterOf } from '../voice/room-roster.ts';
import { watchOpenLobbies } from './open-lobbies.ts';
import { createBrowserVoice } from './voice.ts';
import { createWorkerTicker } from './worker-ticker.ts';

const BROWSER: Surroundings = {
  createTicker: createWorkerTicker,
  createVoice: (room, transport, clock) => createBrowserVoice(rosterOf(room), (transport as PeerTransport).media, clock),
  createTransport: (options) => createPeerTransport({ ...options, paths: pathsOf(location.search) ?? options.paths }),
};

/** `?paths=relay` or `?paths=direct` in the page's address leaves the other way out: for tests, and to find out what a network lets through. */
function pathsOf(query: string): Paths | undefined {
  const asked = new URLSearchParams(query).get('paths');
  return asked === 'relay' || asked === 'direct' ? asked : undefined;
}

export async function host<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  options: HostOptions<SettingsOf<S>>,
): Promise<Room<I, E, V, R, S>> {
  return leaveWithPage(await hostWith(game, { brokerUrl: location.origin, ...options }, BROWSER));
}

export async function join<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  code: string,
  options: JoinOptions,
): Promise<Room<I, E, V, R, S>> {
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

export function watchLobbies(
  filter: LobbyFilter,
  events: OpenLobbyEvents,
  { brokerUrl = location.origin, signal }: { readonly brokerUrl?: string; readonly signal: AbortSignal },
): void {
  watchOpenLobbies(new BrokerClient({ brokerUrl, signal }), filter, events, signal);
}
