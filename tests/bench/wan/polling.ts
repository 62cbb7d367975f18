/** Waiting for what a page, a process or a peer does in its own time. */

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Handshakes on two busy cores, over a far path. */
const PATIENCE_MS = 60_000;
const ASKED_EVERY_MS = 100;

/** Asks until there is an answer. Throws Error naming what it waited for. */
export async function untilThereIs<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAtMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > giveUpAtMs) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await sleep(ASKED_EVERY_MS);
  }
}
