/** Programs of the bench on one side of the WAN: the game's server and the WebSocket relay. They end with the bench. */
import { type ChildProcess, spawn } from 'node:child_process';
import { WAN_ADDRESS, type Wan, type WanSide } from './wan.ts';

const SERVER = 'dist/server/peer-server/main.js';
const RELAY = 'tests/bench/wan/relay.mjs';
const SERVER_PORT = 8080;
const RELAY_PORT = 8081;
const START_TIMEOUT_MS = 30_000;
/** What a program may say before it is ready, kept for the error message. */
const OUTPUT_CHARACTERS_MAX = 4_000;

const running = new Set<ChildProcess>();
// Ctrl-C ends the bench wherever it is: no `finally` runs then.
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export interface Program {
  /** Without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** The server that `npm start` runs, built already: the game's page and the broker. Side a's, where the host is. */
export async function startServer(wan: Wan, settings: Readonly<Record<string, string>> = {}): Promise<Program> {
  // The streams' pages come from the relay, and all from two addresses.
  const env = {
    PORT: String(SERVER_PORT),
    HOST: WAN_ADDRESS.a,
    ICE_SERVERS: '[]',
    ALLOWED_ORIGINS: '*',
    LIMITS: 'off',
    LOG_FORMAT: 'text',
    ...settings,
  };
  const close = await startProgram({ wan, side: 'a', command: [process.execPath, SERVER], env, ready: 'Ctrl-C' });
  return { url: `http://${WAN_ADDRESS.a}:${SERVER_PORT}`, close };
}

/** A WebSocket server that passes on what it gets to everybody else, and an HTTP server with an empty page. Side a's. */
export async function startRelay(wan: Wan): Promise<Program> {
  const command = [process.execPath, RELAY, WAN_ADDRESS.a, String(RELAY_PORT)];
  const close = await startProgram({ wan, side: 'a', command, env: {}, ready: 'ready' });
  return { url: `http://${WAN_ADDRESS.a}:${RELAY_PORT}`, close };
}

export interface ProgramStart {
  readonly wan: Wan;
  readonly side: WanSide;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What it prints once it is ready. */
  readonly ready: string;
}

/** Resolves, when it says that it is ready, to what ends it. */
export async function startProgram({ wan, side, command, env, ready }: ProgramStart): Promise<() => Promise<void>> {
  const [first, ...rest] = [...wan.prefixFor(side), ...command];
  const child = spawn(first as string, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const close = async (): Promise<void> => {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await untilItSays(child, ready, command.join(' '));
  } catch (error) {
    await close();
    throw error;
  }
  return close;
}

function untilItSays(child: ChildProcess, ready: string, name: string): Promise<void> {
  return new Promise((done, fail) => {
    let output = '';
    const timer = setTimeout(() => fail(new Error(`${name} did not start within ${START_TIMEOUT_MS} ms:\n${output}`)), START_TIMEOUT_MS);
    const listen = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      if (!output.includes(ready)) return;
      clearTimeout(timer);
      done();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', fail);
    child.once('exit', () => {
      clearTimeout(timer);
      fail(new Error(`${name} ended instead of starting:\n${output}`));
    });
  });
}
