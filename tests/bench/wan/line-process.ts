/** A process of the bench that is asked by lines on its stdin and answers each, in order, by a line on its stdout. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A line of the process, as JSON. */
export type LineReply = { readonly result: unknown } | { readonly error: string };

const HAS_ENDED = 'the process that was asked has ended';

export interface LineProcess {
  /** `line` goes as JSON. Rejects with what the process calls the error, or because it has ended. */
  ask(line: unknown): Promise<unknown>;
  /** At once, whatever it does. */
  close(): Promise<void>;
}

export function startLineProcess([command, ...args]: readonly [string, ...string[]]): LineProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const asked: { done(result: unknown): void; fail(error: Error): void }[] = [];
  let hasEnded = false;
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  // It may end while it is written to.
  child.stdin.on('error', () => {});
  createInterface(child.stdout).on('line', (line) => {
    const reply = JSON.parse(line) as LineReply;
    const first = asked.shift();
    if ('error' in reply) first?.fail(new Error(reply.error));
    else first?.done(reply.result);
  });
  const ended = new Promise<void>((done) => {
    child.once('error', () => done());
    child.once('exit', () => done());
  }).then(() => {
    hasEnded = true;
    process.off('exit', kill);
    for (const { fail } of asked.splice(0)) fail(new Error(HAS_ENDED));
  });
  return {
    ask: (line) =>
      new Promise((done, fail) => {
        if (hasEnded) {
          fail(new Error(HAS_ENDED));
          return;
        }
        asked.push({ done, fail });
        child.stdin.write(`${JSON.stringify(line)}\n`);
      }),
    async close() {
      kill();
      await ended;
    },
  };
}
