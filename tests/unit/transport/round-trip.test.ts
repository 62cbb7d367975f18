/** The rough ping of the public list: what spoils a measurement, and what does not. On a scripted clock. */
import { describe, expect, test, vi } from 'vitest';
import { watchOpenLobbies } from '../../../netcode/platform/open-lobbies.ts';
import { BrokerClient } from '../../../netcode/transport/broker-client.ts';
import { RoundTrip, watchNetworkTime } from '../../../netcode/transport/round-trip.ts';
import type { LobbyWatchEvents } from '../../../netcode/transport/directory.ts';
import type { LobbyListing } from '../../../netcode/wire/lobby-api.ts';

/** A broker so far away, on a clock that goes only while a call is under way. `waits` come on top, call by call. */
function clientWith({ networkMs, waitsMs }: { networkMs: number | undefined; waitsMs: readonly number[] }) {
  let nowMs = 0;
  let calls = 0;
  const watches: string[] = [];
  const stopped: string[] = [];
  let isNoted = (_ms: number): void => undefined;
  const client = new BrokerClient({
    brokerUrl: 'https://play.example',
    nowMs: () => nowMs,
    fetch: async () => {
      nowMs += 20 + (waitsMs[calls++] ?? 0);
      if (networkMs !== undefined) isNoted(networkMs);
      return Response.json({ expiresInMs: 90_000 });
    },
    watchNetworkTime: (path, onTook) => {
      watches.push(path);
      isNoted = onTook;
      return () => stopped.push(path);
    },
  });
  const beat = async (afterMs: number): Promise<number | undefined> => {
    nowMs += afterMs;
    await client.heartbeat('K7QX2M', 'token');
    return client.roundTripMs;
  };
  return { beat, watches, stopped };
}

describe('the round trip to the broker', () => {
  test('is not known before the first call', () => {
    expect(new BrokerClient({ brokerUrl: 'https://play.example' }).roundTripMs).toBeUndefined();
  });

  test('is what the network part of the browser saw, however long the page was busy', async () => {
    const { beat } = clientWith({ networkMs: 18, waitsMs: [350, 900] });
    expect(await beat(0)).toBe(18);
    expect(await beat(30_000)).toBe(18);
  });

  test('without that, is the least of the last calls, and one over an open connection is not forgotten for later ones over new ones', async () => {
    const { beat } = clientWith({ networkMs: undefined, waitsMs: [350, 5, ...Array<number>(20).fill(60)] });
    expect(await beat(0)).toBe(370);
    expect(await beat(10)).toBe(25);
    for (let n = 0; n < 20; n++) expect(await beat(30_000)).toBe(25);
  });

  test('that becomes longer shows after six calls', () => {
    const trip = new RoundTrip();
    for (const ms of [20, 25, 22]) trip.noteNetwork(ms);
    for (let n = 0; n < 5; n++) trip.noteNetwork(90);
    expect(trip.ms).toBe(22);
    trip.noteNetwork(90);
    expect(trip.ms).toBe(90);
  });

  test('is awaited of a few calls only, since it may never be told', async () => {
    const { beat, watches, stopped } = clientWith({ networkMs: undefined, waitsMs: [] });
    for (let n = 0; n < 10; n++) await beat(0);
    expect([watches.length, stopped.length]).toEqual([10, 6]);
  });
});

describe('what the browser notes of a fetch', () => {
  type Noted = Partial<PerformanceResourceTiming>;

  function noting() {
    const observers: { tell: (entries: readonly Noted[]) => void; isOn: boolean }[] = [];
    vi.stubGlobal(
      'PerformanceObserver',
      class {
        readonly #entry: (typeof observers)[number];
        constructor(callback: (list: { getEntries(): readonly Noted[] }) => void) {
          this.#entry = { tell: (entries) => this.#entry.isOn && callback({ getEntries: () => entries }), isOn: false };
          observers.push(this.#entry);
        }
        observe(): void {
          this.#entry.isOn = true;
        }
        disconnect(): void {
          this.#entry.isOn = false;
        }
      },
    );
    const took: number[] = [];
    const stop = watchNetworkTime('/api/config', (ms) => took.push(ms));
    vi.unstubAllGlobals();
    return { took, stop, observer: observers[0]! };
  }

  const entry = (noted: Noted): Noted => ({
    name: 'https://play.example/api/config',
    initiatorType: 'fetch',
    startTime: performance.now() + 1,
    requestStart: 300,
    responseStart: 318,
    ...noted,
  });

  test('is told once, of the right address and of this call', () => {
    const { took, observer } = noting();
    observer.tell([entry({ name: 'https://play.example/other' }), entry({ initiatorType: 'script' }), entry({ startTime: -1 })]);
    expect(took).toEqual([]);
    observer.tell([entry({}), entry({ responseStart: 999 })]);
    expect(took).toEqual([18]);
    expect(observer.isOn).toBe(false);
  });

  test('is not told where another origin keeps it to itself', () => {
    const { took, observer } = noting();
    observer.tell([entry({ requestStart: 0, responseStart: 0 })]);
    expect(took).toEqual([]);
    expect(observer.isOn).toBe(false);
  });

  test('is awaited no longer than wanted', () => {
    const { stop, observer } = noting();
    stop();
    expect(observer.isOn).toBe(false);
  });
});

describe('the list of open lobbies', () => {
  const far = { code: 'K7QX2M', rttMs: 40 } as LobbyListing;
  const unknown = { code: 'AAAAAA', rttMs: 0 } as LobbyListing;

  test('adds the host’s way to ours, measures ours again and again, and tells when it has changed', async () => {
    vi.useFakeTimers();
    const shown: (readonly (number | undefined)[])[] = [];
    const leaving = new AbortController();
    const measuredMs = [370, 12, 12, 30];
    const broker = {
      roundTripMs: undefined as number | undefined,
      stopped: 0,
      getConfig: async () => (broker.roundTripMs = measuredMs.shift() ?? 30),
      watchLobbies: (_: unknown, events: { onLobbies: (lobbies: readonly LobbyListing[]) => void }) => {
        events.onLobbies([far, unknown]);
        return () => (broker.stopped += 1);
      },
    };
    const onLobbies = (lobbies: readonly { pingMs: number | undefined }[]): void => {
      shown.push(lobbies.map(({ pingMs }) => pingMs));
    };
    watchOpenLobbies(broker, {}, { onLobbies }, leaving.signal);
    await vi.advanceTimersByTimeAsync(1);
    expect(shown).toEqual([
      [undefined, undefined],
      [410, undefined],
      [52, undefined],
    ]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(shown).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(shown.slice(3)).toEqual([[70, undefined]]);
    leaving.abort();
    expect([broker.stopped, vi.getTimerCount()]).toEqual([1, 0]);
    vi.useRealTimers();
  });

  test('tells no list before it is known, nor once more after it was lost', async () => {
    vi.useFakeTimers();
    const heard: string[] = [];
    const leaving = new AbortController();
    let events: LobbyWatchEvents | undefined;
    const broker = {
      roundTripMs: 0,
      getConfig: async () => (broker.roundTripMs += 1),
      watchLobbies: (_: unknown, given: LobbyWatchEvents) => {
        events = given;
        return () => undefined;
      },
    };
    const onLobbies = (lobbies: readonly { readonly code: string }[]): void => void heard.push(lobbies.map(({ code }) => code).join());
    watchOpenLobbies(broker, {}, { onLobbies, onLost: (why) => void heard.push(why) }, leaving.signal);
    events?.onLost?.('lost');
    await vi.advanceTimersByTimeAsync(20_001);
    expect(heard).toEqual(['lost']);
    events?.onLobbies([far]);
    events?.onLost?.('lost again');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(heard).toEqual(['lost', 'K7QX2M', 'lost again']);
    leaving.abort();
    vi.useRealTimers();
  });
});
