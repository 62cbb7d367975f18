/** The load generator as its parent sees it: orders go to a process of its own, figures come back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Done, Order, Reply } from './load.ts';

/** Longer than any order takes. */
const ORDER_TIMEOUT_MS = 120_000;

export interface LoadProcess {
  /** One at a time. */
  order(order: Order): Promise<Done>;
  close(): Promise<void>;
}

/** `bundleUrl`: the module that exports `brokerLoad`. */
export function startLoad(bundleUrl: string): LoadProcess {
  const script = `const { brokerLoad } = await import(${JSON.stringify(bundleUrl)}); brokerLoad();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    async order(order) {
      const replied = once(child, 'message', { signal: AbortSignal.timeout(ORDER_TIMEOUT_MS) });
      child.send(order);
      const [reply] = (await replied) as [Reply];
      if ('error' in reply) throw new Error(`${order.do}: ${reply.error}`);
      return reply.done;
    },
    async close() {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      kill();
      await exited;
    },
  };
}
