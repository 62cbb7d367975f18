/** What a host tells the broker: that the lobby lives, what it says about itself, and whether its relay may be used. */
import type { Clock } from '../core/clock.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import type { Transport } from '../transport/transport.ts';
import type { LobbyDetails } from '../wire/lobby-api.ts';
import type { LobbyModel } from './lobby-model.ts';
import { LobbyRegistration } from './lobby-registration.ts';
import { cleanMode } from './name.ts';
import type { RoomCore } from './room-core.ts';

/** Strangers are told a rough figure. */
const RTT_STEP_MS = 10;
/** The broker is not told of every change of it: a quarter more or less is the same to whoever chooses a lobby. */
const RTT_SAME_SHARE = 0.25;
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
    rttMs: roughRttMs(roundTripMs),
  };
}

/** 0 if it is not known. */
function roughRttMs(measuredMs: number | undefined): number {
  if (measuredMs === undefined) return 0;
  return Math.min(RTT_MS_MAX, Math.max(1, Math.ceil(measuredMs / RTT_STEP_MS)) * RTT_STEP_MS);
}

/** How far the host is from the broker, to be told to the broker: what it was told last, as long as that is about right. */
function rttToTell(measuredMs: number | undefined, toldMs: number): number {
  const rttMs = roughRttMs(measuredMs);
  const isSame = toldMs !== 0 && Math.abs(rttMs - toldMs) <= Math.max(RTT_STEP_MS, toldMs * RTT_SAME_SHARE);
  return isSame || rttMs === 0 ? toldMs : rttMs;
}

export class BrokerDesk {
  readonly #core: RoomCore;
  readonly #transport: Transport;
  readonly #directory: LobbyDirectory;
  readonly #registration: LobbyRegistration;
  /** What the transport was told of the relay. */
  #relay = '';
  #wasReachable = true;
  /**
   * How far away the broker thinks we are; 0 if we do not know. What it was told with the registration was measured by the
   * very first call, while the page was still being put together: it is told anew as soon as somebody may see it.
   */
  #toldRttMs = 0;
  #isPublic = false;

  constructor(core: RoomCore, { deps, transport, model, registered, onCodeChanged }: BrokerDeskOptions) {
    const { ownerToken, expiresInMs = 0 } = registered;
    const { rttMs: _measuredTooEarly, ...details } = detailsOf(model, core.game, deps.directory);
    this.#core = core;
    this.#transport = transport;
    transport.listen?.();
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
        details,
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
    const { rttMs: _toldApart, ...details } = detailsOf(model, this.#core.game, this.#directory);
    this.#registration.describe(details);
    this.#isPublic = model.isPublic;
    this.#describeDistance();
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
    this.#describeDistance();
    this.#registration.update(nowMs);
  }

  /** Every heartbeat measures it anew. Of a private lobby nobody asks. */
  #describeDistance(): void {
    if (!this.#isPublic) return;
    const rttMs = rttToTell(this.#directory.roundTripMs, this.#toldRttMs);
    if (rttMs === this.#toldRttMs) return;
    this.#toldRttMs = rttMs;
    this.#registration.describe({ rttMs });
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
