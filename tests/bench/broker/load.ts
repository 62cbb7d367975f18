/**
 * The load generator: a process of its own, so that what it costs is not counted as the broker's. It does what it is told, one
 * order at a time, and answers each with figures.
 */
import { JoiningPair } from './joins.ts';
import { LoadClient, maskedFrame } from './load-client.ts';

/** As PeerJS sends it. */
const HEARTBEAT_EVERY_MS = 5_000;
const TICK_MS = 10;
const HEARTBEAT = { type: 'HEARTBEAT' };
/** A join that has not ended by then never will. */
const SETTLE_TIMEOUT_MS = 20_000;

export type Order =
  /** `atOnce`: connections that wait for their OPEN at any moment. */
  | { readonly do: 'connect'; readonly port: number; readonly clients: number; readonly atOnce: number }
  /** Everybody connected sends heartbeats for so long. */
  | { readonly do: 'beat'; readonly seconds: number }
  /** Guests are connected to `ports[i]`, their hosts to the next one; with one port both to it. */
  | { readonly do: 'pair'; readonly ports: readonly number[]; readonly pairs: number }
  /** Joins as fast as they go, so many at once. */
  | { readonly do: 'flood'; readonly seconds: number; readonly atOnce: number }
  /** Joins at a rate. */
  | { readonly do: 'pace'; readonly seconds: number; readonly perSecond: number }
  | { readonly do: 'disconnect' };

/** How often something was done, and how long it took each time. */
export interface Done {
  readonly times: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What was begun and did not come to its end. */
  readonly failed: number;
  /** The generator's own processor time, as a share of a core: near 1, and the figures are its own. */
  readonly busy: number;
}

export type Reply = { readonly done: Done } | { readonly error: string };

class Load {
  #clients: LoadClient[] = [];
  #pairs: JoiningPair[] = [];

  obey(order: Order): Promise<Done> {
    switch (order.do) {
      case 'connect':
        return this.#connect(order.port, order);
      case 'beat':
        return this.#beat(order.seconds);
      case 'pair':
        return this.#pair(order.ports, order.pairs);
      case 'flood':
        return this.#flood(order);
      case 'pace':
        return this.#pace(order);
      case 'disconnect':
        return this.#disconnect();
    }
  }

  async #connect(port: number, { clients, atOnce }: { readonly clients: number; readonly atOnce: number }): Promise<Done> {
    const took = stopwatch();
    const times: number[] = [];
    let left = clients;
    const work = async (): Promise<void> => {
      while (left-- > 0) {
        const client = new LoadClient(port);
        this.#clients.push(client);
        await client.opened.then((ms) => times.push(ms)).catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return took(times, clients - times.length);
  }

  /** Spread evenly, as those of people who came at different times are. */
  async #beat(seconds: number): Promise<Done> {
    const took = stopwatch();
    const frame = maskedFrame(HEARTBEAT);
    const endsAtMs = performance.now() + seconds * 1000;
    const startedAtMs = performance.now();
    let sent = 0;
    while (performance.now() < endsAtMs) {
      const due = ((performance.now() - startedAtMs) / HEARTBEAT_EVERY_MS) * this.#clients.length;
      for (; sent < due; sent++) this.#clients[sent % this.#clients.length]!.send(frame);
      await pause(TICK_MS);
    }
    const lost = this.#clients.filter(({ isOpen }) => !isOpen).length;
    return { ...took([], lost), times: sent };
  }

  async #pair(ports: readonly number[], pairs: number): Promise<Done> {
    const took = stopwatch();
    const portOf = (i: number): number => ports[i % ports.length]!;
    const made = Array.from({ length: pairs }, async (_, i) => {
      const [guest, host] = [new LoadClient(portOf(i)), new LoadClient(portOf(i + 1))];
      await Promise.all([guest.opened, host.opened]);
      return new JoiningPair(guest, host);
    });
    this.#pairs = await Promise.all(made);
    return took([], 0);
  }

  async #flood({ seconds, atOnce }: { readonly seconds: number; readonly atOnce: number }): Promise<Done> {
    const took = stopwatch();
    const times: number[] = [];
    let isOver = false;
    // A pair that is done waits until all others had their turn.
    const idle = [...this.#pairs];
    for (const pair of this.#pairs) {
      pair.onJoined = (ms): void => {
        times.push(ms);
        idle.push(pair);
        if (!isOver) idle.shift()!.start();
      };
    }
    for (const pair of idle.splice(0, atOnce)) pair.start();
    await pause(seconds * 1000);
    isOver = true;
    const failed = await this.#settle();
    return took(times, failed);
  }

  async #pace({ seconds, perSecond }: { readonly seconds: number; readonly perSecond: number }): Promise<Done> {
    const took = stopwatch();
    const times: number[] = [];
    const idle = [...this.#pairs];
    for (const pair of this.#pairs) {
      pair.onJoined = (ms): void => {
        times.push(ms);
        idle.push(pair);
      };
    }
    const startedAtMs = performance.now();
    let skipped = 0;
    for (let begun = 0; begun < seconds * perSecond;) {
      const due = Math.min(seconds, (performance.now() - startedAtMs) / 1000) * perSecond;
      for (; begun < due; begun++) {
        const pair = idle.shift();
        if (pair === undefined) skipped++;
        else pair.start();
        // One at a time: guests come by themselves, not in handfuls.
        if (begun + 1 < due) await new Promise((done) => setImmediate(done));
      }
      await pause(1);
    }
    return took(times, skipped + (await this.#settle()));
  }

  /** How many joins were not finished in time. */
  async #settle(): Promise<number> {
    const giveUpAtMs = performance.now() + SETTLE_TIMEOUT_MS;
    while (performance.now() < giveUpAtMs && this.#pairs.some(({ isJoining }) => isJoining)) await pause(1);
    return this.#pairs.filter(({ isJoining }) => isJoining).length;
  }

  async #disconnect(): Promise<Done> {
    const took = stopwatch();
    for (const client of this.#clients) client.close();
    for (const pair of this.#pairs) pair.close();
    this.#clients = [];
    this.#pairs = [];
    await pause(TICK_MS);
    return took([], 0);
  }
}

/** Measures from now until what it returns is called. */
function stopwatch(): (times: readonly number[], failed: number) => Done {
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  return (times, failed) => {
    const elapsedMs = performance.now() - startedAtMs;
    const { user, system } = process.cpuUsage(before);
    const sorted = times.toSorted((a, b) => a - b);
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
    const seconds = elapsedMs / 1000;
    return { times: times.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99), failed, busy: (user + system) / 1e6 / seconds };
  };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** What the load generator's process runs. It ends with its parent. */
export function brokerLoad(): void {
  const load = new Load();
  process.on('message', (order: Order) => {
    load.obey(order).then(
      (done) => process.send?.({ done } satisfies Reply),
      (error: unknown) => process.send?.({ error: String(error) } satisfies Reply),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
