/**
 * All tests, in projects that run one after the other: `node` (virtual time mostly), `chromium` (suites that run inside a page, on
 * real WebRTC), `e2e` (the built product, driven through its UI), and `e2e-clocks`, those of it that watch a real clock.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { CHROMIUM_FLAGS } from './harness/chromium.ts';

const LAYERS = '{unit,contract,scenario,fuzz,attack,cluster}';
/** Attackers and honest clients come from addresses of their own, 127.0.0.0/8, of which macOS has one. */
const HAS_LOOPBACK_NETWORK = process.platform !== 'darwin';
const needsChromium = './tests/harness/chromium-setup.ts';
const needsBroker = './tests/harness/broker-setup.ts';
/** Most tests wait more than they work; on two cores Vitest would run one file after the other. */
const WORKERS = Math.max(2, availableParallelism() - 1);
/** What these wait for is told by real clocks (silence, paths that break, sound), so they have the machine for themselves. */
const WITH_CLOCKS = ['voice', 'relay-network', 'liveness', 'hidden-host', 'broker-loss'].map((name) => `tests/browser/${name}.test.ts`);
const throughTheScreen = {
  globalSetup: [needsChromium, needsBroker],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 30_000, interval: 50 } },
};

if (!HAS_LOOPBACK_NETWORK) console.warn('SKIPPED: tests/attack. This system has no 127.0.0.2; run them on Linux or Windows.');

export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  test: {
    reporters: process.env['VITEST_JSON'] === undefined ? ['default'] : ['default', ['json', { outputFile: process.env['VITEST_JSON'] }]],
    // No test is asked twice: one that fails now and then is a finding.
    retry: 0,
    projects: [
      {
        test: {
          name: 'node',
          include: [`tests/${LAYERS}/**/*.test.ts`],
          exclude: ['**/*.browser.test.ts', ...(HAS_LOOPBACK_NETWORK ? [] : ['tests/attack/**'])],
          testTimeout: 30_000,
          // Half of these wait for sockets and clocks of other processes.
          maxWorkers: WORKERS + 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // The project's own name is its instance's, below: `--project chromium`.
          name: 'in-page',
          include: [`tests/${LAYERS}/**/*.browser.test.ts`],
          globalSetup: [needsChromium, needsBroker],
          testTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium', name: 'chromium' }],
            provider: playwright({
              launchOptions: {
                args: [...CHROMIUM_FLAGS],
                /** Read when the browser starts, after the global setup found or installed it. */
                get executablePath() {
                  return process.env['CHROMIUM_PATH'] ?? '';
                },
              },
            }),
          },
        },
      },
      {
        test: {
          ...throughTheScreen,
          name: 'e2e',
          include: ['tests/browser/**/*.test.ts'],
          exclude: WITH_CLOCKS,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: { ...throughTheScreen, name: 'e2e-clocks', include: WITH_CLOCKS, fileParallelism: false, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
