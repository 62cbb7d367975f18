/** What all checks of the connection test have in common: how they report, and that none of them takes longer than a few seconds. */
import type { CheckResult } from '../transport/connection-report.ts';
import type { BrokerConfigResponse } from '../wire/lobby-api.ts';

/** A person watches: who has heard nothing by then will not be heard from. STUN asks again after 0.25, 0.75, 1.75 and 3.75 s. */
export const CHECK_TIMEOUT_MS = 5_000;
/** Data of the test's own over a connection of its own: nobody relies on it. */
export const TEST_MESSAGE = 'volley-test';

export type Finding = Omit<CheckResult, 'check' | 'title' | 'tookMs'>;
export type IceServer = BrokerConfigResponse['iceServers'][number];

/** The time is up, or the test was cancelled. */
export class CheckEnded extends Error {}

export const ok = (detail: string): Finding => ({ state: 'ok', detail, advice: '' });
export const warn = (detail: string, advice = ''): Finding => ({ state: 'warn', detail, advice });
export const failed = (detail: string, advice = ''): Finding => ({ state: 'failed', detail, advice });
export const skipped = (detail: string): Finding => ({ state: 'skipped', detail, advice: '' });

/** Runs until `signal` fires, or for CHECK_TIMEOUT_MS: then what it was given to wait for rejects with CheckEnded. */
export async function bounded<T>(signal: AbortSignal | undefined, run: (ended: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const timer = setTimeout(end, CHECK_TIMEOUT_MS);
  signal?.addEventListener('abort', end);
  if (signal?.aborted === true) end();
  try {
    return await run(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    // Whatever still waits for it lets go.
    controller.abort();
  }
}

/** Resolves with what `begin` hands to its callback, or rejects with CheckEnded. */
export function until<T>(ended: AbortSignal, begin: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new CheckEnded());
    if (ended.aborted) {
      fail();
      return;
    }
    ended.addEventListener('abort', fail, { once: true });
    begin(resolve, reject);
  });
}

/** 128 random bits as hex: unguessable, and no two alike. `crypto.randomUUID` is missing on pages that LAN guests open over http. */
export function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const msText = (ms: number): string => `${Math.max(1, Math.round(ms))} ms`;
