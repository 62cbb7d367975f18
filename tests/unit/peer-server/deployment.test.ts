/**
 * Dockerfile, compose file and package.json against what they rely on. No container engine runs here; this catches what goes
 * stale: a path that moved, a setting that was renamed, a folder that no longer gets into the image.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../../peer-server/config-options.ts';
import { readConfig } from '../../../peer-server/config.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const MAIN = 'dist/server/peer-server/main.js';
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const settings: ReadonlySet<string> = new Set(Object.values(OPTIONS).map(({ env }) => env));

test('the Dockerfile copies what exists, and .dockerignore lets all of it in', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(' '));
  expect(copied).toContain('peer-server');
  const letIn = read('.dockerignore').split('\n');
  for (const source of copied) {
    expect(existsSync(join(ROOT, source)), source).toBe(true);
    expect(letIn).toContain(`!${source}`);
  }
});

test('the image starts what npm start and npx volley-server start', () => {
  const { bin, scripts } = JSON.parse(read('package.json')) as {
    readonly bin: Record<string, string>;
    readonly scripts: Record<string, string>;
  };
  expect(read('Dockerfile')).toMatch(new RegExp(`^CMD \\["node", "${MAIN}"\\]$`, 'm'));
  expect(bin['volley-server']).toBe(MAIN);
  expect(scripts['start']).toBe(`node ${MAIN}`);
  // The compiler makes a file that nobody may run.
  expect(scripts['build:server']).toMatch(`chmodSync('${MAIN}', 0o755)`);
  expect(read('peer-server/main.ts')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(read('Dockerfile')).toMatch(/^USER node$/m);
});

test('the compose file sets what there is to be set, to values that are allowed', () => {
  const compose = read('compose.yaml');
  const broker = compose.slice(compose.indexOf('  broker:'), compose.indexOf('  redis:'));
  const set = [...broker.matchAll(/^ {6}([A-Z][A-Z_]*): (.*)$/gm)].map(([, name, value]) => [name!, value!] as const);
  expect(set.length).toBeGreaterThan(3);
  for (const [name] of set) expect(settings, name).toContain(name);
  const values: Record<string, string> = { TURN_HOST: 'turn.example', TURN_SECRET: 'f'.repeat(64) };
  const env = Object.fromEntries(
    set.map(([name, value]) => [name, value.replace(/\$\{([A-Z_]+)[^}]*\}/g, (_all, key: string) => values[key] ?? '')]),
  );
  expect(readConfig(env, ['--api-only'], ROOT)).toMatchObject({
    redisUrl: 'redis://redis:6379',
    turn: { urls: ['turn:turn.example:3478?transport=udp', 'turn:turn.example:3478?transport=tcp'], secret: values['TURN_SECRET'] },
  });
});

test('the README names every setting', () => {
  const readme = read('peer-server/README.md');
  expect([...settings].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
