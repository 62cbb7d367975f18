/**
 * Which STUN and TURN servers to use, as `RTCPeerConnection` takes them: `GET /ice` for any program, `GET /api/config` for
 * the page. Each answer has TURN credentials of its own, made on the spot.
 */
import { type RequestHandler, Router } from 'express';
import type { BrokerConfigResponse } from '../netcode/wire/lobby-api.ts';
import { type TurnSettings, withTurn } from './ice-credentials.ts';
import type { IceServers } from './ice-servers.ts';

export interface IceSettings {
  readonly iceServers: IceServers;
  /** 'relay': connect through TURN servers only. */
  readonly iceTransportPolicy: 'all' | 'relay';
  readonly turn: TurnSettings | undefined;
}

/** The body of `GET /ice`. */
export interface IceResponse extends BrokerConfigResponse {
  /** Left out when it is 'all'. */
  readonly iceTransportPolicy?: 'relay';
}

/** Mounted at the root, behind whatever limits how often one may ask. */
export function iceRoutes(settings: IceSettings, hasRelay: boolean): Router {
  const router = Router();
  const answer =
    (more: Pick<BrokerConfigResponse, 'hasRelay'>): RequestHandler =>
    (_request, response) => {
      response.setHeader('Cache-Control', 'no-store');
      response.json({ ...iceResponse(settings, Date.now()), ...more });
    };
  router.get('/ice', answer({}));
  router.get('/api/config', answer(hasRelay ? { hasRelay } : {}));
  return router;
}

export function iceResponse({ iceServers, iceTransportPolicy, turn }: IceSettings, unixMs: number): IceResponse {
  return {
    iceServers: withTurn(iceServers, turn, unixMs),
    ...(iceTransportPolicy === 'relay' ? { iceTransportPolicy } : {}),
    ...(turn === undefined ? {} : { expiresInSeconds: turn.ttlSeconds }),
  };
}
