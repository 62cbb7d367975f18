/** `ours-page.ts` and all that it imports as one script, to be added to a blank page. */
import { resolve } from 'node:path';
import { build } from 'vite';

/** Seen from the project's root, where npm runs its scripts. */
const ENTRY = 'tests/bench/wan/ours-page.ts';

let script: Promise<string> | undefined;

export function oursScript(): Promise<string> {
  script ??= bundle();
  return script;
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    root: process.cwd(),
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: resolve(ENTRY), formats: ['iife'], name: 'ours' },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const outputs = Array.isArray(built) ? built : [built];
  const chunk = outputs.flatMap((one) => ('output' in one ? one.output : [])).find(({ type }) => type === 'chunk');
  if (chunk?.type !== 'chunk') throw new Error(`${ENTRY} was bundled into nothing`);
  return chunk.code;
}
