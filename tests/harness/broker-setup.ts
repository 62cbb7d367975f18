/** Before the tests that need the whole product: builds what is stale and runs the server; `inject('brokerUrl')` is its address. */
import type { TestProject } from 'vitest/node';
import { buildIfStale, ServerProcess } from './server-process.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    brokerUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildIfStale();
  // Test pages come from other ports, all from one address, and more often than people do.
  const server = await ServerProcess.start({ ALLOWED_ORIGINS: '*', LIMITS: 'off' });
  project.provide('brokerUrl', server.url);
  return () => server.kill();
}
