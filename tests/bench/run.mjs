/**
 * `npm run bench -- codec …`: bundles the bench as a game's build would bundle the netcode (Node 20 runs no TypeScript, and
 * module-by-module execution would slow the code under test), then runs it.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';

const here = import.meta.dirname;
const outDir = resolve(here, 'results/build');
await build({
  configFile: false,
  root: resolve(here, '../..'),
  logLevel: 'warn',
  build: {
    ssr: resolve(here, 'main.ts'),
    outDir,
    emptyOutDir: true,
    target: 'node20',
    minify: false,
    // The browser's half of the netcode, imported when a page hosts or joins: never here.
    rolldownOptions: { external: [/platform\/browser\.ts$/], output: { entryFileNames: 'main.mjs' } },
  },
});
const { main } = await import(pathToFileURL(resolve(outDir, 'main.mjs')).href);
process.exitCode = await main(process.argv.slice(2), resolve(here, 'results'));
