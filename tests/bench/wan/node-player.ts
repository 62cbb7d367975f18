/** The real game in a Node process on one side of the WAN, without a picture: rules, netcode and bot (node-player-main.ts). */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';
import { startLineProcess } from './line-process.ts';
import { PagePlayer } from './page-player.ts';
import type { Player, PlayerSetup } from './player.ts';

/** Seen from the project's root, where npm runs its scripts. */
const MAIN = 'tests/bench/wan/node-player-main.ts';
/** Inside the project, where its packages are found; of this process alone, so that benches may run side by side. */
const BUILT = `tests/bench/results/node-player-${process.pid}`;

let built: Promise<string> | undefined;

/** As run.mjs builds the bench: Node 20 runs no TypeScript. */
async function buildMain(): Promise<string> {
  process.once('exit', () => rmSync(BUILT, { recursive: true, force: true }));
  await build({
    configFile: false,
    root: process.cwd(),
    logLevel: 'warn',
    build: {
      ssr: resolve(MAIN),
      outDir: resolve(BUILT),
      emptyOutDir: true,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'main.mjs' } },
    },
  });
  return resolve(BUILT, 'main.mjs');
}

export async function openNodePlayer({ wan, side, url, role, code = '', name }: PlayerSetup): Promise<Player> {
  built ??= buildMain();
  const main = await built;
  // What is measured goes before what else this machine does, as in `Wan.wrapperFor`.
  const command = ['nice', '-n', '-10', ...wan.prefixFor(side), process.execPath, main, url, role, code, name] as const;
  const child = startLineProcess(command);
  return new PagePlayer(name, { evaluate: async (expression) => String(await child.ask(expression)), close: () => child.close() });
}
