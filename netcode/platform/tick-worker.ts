/**
 * The pulse itself, in a Worker: timers here keep their pace when the page is hidden or busy drawing, those of the page do not.
 *
 * Each pulse waits to be answered, so that a page that hangs for a second finds two pulses waiting and not two hundred.
 */

/** Four pulses a tick at 60 Hz: a tick starts at most this late. Browsers clamp shorter timers to 4 ms anyway. */
const PULSE_MS = 4;
/** Pulses the page has not answered: one being handled and one to follow it at once. */
const UNANSWERED_MAX = 2;
/** If the page lost an answer (it threw while shutting down, say), pulses go on after this. */
const ANSWER_TIMEOUT_MS = 1_000;

/** What this file uses of a worker's global scope; the DOM's types describe a page's. */
interface WorkerScope {
  postMessage(message: 'pulse'): void;
  addEventListener(type: 'message', listener: () => void): void;
}

const scope = globalThis as unknown as WorkerScope;
let unanswered = 0;
let lastSentMs = 0;
let nextMs = performance.now();

scope.addEventListener('message', () => {
  unanswered = Math.max(0, unanswered - 1);
});

/** Aims at fixed moments, not at fixed gaps, so the rate does not drift with the timers' lateness. */
function pulse(): void {
  const nowMs = performance.now();
  if (nowMs - lastSentMs > ANSWER_TIMEOUT_MS) unanswered = 0;
  if (unanswered < UNANSWERED_MAX) {
    unanswered += 1;
    lastSentMs = nowMs;
    scope.postMessage('pulse');
  }
  nextMs = Math.max(nextMs + PULSE_MS, nowMs);
  setTimeout(pulse, nextMs - nowMs);
}

pulse();
