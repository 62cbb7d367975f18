/** Volley's door for Node: the same rooms over the same WebRTC, for headless hosts, bots and tests. */
import type { Game, KindMap } from './define-game.ts';
import { createNodeTicker } from './platform/node-ticker.ts';
import { hostWith, joinWith, type Surroundings } from './platform/surroundings.ts';
import type { HostOptions, JoinOptions, Room } from './session/room.ts';
import { createNodePeerTransport } from './transport/peerjs-node.ts';
import type { FieldMap } from './wire/schema.ts';
import type { SettingMap, SettingsOf } from './wire/settings.ts';

export { trainPriors, type TrainPriorsOptions } from './host/train-priors.ts';
export { shutdownNodePeerTransports as shutdown } from './transport/peerjs-node.ts';

const NODE: Surroundings = { createTicker: createNodeTicker, createTransport: createNodePeerTransport };

/** Opens a room in this process. `brokerUrl` is required. Rejects with JoinError. */
export function host<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  options: HostOptions<SettingsOf<S>> & { readonly brokerUrl: string },
): Promise<Room<I, E, V, R, S>> {
  return hostWith(game, options, NODE);
}

/** Enters a room from this process. `brokerUrl` is required. Rejects with JoinError. */
export function join<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  code: string,
  options: JoinOptions & { readonly brokerUrl: string },
): Promise<Room<I, E, V, R, S>> {
  return joinWith(game, { ...options, code }, NODE);
}
