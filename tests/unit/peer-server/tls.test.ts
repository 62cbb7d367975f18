/** https without a proxy: what can be wrong with certificate and key, and that it works when nothing is. */
import { get } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '../../../peer-server/server.ts';
import { readTls, type TlsMaterial } from '../../../peer-server/tls.ts';
import { selfSigned } from '../../harness/self-signed.ts';

const DAY_MS = 86_400_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volley-tls-'));
  const [good, other] = [selfSigned(Date.now() + DAY_MS), selfSigned(Date.now() + DAY_MS)];
  const expired = selfSigned(Date.now() - DAY_MS);
  const files = {
    cert: good.cert,
    key: good.key,
    'other-key': other.key,
    'old-cert': expired.cert,
    'old-key': expired.key,
    text: 'no PEM',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
});
afterAll(() => rm(folder, { recursive: true }));

function read(cert: string, key: string): TlsMaterial {
  const given = (name: string, file: string) => ({ name, text: join(folder, file) });
  return readTls({ cert: given('TLS_CERT', cert), key: given('--tls-key', key) }, Date.now());
}

test.each([
  ['missing', 'key', /^TLS_CERT '.*missing' does not exist$/],
  ['cert', 'missing', /^--tls-key '.*missing' does not exist$/],
  ['text', 'key', /^TLS_CERT '.*text' is not a certificate in PEM form/],
  ['cert', 'text', /^--tls-key '.*text' is not an unencrypted private key/],
  ['cert', 'other-key', /^--tls-key '.*other-key' is not the key of the certificate in '.*cert'$/],
  ['old-cert', 'old-key', /^TLS_CERT '.*old-cert' expired on .*GMT; browsers refuse it/],
])('%s with %s is one clear line', (cert, key, line) => {
  expect(() => read(cert, key)).toThrow(line);
});

test('page, API and signalling are served over TLS, nothing over plain http, and a renewed certificate is taken', async () => {
  const server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], tls: read('cert', 'key') });
  try {
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const { cert } = read('cert', 'key');
    const status = await new Promise((resolve, reject) => {
      get(`${server.url}/healthz`, { ca: cert }, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    expect(status).toBe(200);
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}/peerjs?key=peerjs&id=ada&token=t`, { ca: cert });
    const [frame] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(frame.toString())).toEqual({ type: 'OPEN' });
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow('fetch failed');

    const renewed = selfSigned(Date.now() + 2 * DAY_MS);
    server.renewTls(renewed);
    const fresh = connect({ host: '127.0.0.1', port: server.port, ca: renewed.cert });
    await once(fresh, 'secureConnect');
    fresh.destroy();
    // Who was connected before stays so.
    expect(socket.readyState).toBe(WebSocket.OPEN);
  } finally {
    await server.close();
  }
});
