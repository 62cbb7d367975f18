/** What the harness asks of this machine before it uses or installs a program that a test needs. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';

/** A program that merely says its version may still take a while on a cold machine. */
const VERSION_TIMEOUT_MS = 30_000;

/** Whether it is there and does what it is asked: a name on the PATH may be a script that only says how to install it. */
export function doesStart(path: string, args: readonly string[] = ['--version']): boolean {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return false;
  }
  // Chrome on Windows opens a window when asked for its version.
  if (process.platform === 'win32') return true;
  return spawnSync(path, [...args], { stdio: 'ignore', timeout: VERSION_TIMEOUT_MS }).status === 0;
}

/** Whether `apt-get install` is ours to call. */
export function isRootOnDebian(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
}
