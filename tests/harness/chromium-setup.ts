/**
 * Before the tests that need a browser, and only then: a Chromium. Its path goes to the tests (`inject('chromiumPath')`) and,
 * through the environment, to Vitest's browser mode, which starts after this.
 */
import type { TestProject } from 'vitest/node';
import { ensureChromium } from './chromium.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    chromiumPath: string;
  }
}

export default function setup(project: TestProject): void {
  const path = ensureChromium();
  process.env['CHROMIUM_PATH'] = path;
  project.provide('chromiumPath', path);
}
