/** The lobby directory as the session sees it. `BrokerClient` is the real one; tests keep one in memory. */
import type { PeerId } from '../core/ids.ts';
import type {
  CreateLobbyRequest,
  CreateLobbyResponse,
  HeartbeatResponse,
  ListLobbiesResponse,
  LobbyApiErrorCode,
  LobbyFilter,
  LobbyListing,
  LobbyResponse,
  LobbyUpdate,
} from '../wire/lobby-api.ts';

export type BrokerFailure = 'unreachable' | LobbyApiErrorCode;

/** `message` says what happened, ready to be shown. */
export type BrokerResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: BrokerFailure; readonly message: string };

export interface LobbyAddress extends LobbyResponse {
  readonly peerId: PeerId;
}

export interface LobbyDirectory {
  /** To the broker and back, roughly: the quickest of the last few calls. Undefined before the first. */
  readonly roundTripMs?: number | undefined;
  createLobby(request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>>;
  resolveLobby(code: string): Promise<BrokerResult<LobbyAddress>>;
  reclaimLobby(code: string, ownerToken: string, request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>>;
  /** Keeps the lobby alive, and with `update` changes what it says about itself. */
  heartbeat(code: string, ownerToken: string, update?: LobbyUpdate): Promise<BrokerResult<HeartbeatResponse>>;
  closeLobby(code: string, ownerToken: string): Promise<BrokerResult<true>>;
}

export interface LobbyWatchEvents {
  /** All lobbies known now, newest first; again with every change. */
  readonly onLobbies: (lobbies: readonly LobbyListing[]) => void;
  /** The broker cannot be reached, or refuses; it is asked again until it answers. `message` is ready to be shown. */
  readonly onLost?: (message: string) => void;
}

/** The public lobbies, for a page that shows them. */
export interface LobbyBrowser {
  /** One page; the next one with the `nextCursor` of this one. */
  listLobbies(filter?: LobbyFilter, page?: LobbyPageRequest): Promise<BrokerResult<ListLobbiesResponse>>;
  /** Tells of the lobbies and of every change, until the returned function is called. */
  watchLobbies(filter: LobbyFilter, events: LobbyWatchEvents): () => void;
}

export interface LobbyPageRequest {
  /** 1 to 100; default 50. */
  readonly limit?: number;
  readonly cursor?: string;
}
