/** The lobby directory as the session sees it. `BrokerClient` is the real one; tests keep one in memory. */
import type { PeerId } from '../core/ids.ts';
import type { CreateLobbyRequest, CreateLobbyResponse, HeartbeatResponse, LobbyApiErrorCode, LobbyResponse } from '../wire/lobby-api.ts';

export type BrokerFailure = 'unreachable' | LobbyApiErrorCode;

/** `message` says what happened, ready to be shown. */
export type BrokerResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: BrokerFailure; readonly message: string };

export interface LobbyAddress extends LobbyResponse {
  readonly peerId: PeerId;
}

export interface LobbyDirectory {
  createLobby(request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>>;
  resolveLobby(code: string): Promise<BrokerResult<LobbyAddress>>;
  reclaimLobby(code: string, ownerToken: string, request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>>;
  heartbeat(code: string, ownerToken: string): Promise<BrokerResult<HeartbeatResponse>>;
  closeLobby(code: string, ownerToken: string): Promise<BrokerResult<true>>;
}
