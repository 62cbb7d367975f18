/** TURN credentials that end by themselves: their form, and on a real coturn that it takes them, and no others. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { turnCredentials, type TurnSettings } from '../../../peer-server/ice-credentials.ts';
import { type RunningServer, startServer } from '../../../peer-server/server.ts';
import { Coturn, ensureCoturn } from '../../harness/coturn.ts';
import { allocate } from '../../harness/turn-client.ts';

const SECRET = 'north-star-of-the-seas';
const turn: TurnSettings = { urls: ['turn:turn.example:3478'], secret: SECRET, ttlSeconds: 600 };
const INSTALL_TIMEOUT_MS = 240_000;

interface IceBody {
  readonly iceServers: readonly { readonly urls: string | readonly string[]; readonly username?: string; readonly credential?: string }[];
  readonly iceTransportPolicy?: string;
  readonly expiresInSeconds?: number;
}

test("a credential is coturn's: the end as Unix seconds, a name, and the HMAC-SHA1 of both", () => {
  // Reckoned with: printf 1795280000:5f0c2a9be1d04477 | openssl dgst -sha1 -hmac north-star-of-the-seas -binary | base64
  expect(turnCredentials(turn, 1_795_279_400_999, '5f0c2a9be1d04477')).toEqual({
    username: '1795280000:5f0c2a9be1d04477',
    credential: 'sQwPvxlagMjQjiNascqCUkZvx3M=',
  });
  expect(turnCredentials(turn, 0).username).not.toBe(turnCredentials(turn, 0).username);
});

describe('GET /ice and /api/config', () => {
  const servers: RunningServer[] = [];
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  async function ask(path: string, options: Partial<Parameters<typeof startServer>[0]>): Promise<Response> {
    const server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], ...options });
    servers.push(server);
    return fetch(server.url + path);
  }

  test.each(['/ice', '/api/config'])('%s: without TURN, what the operator set and nothing else', async (path) => {
    const response = await ask(path, { iceServers: [{ urls: 'stun:s' }] });
    expect(await response.json()).toEqual({ iceServers: [{ urls: 'stun:s' }], ...(path === '/api/config' && { hasRelay: true }) });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test.each(['/ice', '/api/config'])('%s: with TURN, credentials that are valid from now for as long as it says', async (path) => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const body = (await (await ask(path, { iceServers: [{ urls: 'stun:s' }], turn, iceTransportPolicy: 'relay' })).json()) as IceBody;
    expect(body).toMatchObject({
      iceTransportPolicy: 'relay',
      expiresInSeconds: 600,
      iceServers: [{ urls: 'stun:s' }, { urls: turn.urls }],
    });
    const { username = '', credential } = body.iceServers[1]!;
    const endsAt = Number(username.split(':')[0]);
    expect(endsAt).toBeGreaterThanOrEqual(nowSeconds + 600);
    expect(endsAt).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) + 600);
    expect(credential).toBe(createHmac('sha1', SECRET).update(username).digest('base64'));
    expect(JSON.stringify(body)).not.toMatch(SECRET);
  });
});

const found = ensureCoturn();
if ('why' in found) console.warn(`SKIPPED: the tests on a real TURN server. ${found.why}`);

describe.skipIf('why' in found)('a real coturn', () => {
  let coturn: Coturn;
  let server: RunningServer;

  beforeAll(async () => {
    if ('why' in found) return;
    coturn = await Coturn.start(found.path, SECRET);
    server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], turn: { ...turn, urls: [coturn.url] } });
  }, INSTALL_TIMEOUT_MS);
  afterAll(async () => {
    await server.close();
    await coturn.stop();
  });

  const ask = (username: string, credential: string) => allocate({ host: '127.0.0.1', port: coturn.port, username, credential });

  test('opens a relay for the credentials that GET /ice gives', async () => {
    const { iceServers } = (await (await fetch(`${server.url}/ice`)).json()) as IceBody;
    const { urls, username, credential } = iceServers[0]!;
    expect(urls).toEqual([coturn.url]);
    expect(await ask(username!, credential!)).toBe('allocated');
  });

  test('refuses none, wrong ones, those of another secret, a longer life than was signed, and those that have ended', async () => {
    const good = turnCredentials(turn, Date.now());
    const foreign = turnCredentials({ ...turn, secret: 'another-secret-of-another-sea' }, Date.now());
    const ended = turnCredentials(turn, Date.now() - 601_000);
    expect(await ask('', '')).toBe(401);
    expect(await ask(good.username, 'wrong')).toBe(401);
    expect(await ask(foreign.username, foreign.credential)).toBe(401);
    expect(await ask(`9${good.username}`, good.credential)).toBe(401);
    expect(await ask(ended.username, ended.credential)).toBe(401);
    // And not because it refuses everything by now.
    expect(await ask(good.username, good.credential)).toBe('allocated');
  });
});
