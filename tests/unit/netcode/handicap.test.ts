/** The host's advantage, and how it is taken away. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { DelayedLink, Handicap, HANDICAP_MS_MAX } from '../../../netcode/session/handicap.ts';
import { loopbackPair } from '../../../netcode/transport/loopback.ts';

/** Two minutes of a match in which the host's own view delay is what it always is and twice the handicap. */
function play(handicap: Handicap, guestsMs: readonly number[]): void {
  const BASE_MS = 40;
  for (let nowMs = 0; nowMs < 120_000; nowMs += 100) handicap.update(nowMs, BASE_MS + 2 * handicap.delayMs, guestsMs);
}

test("[ADV1] the host's advantage is what the median guest sees later", () => {
  const handicap = new Handicap(false);
  play(handicap, [400, 240, 90]);
  expect(handicap.advantageMs).toBe(200);
  expect(handicap.delayMs).toBe(0);
});

test("[ADV2] if the game wants it, the host's player is held back until nothing is left of it", () => {
  const handicap = new Handicap(true);
  play(handicap, [400, 240, 90]);
  expect(handicap.advantageMs).toBeCloseTo(0, 3);
  expect(handicap.delayMs).toBeCloseTo(100, 3);
});

test('[ADV2] but never by more than can be played with, and not at all without guests', () => {
  const handicap = new Handicap(true);
  play(handicap, [900]);
  expect(handicap.delayMs).toBe(HANDICAP_MS_MAX);
  expect(handicap.advantageMs).toBe(900 - 40 - 2 * HANDICAP_MS_MAX);
  for (let nowMs = 120_000; nowMs < 140_000; nowMs += 100) handicap.update(nowMs, 340, []);
  expect([handicap.delayMs, handicap.advantageMs]).toEqual([0, 0]);
});

test('[ADV2] and so slowly that clocks glide along: 20 ms a second there and back at most', () => {
  const handicap = new Handicap(true);
  let before = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += 20) {
    handicap.update(nowMs, 40 + 2 * handicap.delayMs, [400]);
    if (nowMs % 1000 !== 0) continue;
    expect(handicap.delayMs - before).toBeLessThanOrEqual(10);
    before = handicap.delayMs;
  }
  expect(before).toBeGreaterThan(80);
});

test('[ADV3] what is held back comes in its order, as if it had just arrived', () => {
  const clock = new VirtualClock();
  const [a, b] = loopbackPair(clock);
  let delayMs = 30;
  const delayed = new DelayedLink(b, clock, () => delayMs);
  a.sendState(Uint8Array.of(1));
  expect(delayed.receiveState()).toBeUndefined();
  clock.advance(10);
  delayMs = 5;
  a.sendState(Uint8Array.of(2));
  expect(delayed.receiveState()).toBeUndefined();
  clock.advance(19);
  expect(delayed.receiveState()).toBeUndefined();
  clock.advance(1);
  expect(
    [delayed.receiveState(), delayed.receiveState(), delayed.receiveState()].map((packet) => packet && [packet.bytes[0], packet.atMs]),
  ).toEqual([[1, 30], [2, 30], undefined]);
});
