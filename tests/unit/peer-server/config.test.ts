/** What operators set, and the one line they read when it is wrong. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../../peer-server/config.ts';
import { DEFAULT_ICE_SERVERS, parseIceServers } from '../../../peer-server/ice-servers.ts';

let root: string;
let startDir: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'volley-config-'));
  startDir = join(root, 'dist', 'server', 'peer-server');
  for (const dir of [startDir, join(root, 'dist', 'game'), join(root, 'game')]) await mkdir(dir, { recursive: true });
  for (const file of ['package.json', 'dist/game/index.html', 'game/index.html']) await writeFile(join(root, file), '{}');
});
afterAll(() => rm(root, { recursive: true }));

test('nothing set: port 8080 on all interfaces, public STUN, the built game', () => {
  expect(readConfig({}, [], startDir)).toEqual({
    port: 8080,
    host: undefined,
    iceServers: DEFAULT_ICE_SERVERS,
    isDev: false,
    gameDir: join(root, 'dist', 'game'),
  });
  expect(readConfig({ PORT: '', HOST: '', ICE_SERVERS: '' }, [], startDir)).toEqual(readConfig({}, [], startDir));
});

test('PORT, HOST, ICE_SERVERS and --dev are taken', () => {
  const config = readConfig({ PORT: '9000', HOST: '127.0.0.1', ICE_SERVERS: '[]' }, ['--dev'], startDir);
  expect(config).toEqual({ port: 9000, host: '127.0.0.1', iceServers: [], isDev: true, gameDir: join(root, 'game') });
});

test('a bad port or option is named', () => {
  for (const port of ['x', '-1', '65536', '80.5', '0x50', '1e3', '8080;'])
    expect(() => readConfig({ PORT: port }, [], startDir)).toThrow(`PORT '${port}'`);
  expect(() => readConfig({}, ['--port'], startDir)).toThrow("'--port'");
});

test('a game that is not built says how to build it', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'volley-empty-'));
  expect(() => readConfig({}, [], join(empty, 'nowhere'))).toThrow('package.json');
  await writeFile(join(empty, 'package.json'), '{}');
  expect(() => readConfig({}, [], empty)).toThrow('npm run build');
  expect(() => readConfig({}, ['--dev'], empty)).toThrow('sources are missing');
  await rm(empty, { recursive: true });
});

test('ICE servers are passed on as browsers take them', () => {
  const servers = [
    { urls: 'stun:stun.example.org:3478' },
    { urls: ['turn:turn.example.org?transport=tcp', 'turns:[2001:db8::1]:5349'], username: 'u', credential: 'c' },
  ];
  expect(parseIceServers(JSON.stringify(servers))).toEqual(servers);
  expect(parseIceServers(' [ ] ')).toEqual([]);
});

test('a mistake in ICE_SERVERS is one line that names it', () => {
  const wrong: [string, string][] = [
    ['[', 'not valid JSON'],
    ['stun:stun.example.org', 'not valid JSON'],
    ['{}', 'must be a JSON array'],
    ['[7]', 'ICE_SERVERS[0] must be an object'],
    ['[{"urls":"stun:a"},{}]', 'ICE_SERVERS[1].urls'],
    ['[{"urls":[]}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"http://a"}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"stun://a"}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"stun:a","username":7}]', 'username'],
    ['[{"urls":"stun:a","credential":7}]', 'credential'],
    ['[{"urls":"turn:a"}]', 'TURN server'],
    [JSON.stringify(Array.from({ length: 17 }, () => ({ urls: 'stun:a' }))), '17 servers'],
  ];
  for (const [text, part] of wrong) {
    let message = '';
    try {
      parseIceServers(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(part);
    expect(message).not.toMatch('\n');
  }
});
