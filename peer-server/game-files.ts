/**
 * The page itself: the built game as static files, or in development its sources through Vite, whose hot reload
 * shares the broker's http server.
 */
import type { Server } from 'node:http';
import { join, resolve, sep } from 'node:path';
import express, { type RequestHandler } from 'express';

export interface GameFiles {
  readonly handler: RequestHandler;
  close(): Promise<void>;
}

/** Files below `assets/` carry a hash of their content in their names, so a changed one has a new address. */
const HASHED_FOLDER = 'assets';

/** Serves the files below `gameDir`, with index.html at `/`. */
export async function serveBuiltGame(gameDir: string): Promise<GameFiles> {
  const hashedDir = resolve(gameDir, HASHED_FOLDER) + sep;
  const handler = express.static(gameDir, {
    redirect: false,
    setHeaders(response, path) {
      const isHashed = path.startsWith(hashedDir);
      response.setHeader('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  return { handler, close: async () => undefined };
}

/** Serves the sources in `gameDir` with Vite, by its `vite.config.ts`. */
export async function serveGameSources(gameDir: string, server: Server): Promise<GameFiles> {
  // Vite is loaded only here: a deployed broker does not need it.
  const { createServer } = await import('vite');
  const vite = await createServer({
    root: gameDir,
    configFile: join(gameDir, 'vite.config.ts'),
    appType: 'spa',
    server: { middlewareMode: { server }, hmr: { server } },
  });
  return { handler: (request, response, next) => vite.middlewares(request, response, next), close: () => vite.close() };
}
