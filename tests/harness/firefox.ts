/**
 * Finds the Firefox that tests and benches drive, or installs one, as `chromium.ts` does for Chromium. Nothing is downloaded while a
 * Firefox is there already, and nothing without saying so.
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { doesStart, isRootOnDebian } from './programs.ts';

/** The long-lived release first: figures of two runs months apart are then of one Firefox. */
const COMMAND_NAMES = ['firefox-esr', 'firefox'];
/** Where Firefox lies on systems whose PATH does not name it. */
const USUAL_PATHS = ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'];

/** The path of a Firefox that starts. Installs one if there is none; throws Error saying what to do if that fails. */
export function ensureFirefox(): string {
  const found = findFirefox() ?? (isRootOnDebian() ? installWithApt() : undefined);
  if (found !== undefined) return found;
  throw new Error('Firefox is needed here; none was found and none could be installed. Install it, or set FIREFOX_PATH to its executable.');
}

/** `FIREFOX_PATH`, then the system's. Throws Error if FIREFOX_PATH is set and does not start. */
export function findFirefox(): string | undefined {
  const chosen = process.env['FIREFOX_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!doesStart(chosen)) throw new Error(`FIREFOX_PATH '${chosen}' is not a Firefox that starts`);
    return chosen;
  }
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = COMMAND_NAMES.flatMap((name) => onPath.map((folder) => join(folder, name)));
  return [...system, ...USUAL_PATHS].find((path) => doesStart(path));
}

function installWithApt(): string | undefined {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update'], env);
  run('apt-get', ['install', '-y', '--no-install-recommends', 'firefox-esr'], env);
  return findFirefox();
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  console.log(`No Firefox found. Running: ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (status !== 0) console.error(`${command} failed: ${error?.message ?? `exit code ${String(status)}`}`);
}
