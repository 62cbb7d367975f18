/** What the operator can set about the relay, and what pages are told of it. */
import { afterEach, expect, test } from 'vitest';
import { ConfigError } from '../../../peer-server/config-error.ts';
import { readConfig } from '../../../peer-server/config.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../../peer-server/server.ts';
import { RelayClient } from '../../harness/relay-client.ts';

const running: RunningServer[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], ...options });
  running.push(server);
  return server;
}

const hasRelay = async ({ url }: RunningServer): Promise<unknown> =>
  ((await (await fetch(`${url}/api/config`)).json()) as { readonly hasRelay?: unknown }).hasRelay;

test('on with 100 pairs unless the operator says otherwise; nonsense is one line', () => {
  const read = (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const { hasRelay, relayPairsMax } = readConfig(env, ['--api-only', ...args], import.meta.dirname);
    return [hasRelay, relayPairsMax];
  };
  expect(read({})).toEqual([true, 100]);
  expect(read({ RELAY: 'off' })).toEqual([false, 100]);
  expect(read({ RELAY: 'off' }, '--relay', 'on', '--relay-pairs-max=7')).toEqual([true, 7]);
  for (const env of [{ RELAY: 'maybe' }, { RELAY_PAIRS_MAX: '0' }, { RELAY_PAIRS_MAX: '10001' }, { RELAY: 'off', RELAY_PAIRS_MAX: '5' }])
    expect(() => read(env), JSON.stringify(env)).toThrow(ConfigError);
});

test('where it is on, pages are told; where it is off, nothing says that it exists', async () => {
  expect(await hasRelay(await start())).toBe(true);
  const server = await start({ hasRelay: false });
  expect(await hasRelay(server)).toBeUndefined();
  const client = new RelayClient(server.port);
  await client.closed();
  expect(client.refusedWith).toBe(404);
  expect(await (await fetch(`${server.url}/healthz`)).json()).toMatchObject({ relayedPairs: 0 });
});
