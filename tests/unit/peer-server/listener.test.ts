/** What the bare server does to connections that never become a request. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Listener } from '../../../peer-server/listener.ts';
import { createLogger } from '../../../peer-server/logger.ts';

const logger = createLogger({ level: 'silent', format: 'text', write: () => undefined });

/** What is written to a client whose connection has failed with this error, and whether it is over then. */
async function answerTo(code: string): Promise<{ readonly written: string; readonly isOver: boolean }> {
  const { server } = new Listener({ tls: undefined, connectionsMax: 10, logger });
  const socket = new PassThrough();
  let written = '';
  socket.on('data', (chunk: Buffer) => (written += chunk.toString()));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  server.emit('clientError', Object.assign(new Error(code), { code }), socket);
  await closed;
  return { written, isOver: socket.destroyed };
}

test('a connection that asked nothing in time is closed without a word: a browser that keeps it ready would take one for an answer', async () => {
  expect(await answerTo('ERR_HTTP_REQUEST_TIMEOUT')).toEqual({ written: '', isOver: true });
});

test('what is no HTTP is told so', async () => {
  const { written, isOver } = await answerTo('HPE_INVALID_METHOD');
  expect(written).toMatch(/^HTTP\/1\.1 400 /);
  expect(isOver).toBe(true);
});
