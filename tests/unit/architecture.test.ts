/**
 * The layout's rules, enforced: which way imports may go, who may touch a package, the DOM or the clock, and how a file looks.
 * Every check runs on the real sources and, beforehand, on planted offences: a checker that cannot fail proves nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Import, type Module, parseModule, readModules } from '../harness/source-modules.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const LINES_MAX = 400;

/** The parts of the tree, most specific first: a file belongs to the first whose pattern it matches. */
const ZONES = {
  core: /^netcode\/core\//,
  wire: /^netcode\/wire\//,
  time: /^netcode\/time\//,
  world: /^netcode\/world\//,
  channel: /^netcode\/channel\//,
  snapshot: /^netcode\/snapshot\//,
  client: /^netcode\/client\//,
  host: /^netcode\/host\//,
  voice: /^netcode\/voice\//,
  session: /^netcode\/session\//,
  'transport-interface': /^netcode\/transport\/(transport|directory|join-trace|join-report|connection-report)\.ts$/,
  loopback: /^netcode\/transport\/(loopback|inbox)\.ts$/,
  'virtual-transport': /^netcode\/transport\/(condition(s|ed|ed-link|ed-wire)|sctp-(sender|receiver|end))\.ts$/,
  transport: /^netcode\/transport\//,
  platform: /^netcode\/platform\//,
  testing: /^netcode\/testing\//,
  'define-game': /^netcode\/define-game\.ts$/,
  'main-door': /^netcode\/index\.ts$/,
  'other-doors': /^netcode\/(phaser|node|testing)\.ts$/,
  'game-rules': /^game\/rules\//,
  game: /^game\//,
  'peer-server': /^peer-server\//,
  tests: /^tests\//,
} as const satisfies Record<string, RegExp>;

type Zone = keyof typeof ZONES;

/** Everything the state of a match is made of: sees no DOM, no Node, no clock and no chance but what it is given. */
const PURE_ZONES = [
  'core',
  'wire',
  'time',
  'world',
  'channel',
  'snapshot',
  'client',
  'host',
  'voice',
  'session',
  'define-game',
] as const satisfies Zone[];
const NETCODE_ZONES = [
  ...PURE_ZONES,
  'transport-interface',
  'loopback',
  'virtual-transport',
  'transport',
  'platform',
] as const satisfies Zone[];
const DOORS = ['main-door', 'other-doors'] as const satisfies Zone[];

/** What each part may import, besides itself. `tests` may import everything. */
const ALLOWED: Readonly<Record<Exclude<Zone, 'tests'>, readonly Zone[]>> = {
  core: [],
  wire: ['core'],
  time: ['core', 'wire'],
  'define-game': ['core', 'wire'],
  world: ['core', 'wire', 'define-game'],
  'transport-interface': ['core', 'wire'],
  channel: ['core', 'wire', 'transport-interface'],
  snapshot: ['core', 'wire', 'define-game', 'world'],
  client: ['core', 'wire', 'time', 'define-game', 'world', 'channel', 'snapshot', 'transport-interface'],
  host: ['core', 'wire', 'time', 'define-game', 'world', 'channel', 'snapshot', 'transport-interface'],
  voice: ['core'],
  session: [...PURE_ZONES, 'transport-interface', 'loopback'],
  loopback: ['core', 'wire', 'transport-interface'],
  'virtual-transport': ['core', 'wire', 'transport-interface', 'loopback'],
  transport: ['core', 'wire', 'voice', 'transport-interface', 'loopback'],
  platform: NETCODE_ZONES,
  // The simulator: pure like what it simulates. Nothing but its door may import it.
  testing: [...PURE_ZONES, 'transport-interface', 'loopback', 'virtual-transport'],
  'main-door': NETCODE_ZONES,
  'other-doors': [...NETCODE_ZONES, 'main-door', 'testing'],
  'game-rules': ['main-door'],
  game: [...DOORS, 'game-rules'],
  'peer-server': [],
};

/** What netcode and peer-server share: the two things that pages and the broker say to each other, and the window both keep for the second. */
const SHARED_WITH_PEER_SERVER: ReadonlySet<string> = new Set([
  'netcode/wire/lobby-api.ts',
  'netcode/wire/relay.ts',
  'netcode/wire/relay-window.ts',
]);

/** Who may import a package. Outside tests, a package that is not named here may not be imported at all. */
const PACKAGE_IMPORTERS: Readonly<Record<string, RegExp>> = {
  msgpackr: /^netcode\/wire\/(control|msgpackr-no-eval\.d)\.ts$/,
  peerjs: /^netcode\/transport\/peerjs[a-z-]*\.ts$/,
  phaser: /^(game\/(scenes\/.+|main)|netcode\/phaser)\.ts$/,
  uqr: /^game\/ui\//,
  'node-datachannel': /^netcode\/(transport\/peerjs[a-z-]*|platform\/node[a-z-]*|node)\.ts$/,
  ws: /^(peer-server\/.+|netcode\/(transport\/peerjs[a-z-]*|platform\/node[a-z-]*|node)\.ts$)/,
  peer: /^peer-server\//,
  express: /^peer-server\//,
  pino: /^peer-server\//,
  'prom-client': /^peer-server\//,
  redis: /^peer-server\//,
  vite: /^(peer-server\/.+|game\/vite\.config\.ts$)/,
  'node:': /^(peer-server\/.+|game\/vite\.config\.ts|netcode\/(transport\/peerjs-node[a-z-]*|platform\/node[a-z-]*|node)\.ts$)/,
};

function zoneOf(path: string): Zone | undefined {
  return (Object.keys(ZONES) as Zone[]).find((zone) => ZONES[zone].test(path));
}

function whyForbidden(from: string, imported: Import): string | undefined {
  const zone = zoneOf(from);
  if (zone === undefined) return 'lies in no known part of the tree';
  if (zone === 'tests') return undefined;
  if (imported.packageName !== undefined) {
    return PACKAGE_IMPORTERS[imported.packageName]?.test(from) === true
      ? undefined
      : `${zone} may not import the package '${imported.packageName}'`;
  }
  const path = imported.path!;
  if (!/\.[a-z]+$/.test(path)) return `the import of '${imported.specifier}' has no file extension`;
  const target = zoneOf(path);
  if (target === undefined) return `'${path}' lies in no known part of the tree`;
  if (target === zone || ALLOWED[zone].includes(target)) return undefined;
  if (zone === 'peer-server' && SHARED_WITH_PEER_SERVER.has(path)) return undefined;
  return `${zone} may not import ${target}`;
}

function forbiddenImports(modules: readonly Module[]): string[] {
  return modules.flatMap((module) =>
    module.imports.flatMap((imported) => {
      const why = whyForbidden(module.path, imported);
      return why === undefined ? [] : [`${module.path}:${imported.line} ${why}`];
    }),
  );
}

/** Each cycle once, as 'a -> b -> a'. Types count: a cycle of types is a cycle of ideas. */
function cycles(modules: readonly Module[]): string[] {
  const edges = new Map(modules.map((module) => [module.path, module.imports.flatMap((imported) => imported.path ?? [])]));
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

/** What importing a module runs: everything it reaches without `import()`. */
function staticClosure(modules: readonly Module[], start: string): Set<string> {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const reached = new Set([start]);
  for (const path of reached) {
    for (const imported of byPath.get(path)?.imports ?? [])
      if (!imported.isDynamic && imported.path !== undefined) reached.add(imported.path);
  }
  return reached;
}

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*\.ts$/;
/** Of `Math`, what may give other bits on another engine; `core/trig.ts` has what rules need. */
const INEXACT_MATH = new Set([
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'atan2',
  'exp',
  'log',
  'pow',
  'hypot',
  'cbrt',
  'sinh',
  'cosh',
  'tanh',
]);

function isPure(path: string): boolean {
  const zone = zoneOf(path);
  return zone === 'game-rules' || zone === 'testing' || (PURE_ZONES as readonly (Zone | undefined)[]).includes(zone);
}

/** How a file must look and what it may not use. */
function offences(module: Module): string[] {
  const { path, lines, nodes } = module;
  const found: string[] = [];
  const isConfig = path.endsWith('.config.ts') || /^tests\/harness\/[a-z-]+-setup\.ts$/.test(path);
  const isProduct = !path.startsWith('tests/');
  const zone = zoneOf(path);
  if (!KEBAB_CASE.test(path.slice(path.lastIndexOf('/') + 1))) found.push(`${path} is not in kebab-case`);
  if (isProduct && lines.length > LINES_MAX) found.push(`${path} has ${lines.length} lines; ${LINES_MAX} at most`);
  if (!/^(#!.*\n)?\/\*\*/.test(module.source)) found.push(`${path} does not open with a comment saying what it is and why`);
  for (const node of nodes) {
    const at = `${path}:${module.lineOf(node)}`;
    const name = node['name'];
    if (node.type === 'ExportDefaultDeclaration' && !isConfig) found.push(`${at} has a default export`);
    if (node.type === 'TSEnumDeclaration' || node.type === 'TSParameterProperty') found.push(`${at} is not erasable syntax (${node.type})`);
    if (
      node.type === 'TSAnyKeyword' &&
      !/oxlint-disable-next-line typescript\/no-explicit-any -- \w/.test(lines[module.lineOf(node) - 2] ?? '')
    ) {
      found.push(`${at} uses 'any' without a reason`);
    }
    if (node.type === 'Identifier' && typeof name === 'string' && /^RTC(PeerConnection|DataChannel)$/.test(name) && isProduct) {
      if (zone !== 'transport' && zone !== 'platform' && zone !== 'other-doors')
        found.push(`${at} touches ${name}; only the transport may`);
    }
    if (isPure(path)) {
      if (node.type === 'Identifier' && name === 'Date') found.push(`${at} looks at the clock`);
      const member = mathMember(node);
      if (member === 'random') found.push(`${at} uses Math.random`);
      if (member !== undefined && INEXACT_MATH.has(member) && (zone === 'world' || zone === 'game-rules'))
        found.push(`${at} uses Math.${member}`);
    }
  }
  return found;
}

function mathMember(node: Module['nodes'][number]): string | undefined {
  if (node.type !== 'MemberExpression') return undefined;
  const object = node['object'] as { readonly name?: string };
  const property = node['property'] as { readonly name?: string };
  return object.name === 'Math' ? property.name : undefined;
}

const modules = readModules(ROOT);
const scratch = mkdtempSync(join(tmpdir(), 'volley-architecture-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Lines of `tsc` output, [] when it is content. */
function compile(configPath: string): string[] {
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', configPath, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    return [];
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout)
      .split('\n')
      .filter((line) => line !== '');
  }
}

describe('the checker', () => {
  const forbidden = (path: string, source: string): string[] => forbiddenImports([parseModule(path, source)]);

  test.each([
    ['netcode/core/planted.ts', "import { x } from '../wire/schema.ts';"],
    ['netcode/wire/planted.ts', "import type { World } from '../world/world.ts';"],
    ['netcode/client/planted.ts', "export { x } from '../host/host.ts';"],
    ['netcode/host/planted.ts', "export * from '../client/client.ts';"],
    ['netcode/session/planted.ts', "type T = import('../transport/peerjs.ts').T;"],
    ['netcode/session/planted.ts', "const m = await import('../platform/browser.ts');"],
    ['netcode/transport/planted.ts', "import { x } from '../session/room.ts';"],
    ['netcode/voice/planted.ts', "import { x } from '../session/room.ts';"],
    ['netcode/voice/planted.ts', "import { x } from '../transport/peerjs.ts';"],
    ['netcode/platform/planted.ts', "import { x } from '../../game/main.ts';"],
    ['netcode/platform/planted.ts', "import { x } from '../../peer-server/server.ts';"],
    ['netcode/world/planted.ts', "import { x } from '../../tests/harness/player.ts';"],
    ['netcode/wire/planted.ts', "import { pack } from 'msgpackr/index-no-eval';"],
    ['netcode/session/planted.ts', "import { Peer } from 'peerjs';"],
    ['netcode/core/planted.ts', "import { readFileSync } from 'node:fs';"],
    ['netcode/time/planted.ts', "new Worker(new URL('../platform/worker.ts', import.meta.url));"],
    ['netcode/session/planted.ts', "import { x } from '../testing/simulate.ts';"],
    ['netcode/platform/planted.ts', "import { x } from '../testing/simulate.ts';"],
    ['netcode/testing/planted.ts', "import { x } from '../transport/peerjs.ts';"],
    ['netcode/testing/planted.ts', "import { x } from '../platform/browser.ts';"],
    ['netcode/brand-new/planted.ts', "import { x } from '../core/ids.ts';"],
    ['game/ui/planted.ts', "import { x } from '../../netcode/session/room.ts';"],
    ['game/ui/planted.ts', "import Phaser from 'phaser';"],
    ['game/rules/planted.ts', "import { x } from '../ui/menu.ts';"],
    ['game/rules/planted.ts', "import { x } from '../../netcode/testing.ts';"],
    ['peer-server/planted.ts', "import { x } from '../netcode/core/ids.ts';"],
    ['peer-server/planted.ts', "import { x } from '../netcode/wire/packet.ts';"],
  ])('sees that %s may not say: %s', (path, source) => {
    expect(forbidden(path, source)).toHaveLength(1);
  });

  test.each([
    ['netcode/world/planted.ts', "import { x } from '../core/ids.ts'; // import { y } from '../host/host.ts'"],
    ['netcode/wire/control.ts', "import { pack } from 'msgpackr/index-no-eval';"],
    ['netcode/transport/peerjs-transport.ts', "import { Peer } from 'peerjs';"],
    ['netcode/testing/planted.ts', "import { x } from '../transport/conditions.ts';"],
    ['game/rules/planted.ts', "import { sin } from '../../netcode/index.ts';"],
    ['peer-server/planted.ts', "import { x } from '../netcode/wire/lobby-api.ts';"],
    ['peer-server/relay/planted.ts', "import { x } from '../../netcode/wire/relay-window.ts';"],
  ])('lets %s say: %s', (path, source) => {
    expect(forbidden(path, source)).toEqual([]);
  });

  test('sees a cycle, even of types', () => {
    const planted = [
      parseModule('netcode/core/a.ts', "import { b } from './b.ts';"),
      parseModule('netcode/core/b.ts', "import type { C } from './c.ts';"),
      parseModule('netcode/core/c.ts', "export { a } from './a.ts';"),
    ];
    expect(cycles(planted)).toEqual(['netcode/core/a.ts -> netcode/core/b.ts -> netcode/core/c.ts -> netcode/core/a.ts']);
  });

  test.each([
    ['netcode/core/BadName.ts', '/** x */'],
    ['netcode/core/planted.ts', 'export const noOpeningComment = 1;'],
    ['netcode/core/planted.ts', `/** x */${'\n'.repeat(LINES_MAX)}`],
    ['netcode/core/planted.ts', '/** x */ export default 1;'],
    ['netcode/core/planted.ts', '/** x */ export enum Colour { Red }'],
    ['netcode/core/planted.ts', '/** x */ export class A { constructor(readonly b: number) {} }'],
    ['netcode/core/planted.ts', '/** x */ export const a = 1 as any;'],
    ['netcode/core/planted.ts', '/** x */ export const now = () => Date.now();'],
    ['netcode/host/planted.ts', '/** x */ export const luck = () => Math.random();'],
    ['netcode/world/planted.ts', '/** x */ export const s = Math.sin(1);'],
    ['game/rules/planted.ts', '/** x */ export const s = Math.hypot(1, 2);'],
    ['netcode/session/planted.ts', '/** x */ export const pc = new RTCPeerConnection();'],
    ['netcode/testing/planted.ts', '/** x */ export const now = () => Date.now();'],
  ])('sees what is wrong with %s: %s', (path, source) => {
    expect(offences(parseModule(path, source))).toHaveLength(1);
  });

  test('refuses a file that cannot be parsed', () => {
    expect(() => parseModule('netcode/core/planted.ts', 'import from from from')).toThrow(SyntaxError);
  });

  test('sees every use of the DOM, of Node and of timers in pure code', () => {
    const uses = [
      'document.title',
      'window',
      'process.pid',
      'setTimeout(() => {}, 1)',
      'performance.now()',
      'crypto',
      'new WebSocket("")',
      'Buffer',
    ];
    writeFileSync(join(scratch, 'planted.ts'), uses.map((use, index) => `export const use${index} = ${use};`).join('\n'));
    const config = {
      extends: join(ROOT, 'tests/tsconfig.pure.json'),
      include: ['planted.ts', ...pureIncludes()],
    };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(config));
    const complaints = compile(join(scratch, 'tsconfig.json')).filter((line) => line.includes('planted.ts'));
    expect(complaints).toHaveLength(uses.length);
  });
});

function pureIncludes(): string[] {
  return [
    join(ROOT, 'tests/harness/pure-globals.d.ts'),
    ...modules.filter(({ path }) => zoneIsPureNetcode(path)).map(({ path }) => join(ROOT, path)),
  ];
}

function zoneIsPureNetcode(path: string): boolean {
  return path.startsWith('netcode/') && isPure(path);
}

describe('the sources', () => {
  test('are all seen', () => {
    const count = (prefix: string): number => modules.filter(({ path }) => path.startsWith(prefix)).length;
    for (const folder of ['netcode/core/', 'netcode/wire/', 'netcode/session/', 'game/', 'peer-server/', 'tests/']) {
      expect(count(folder), folder).toBeGreaterThan(0);
    }
    expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(modules.length);
  });

  test('import only what their part may', () => {
    expect(forbiddenImports(modules)).toEqual([]);
  });

  test('have no import cycle', () => {
    expect(cycles(modules)).toEqual([]);
  });

  test('look as the style asks', () => {
    expect(modules.flatMap(offences)).toEqual([]);
  });

  test('keep the main door pure: importing it runs no platform code', () => {
    const impure = [...staticClosure(modules, 'netcode/index.ts')].filter((path) => path !== 'netcode/index.ts' && !isPure(path));
    expect(
      impure.filter(
        (path) => !/^netcode\/transport\/(transport|loopback|inbox|directory|join-trace|join-report|connection-report)\.ts$/.test(path),
      ),
    ).toEqual([]);
  });

  test('use neither DOM nor Node in the pure part', () => {
    expect(compile(join(ROOT, 'tests/tsconfig.pure.json'))).toEqual([]);
  });

  test('lie in the fixed top-level folders', () => {
    const made = new Set(['node_modules', 'dist', 'coverage', 'docs']);
    const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !made.has(entry.name),
    );
    expect(folders.map(({ name }) => name).toSorted()).toEqual(['game', 'netcode', 'peer-server', 'tests']);
  });
});
