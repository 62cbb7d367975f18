/**
 * Who may read the metrics. They tell a rival how many play and an attacker how well he does, so by default nobody can: an
 * operator sets a token, which is then asked for beside the API, or a port of its own, which listens on this machine only
 * unless told otherwise and asks for the token too if there is one. The client's address opens nothing: behind a proxy on the
 * same machine the whole world seems to come from it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { BrokerMetrics } from './metrics.ts';

export interface MetricsExposure {
  /** Who knows it may read them. */
  readonly token: string | undefined;
  /** A listener of its own for them. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
}

export interface MetricsListener {
  readonly port: number;
  close(): void;
}

/** Scrapers are few; whoever opens more connections is none. */
const SCRAPERS_MAX = 16;
const REQUEST_TIMEOUT_MS = 10_000;

/** `token` undefined: for everyone who can get here. */
export function metricsRoute(metrics: BrokerMetrics, token: string | undefined): RequestHandler {
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    if (token !== undefined && !isToken(request.headers.authorization, token)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      response.status(401).type('text/plain').send("Send 'Authorization: Bearer TOKEN' with the token in METRICS_TOKEN.\n");
      return;
    }
    metrics.text().then((text) => response.set('Content-Type', metrics.contentType).send(text), next);
  };
}

/** Rejects with Node's error when it cannot listen. */
export async function listenForScrapers(metrics: BrokerMetrics, { token, listen }: MetricsExposure): Promise<MetricsListener | undefined> {
  if (listen === undefined) return undefined;
  const app = express();
  app.disable('x-powered-by');
  app.get('/metrics', metricsRoute(metrics, token));
  const server = createServer(app);
  server.maxConnections = SCRAPERS_MAX;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await listening(server, listen);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, where: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      // A scraper that could not be accepted comes again by itself.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function isToken(authorization: string | undefined, token: string): boolean {
  const sent = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  // Hashes have equal lengths, so the comparison tells nothing about where they differ, or about the token's length.
  return sent !== undefined && timingSafeEqual(sha256(sent), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
