/** What a host tells the broker: that the lobby lives, what it says about itself, and whether its relay may be used. */
import type { Clock } from '../core/clock.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import type { Transport } from '../transport/transport.ts';
import type { LobbyDetails } from '../wire/lobby-api.ts';
import type { LobbyModel } from './lobby-model.ts';
import { LobbyRegistration } from './lobby-registration.ts';
import { cleanMode } from './name.ts';
import type { RoomCore } from './room-core.ts';

/** Strangers are told a rough figure; the broker is not told of every change of it. */
const RTT_STEP_MS = 10;
const RTT_MS_MAX = 10_000;

export interface RegisteredLobby {
  readonly ownerToken: string;
  /** The lobby disappears so long after its last heartbeat; undefined for an heir, who has yet to claim it. */
  readonly expiresInMs: number | undefined;
}

export interface BrokerDeskOptions {
  readonly deps: { readonly clock: Clock; readonly directory: LobbyDirectory };
  readonly transport: Transport;
  readonly model: LobbyModel;
  readonly registered: RegisteredLobby;
  readonly onCodeChanged: (code: string) => void;
}

/** What strangers and guests may know of a lobby. */
export function detailsOf(model: LobbyModel, game: RoomCore['game'], { roundTripMs }: LobbyDirectory): LobbyDetails {
  const { name, playersMax, isLocked, isPublic, isRelayAllowed, settings, playerCount: players } = model;
  const mode = cleanMode(game.spec.mode?.(settings as never) ?? '');
  return {
    name,
    players,
    playersMax,
    isLocked,
    isPublic,
    isRelayAllowed,
    gameVersion: game.version,
    mode,
    hasPassword: model.password !== '',
    rttMs: roundTripMs === undefined ? 0 : Math.min(RTT_MS_MAX, Math.ceil(roundTripMs / RTT_STEP_MS) * RTT_STEP_MS),
  };
}

export class BrokerDesk {
  readonly #core: RoomCore;
  readonly #transport: Transport;
  readonly #directory: LobbyDirectory;
  readonly #registration: LobbyRegistration;
  /** What the transport was told of the relay. */
  #relay = '';
  #wasReachable = true;

  constructor(core: RoomCore, { deps, transport, model, registered, onCodeChanged }: BrokerDeskOptions) {
    const { ownerToken, expiresInMs = 0 } = registered;
    this.#core = core;
    this.#transport = transport;
    this.#directory = deps.directory;
    this.#registration = new LobbyRegistration(
      deps.directory,
      {
        code: model.code,
        ownerToken,
        expiresInMs,
        peerId: transport.localId,
        gameId: core.game.id,
        nowMs: deps.clock.nowMs(),
        details: detailsOf(model, core.game, deps.directory),
        isUnclaimed: registered.expiresInMs === undefined,
      },
      {
        onLost: () => core.notice('broker-lost', 'The server cannot be reached. The game goes on; new players can join when it is back.'),
        onBack: () => core.notice('broker-back', 'The server is back. New players can join again.'),
        onCodeChanged,
      },
    );
  }

  get isReachable(): boolean {
    return this.#transport.isReachable && this.#registration.isReachable;
  }

  get ownerToken(): string {
    return this.#registration.ownerToken;
  }

  describe(model: LobbyModel): void {
    this.#registration.describe(detailsOf(model, this.#core.game, this.#directory));
    const pass = model.isRelayAllowed ? { code: model.code, ownerToken: this.ownerToken } : undefined;
    const relay = pass === undefined ? '' : `${pass.code} ${pass.ownerToken}`;
    if (relay === this.#relay) return;
    this.#relay = relay;
    this.#transport.allowRelay?.(pass);
  }

  update(nowMs: number): void {
    const { isReachable } = this.#transport;
    if (isReachable !== this.#wasReachable) this.#registration.hurry();
    this.#wasReachable = isReachable;
    this.#registration.update(nowMs);
  }

  /** The lobby is over. */
  close(): void {
    this.#registration.close();
  }

  /** The lobby is another host's. */
  release(): void {
    this.#registration.release();
    if (this.#relay !== '') this.#transport.allowRelay?.(undefined);
  }
}
