/**
 * The HTTP side of the broker, route by route, in the order in which a request meets them. What tells an operator or an
 * orchestrator how things stand comes before the limits: a broker under attack must not be taken for a dead one.
 */
import express from 'express';
import { answerFailure, answerNotFound } from './failures.ts';
import type { GameFiles } from './game-files.ts';
import { healthRoute, readyRoute, type Vitals } from './health.ts';
import { iceRoutes, type IceSettings } from './ice-routes.ts';
import { API_REQUEST_COST, limitLobbies, limitRequests } from './limits/limit-routes.ts';
import type { Limits } from './limits/limits.ts';
import type { LobbyDirectory } from './lobby-directory.ts';
import { lobbyRoutes } from './lobby-routes.ts';
import type { LobbyStreams } from './lobby-stream.ts';
import type { Logger } from './logger.ts';
import type { BrokerMetrics } from './metrics.ts';
import { metricsRoute } from './metrics-routes.ts';
import { originGuard } from './origin-guard.ts';
import type { Origins } from './origins.ts';
import { peerIdRoutes } from './peer-id-routes.ts';
import type { Relay } from './relay/relay.ts';
import { requestLog, warnOfUnnamedProxy } from './request-log.ts';
import { securityHeaders } from './security-headers.ts';
import { type Signalling, SIGNALLING_PATH } from './signalling.ts';
import type { TrustedProxies } from './trusted-proxy.ts';

export const LIMITS_OFF = 'off';

export interface AppParts {
  readonly isDev: boolean;
  /** Undefined: no metrics here. */
  readonly metricsToken: string | undefined;
  readonly ice: IceSettings;
  readonly directory: LobbyDirectory;
  readonly streams: LobbyStreams;
  readonly signalling: Signalling;
  /** Undefined: there is none. */
  readonly relay: Relay | undefined;
  readonly vitals: Vitals;
  readonly metrics: BrokerMetrics;
  readonly logger: Logger;
  /** Undefined: none. */
  readonly limits: Limits | undefined;
  readonly proxies: TrustedProxies;
  readonly pages: Origins;
  /** Undefined: no page is served. */
  readonly game: GameFiles | undefined;
}

export function buildApp(parts: AppParts): express.Express {
  const { metrics, vitals, limits, logger, proxies } = parts;
  const addressOf = proxies.clientAddressOf;
  const app = express();
  app.disable('x-powered-by');
  app.use(metrics.requestCounter());
  app.use(requestLog(logger, proxies), warnOfUnnamedProxy(logger, proxies));
  app.use(securityHeaders(!parts.isDev));
  app.get('/healthz', healthRoute(vitals, parts.signalling, parts.relay));
  app.get('/readyz', readyRoute(vitals));
  if (parts.metricsToken !== undefined) app.get('/metrics', metricsRoute(metrics, parts.metricsToken));

  const forPages = ['/api', '/ice', SIGNALLING_PATH];
  app.use(
    forPages,
    originGuard(parts.pages, () => metrics.refused('foreign-origin')),
  );
  if (limits !== undefined) {
    app.use(forPages, limitRequests(limits, addressOf, API_REQUEST_COST));
    app.use('/api', limitLobbies(limits, addressOf));
  }
  app.use(iceRoutes(parts.ice, parts.relay !== undefined));
  app.use('/api', lobbyRoutes(parts.directory, parts.streams));
  app.use(SIGNALLING_PATH, peerIdRoutes());

  if (limits !== undefined) app.use(limitRequests(limits, addressOf));
  if (parts.game !== undefined) app.use(parts.game.handler);
  app.use(answerNotFound);
  app.use(answerFailure(logger));
  return app;
}
