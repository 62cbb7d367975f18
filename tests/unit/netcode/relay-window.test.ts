/** What the relay's window lets out, on paths in virtual time: narrow, long, jittery, mute, and those that change on the way. */
import { expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { RELAY_CONTROL, RELAY_CONTROL_BYTES_MAX, RELAY_STATE } from '../../../netcode/wire/relay.ts';
import { RELAY_STUCK_MS, RelayWindow } from '../../../netcode/wire/relay-window.ts';

const STATE_EVERY_MS = 1000 / 60;
const STATE_BYTES = 1_000;

/** A frame that says when it was made, and which one it is. */
function frame(kind: number, size: number, number: number, madeAtMs: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes[0] = kind;
  new DataView(bytes.buffer).setFloat64(1, madeAtMs);
  new DataView(bytes.buffer).setUint32(9, number);
  return bytes;
}

interface Arrival {
  readonly kind: number;
  readonly number: number;
  readonly ageMs: number;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

interface PathOptions {
  readonly bytesPerSecond: number;
  /** One way. */
  readonly delayMs: number;
  readonly jitterMs?: number;
  /** Credits go out at most so often, for all that came meanwhile. */
  readonly creditEveryMs?: number;
}

/** A WebSocket over a path of a certain width and length, which buffers without end; and the other side's credits. */
class Path {
  readonly window = new RelayWindow();
  readonly arrivals: Arrival[] = [];
  nowMs = 0;
  options: PathOptions;
  isMute = false;
  #number = 0;
  #busyUntilMs = 0;
  #lastArrivalMs = 0;
  #received = 0;
  #creditAtMs = -Infinity;
  #isCreditPlanned = false;
  readonly #events: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly #rng = new Sfc32(7);

  constructor(options: PathOptions) {
    this.options = options;
  }

  state(size = STATE_BYTES): void {
    this.window.offerState(frame(RELAY_STATE, size, this.#number++, this.nowMs));
    this.#pump();
  }

  control(size: number): boolean {
    const isTaken = this.window.offerControl(frame(RELAY_CONTROL, size, this.#number++, this.nowMs));
    this.#pump();
    return isTaken;
  }

  /** Runs `each` every `everyMs` until then. */
  run(durationMs: number, everyMs: number, each: (index: number) => void): void {
    const startMs = this.nowMs;
    for (let index = 0; index * everyMs < durationMs; index++) {
      this.#advance(startMs + index * everyMs);
      each(index);
    }
    this.#advance(startMs + durationMs);
  }

  of(kind: number): readonly Arrival[] {
    return this.arrivals.filter((arrival) => arrival.kind === kind);
  }

  #advance(untilMs: number): void {
    for (;;) {
      let next = -1;
      for (const [i, { atMs }] of this.#events.entries()) if (atMs <= untilMs && (next < 0 || atMs < this.#events[next]!.atMs)) next = i;
      if (next < 0) break;
      const [event] = this.#events.splice(next, 1);
      this.nowMs = event!.atMs;
      event!.run();
    }
    this.nowMs = untilMs;
  }

  #after(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, run });
  }

  #pump(): void {
    for (let bytes = this.window.next(this.nowMs); bytes !== undefined; bytes = this.window.next(this.nowMs)) {
      const { bytesPerSecond, delayMs, jitterMs = 0 } = this.options;
      this.#busyUntilMs = Math.max(this.nowMs, this.#busyUntilMs) + (bytes.length * 1000) / bytesPerSecond;
      // TCP keeps the order.
      this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#busyUntilMs + delayMs + this.#rng.float() * jitterMs);
      const sent = bytes;
      this.#after(this.#lastArrivalMs - this.nowMs, () => this.#arrive(sent));
    }
  }

  #arrive(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer);
    this.arrivals.push({
      kind: bytes[0]!,
      number: view.getUint32(9),
      ageMs: this.nowMs - view.getFloat64(1),
      atMs: this.nowMs,
      bytes,
    });
    this.#received = (this.#received + 1) >>> 0;
    if (this.isMute || this.#isCreditPlanned) return;
    this.#isCreditPlanned = true;
    const { creditEveryMs = 0, delayMs } = this.options;
    this.#after(Math.max(0, this.#creditAtMs + creditEveryMs - this.nowMs), () => {
      this.#isCreditPlanned = false;
      this.#creditAtMs = this.nowMs;
      const count = this.#received;
      this.#after(delayMs, () => {
        if (!this.window.acknowledge(count, this.nowMs)) throw new Error(`credit ${count} was refused`);
        this.#pump();
      });
    });
  }
}

const agesOf = (arrivals: readonly Arrival[], share: number): number =>
  arrivals.map(({ ageMs }) => ageMs).toSorted((a, b) => a - b)[Math.floor(share * (arrivals.length - 1))]!;

function expectOrder(arrivals: readonly Arrival[]): void {
  const numbers = arrivals.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
}

test('a path that carries a sixth of it gets the newest state, for a minute, and keeps busy', () => {
  const path = new Path({ bytesPerSecond: 10_000, delayMs: 20 });
  path.run(60_000, STATE_EVERY_MS, () => path.state());
  const states = path.of(RELAY_STATE);
  expect(Math.max(...states.map(({ ageMs }) => ageMs))).toBeLessThan(500);
  expect(agesOf(states, 0.5)).toBeLessThan(350);
  expectOrder(states);
  // Of 10 a second that would fit.
  expect(states.length).toBeGreaterThan(60 * 7);
  expect(path.window.counters.supersededState).toBeGreaterThan(60 * 45);
});

test('control through the same path arrives whole and in order, and state stays young beside it', () => {
  const path = new Path({ bytesPerSecond: 10_000, delayMs: 20 });
  let offered = 0;
  path.run(30_000, STATE_EVERY_MS, (index) => {
    path.state();
    if (index % 30 === 0) {
      path.control(200 + (index % 7) * 40);
      offered++;
    }
  });
  path.run(5_000, 5_000, () => undefined);
  const control = path.of(RELAY_CONTROL);
  expect(control).toHaveLength(offered);
  expectOrder(control);
  expect(agesOf(control, 1)).toBeLessThan(500);
  expect(agesOf(path.of(RELAY_STATE), 1)).toBeLessThan(500);
});

test('a large transfer does not silence the state beside it', () => {
  const path = new Path({ bytesPerSecond: 50_000, delayMs: 20 });
  for (let i = 0; i < 30; i++) expect(path.control(RELAY_CONTROL_BYTES_MAX)).toBe(true);
  path.run(15_000, STATE_EVERY_MS, () => path.state());
  const control = path.of(RELAY_CONTROL);
  expect(control).toHaveLength(30);
  expectOrder(control);
  const during = path.of(RELAY_STATE).filter(({ atMs }) => atMs < control.at(-1)!.atMs);
  // One behind each of the messages, which take a third of a second each.
  expect(during.length).toBeGreaterThanOrEqual(25);
  expect(agesOf(during, 1)).toBeLessThan(1_000);
});

test.each([5, 50, 150, 400, 1_000])('a wide path of %i ms one way carries every state, none of which waits', (delayMs) => {
  const path = new Path({ bytesPerSecond: 10_000_000, delayMs });
  path.run(30_000, STATE_EVERY_MS, () => path.state(300));
  const late = path.of(RELAY_STATE).filter(({ atMs }) => atMs > 5_000 + delayMs);
  expect(agesOf(late, 0.95)).toBeLessThan(delayMs + 1);
  // But for the one moment in ten seconds in which the path may run empty.
  expect(late.length).toBeGreaterThan((30_000 - delayMs - 5_000) / STATE_EVERY_MS - 1 - (3 * 2 * delayMs) / STATE_EVERY_MS);
});

test('jitter and credits that come bundled make a good path run empty not even once', () => {
  const path = new Path({ bytesPerSecond: 1_000_000, delayMs: 30, jitterMs: 25, creditEveryMs: 16 });
  path.run(60_000, STATE_EVERY_MS, () => path.state(300));
  expect(path.window.counters.supersededState).toBe(0);
});

test('a path that becomes narrower, and then longer, keeps the state young', () => {
  const path = new Path({ bytesPerSecond: 1_000_000, delayMs: 20 });
  path.run(10_000, STATE_EVERY_MS, () => path.state());
  path.options = { bytesPerSecond: 10_000, delayMs: 20 };
  path.run(30_000, STATE_EVERY_MS, () => path.state());
  // What was on its way at that moment is what the wide path took.
  expect(agesOf(path.of(RELAY_STATE), 1)).toBeLessThan(700);
  const settled = path.of(RELAY_STATE).filter(({ atMs }) => atMs > 11_000);
  expect(agesOf(settled, 1)).toBeLessThan(500);
  const before = path.arrivals.length;
  path.options = { bytesPerSecond: 1_000_000, delayMs: 300 };
  path.run(40_000, STATE_EVERY_MS, () => path.state());
  const after = path.arrivals.slice(before);
  expect(agesOf(after, 1)).toBeLessThan(1_000);
  // Once the distance is known again, all of it goes through.
  expect(after.filter(({ atMs }) => atMs > 60_000).length).toBeGreaterThan(15 * 60);
});

test.each([
  [1_000, 20, 50],
  [300, 20, 50],
  [1_000, 10, 45],
  [1_000, 20, 150],
])('a path of %i-byte states that becomes longer, from %i ms to %i ms, carries all of them again soon', (size, shortMs, longMs) => {
  const path = new Path({ bytesPerSecond: 1_000_000, delayMs: shortMs });
  path.run(10_000, STATE_EVERY_MS, () => path.state(size));
  path.options = { bytesPerSecond: 1_000_000, delayMs: longMs };
  path.run(5_000, STATE_EVERY_MS, () => path.state(size));
  const before = path.window.counters.supersededState;
  path.run(30_000, STATE_EVERY_MS, () => path.state(size));
  expect(path.window.counters.supersededState - before).toBe(0);
});

test('when a path stalls, what was let out before is no more than it had time to carry, however much it carried once', () => {
  const path = new Path({ bytesPerSecond: 1_000_000, delayMs: 20 });
  // A transfer shows how wide the path is.
  for (let i = 0; i < 60; i++) path.control(RELAY_CONTROL_BYTES_MAX);
  path.run(5_000, STATE_EVERY_MS, () => path.state(300));
  path.options = { bytesPerSecond: 1_000_000, delayMs: 3_000 };
  path.run(2_900, STATE_EVERY_MS, () => path.state(300));
  // Those of a bare round trip and 50 ms.
  expect(path.window.flightFrames).toBeLessThanOrEqual(8);
});

test('while nothing is acknowledged, what is on its way is bounded, two states wait, and control is refused at a megabyte', () => {
  const path = new Path({ bytesPerSecond: 1_000_000, delayMs: 20 });
  path.isMute = true;
  path.run(9_000, STATE_EVERY_MS, () => path.state());
  const sent = path.arrivals.length;
  expect(sent * STATE_BYTES).toBeLessThanOrEqual(65_536 + STATE_BYTES);
  expect(path.window.counters.supersededState).toBe(540 - sent - 2);
  let waiting = 0;
  while (path.control(16_000)) waiting++;
  expect(waiting).toBe(Math.floor(1_048_576 / 16_000));
  expect(path.window.waitingControlBytes).toBe(waiting * 16_000);
});

test('the smallest control messages are bounded by their number', () => {
  const window = new RelayWindow();
  const tiny = Uint8Array.of(RELAY_CONTROL, 1);
  let waiting = 0;
  while (window.offerControl(tiny)) waiting++;
  expect(waiting).toBe(8_192);
});

test('what is on its way is bounded by number too, so that small frames on a long path are acknowledged right', () => {
  const path = new Path({ bytesPerSecond: 10_000_000, delayMs: 400 });
  path.run(20_000, 1, () => path.control(20));
  path.run(60_000, 60_000, () => undefined);
  const control = path.of(RELAY_CONTROL);
  expect(control.length).toBeGreaterThan(8_192);
  expectOrder(control);
  expect(path.window.flightFrames).toBe(0);
});

test('a socket is stuck when something is on its way and nothing is acknowledged for ten seconds, and not before', () => {
  const window = new RelayWindow();
  expect(window.isStuck(1e9)).toBe(false);
  window.offerState(frame(RELAY_STATE, 20, 0, 0));
  window.next(1_000);
  expect(window.isStuck(1_000 + RELAY_STUCK_MS - 1)).toBe(false);
  expect(window.isStuck(1_000 + RELAY_STUCK_MS)).toBe(true);
  window.acknowledge(1, 20_000);
  expect(window.isStuck(1e9)).toBe(false);
});

test('a credit for frames that were never sent is none, and changes nothing', () => {
  const window = new RelayWindow();
  window.offerState(frame(RELAY_STATE, 20, 0, 0));
  window.next(0);
  for (const count of [2, 1_000, 0xffff_ffff]) expect(window.acknowledge(count, 1)).toBe(false);
  expect(window.flightFrames).toBe(1);
  expect(window.acknowledge(1, 1)).toBe(true);
  expect(window.acknowledge(0, 2)).toBe(false);
});

test('frames come back as they were given, control first', () => {
  const window = new RelayWindow();
  const [state, control] = [frame(RELAY_STATE, 20, 0, 0), frame(RELAY_CONTROL, 20, 1, 0)];
  window.offerState(state);
  expect(window.offerControl(control)).toBe(true);
  expect(window.next(0)).toBe(control);
  expect(window.next(0)).toBe(state);
  expect(window.next(0)).toBeUndefined();
});
