/**
 * The one HTTP route of the PeerJS protocol that we serve: `new Peer()` without an id asks for one before it connects. The
 * other, the list of everybody's ids, is nobody's business.
 */
import { randomUUID } from 'node:crypto';
import { Router } from 'express';

/** To be mounted at the signalling path, which is also the key: `/peerjs/id`. */
export function peerIdRoutes(): Router {
  const router = Router();
  router.get('/id', (_request, response) => {
    // 122 random bits: nobody has it, and nobody will.
    response.setHeader('Cache-Control', 'no-store').type('text/plain').send(randomUUID());
  });
  return router;
}
