/**
 * Finds the Chromium that the browser tests drive, or installs one, so that `npm install && npm test` is all it takes on a
 * bare machine. Nothing is downloaded while a Chromium is there already, and nothing without saying so.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { chromium } from 'playwright';
import { doesStart, isRootOnDebian } from './programs.ts';

/** Quiet and reproducible: no first-run pages, no traffic of the browser's own. Tests run as root in containers, hence no sandbox. */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const COMMAND_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** Where Chromium lies on systems whose PATH does not name it. */
const USUAL_PATHS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** The path of a Chromium that starts. Installs one if there is none; throws Error saying what to do if that fails. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  const installed = (isRootOnDebian() ? installWithApt() : undefined) ?? installWithPlaywright();
  if (installed !== undefined) return installed;
  throw new Error(
    'The browser tests need Chromium; none was found and none could be installed (see above). ' +
      'Install Chromium or Chrome, or set CHROMIUM_PATH to its executable. Without a browser: npx vitest run --config tests/vitest.config.ts --project node',
  );
}

/** `CHROMIUM_PATH`, then the system's, then Playwright's. Throws Error if CHROMIUM_PATH is set and does not start. */
export function findChromium(): string | undefined {
  const chosen = process.env['CHROMIUM_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!doesStart(chosen, ['--version', '--no-sandbox'])) throw new Error(`CHROMIUM_PATH '${chosen}' is not a Chromium that starts`);
    return chosen;
  }
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = COMMAND_NAMES.flatMap((name) => onPath.map((folder) => join(folder, name)));
  return [...system, ...USUAL_PATHS, chromium.executablePath()].find((path) => doesStart(path, ['--version', '--no-sandbox']));
}

function installWithApt(): string | undefined {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update'], env);
  run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], env);
  return findChromium();
}

function installWithPlaywright(): string | undefined {
  // Root may also add the system libraries that Playwright's build needs.
  const withLibraries = process.platform === 'linux' && process.getuid?.() === 0 ? ['--with-deps'] : [];
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright/package.json')), 'cli.js');
  run(process.execPath, [cli, 'install', ...withLibraries, 'chromium'], process.env);
  return findChromium();
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  console.log(`No Chromium found for the browser tests. Running: ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (status !== 0) console.error(`${command} failed: ${error?.message ?? `exit code ${String(status)}`}`);
}
