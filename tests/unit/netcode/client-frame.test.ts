/**
 * A client's frame against a real host over two wires that lose and hold back exactly what a test says: what the parts do
 * together that none of them does alone.
 */
import { expect, test } from 'vitest';
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { StateLink } from '../../../netcode/channel/state-link.ts';
import { Client } from '../../../netcode/client/client.ts';
import { type PlayerId } from '../../../netcode/core/ids.ts';
import { bool, defineGame, event, float, u8 } from '../../../netcode/index.ts';
import { PREDICTED_TICKS_MAX } from '../../../netcode/client/prediction.ts';
import { Host } from '../../../netcode/host/host.ts';
import type { Received } from '../../../netcode/transport/transport.ts';
import { sharpest } from '../../harness/draw-screen.ts';

const ME = 1 as PlayerId;
const OTHER = 2 as PlayerId;
const PUMP_MS = 4;
const TICK_MS = 1000 / 60;
const PACKET_BYTES_MAX = 1150;

interface Step {
  readonly tick: number;
  readonly isAuthority: boolean;
  readonly isFirstTime: boolean;
}
interface Ship {
  x: number;
}

/** What a rig's rules do besides moving ships. */
interface Rules {
  /** Where the thing is that belongs to nobody. */
  markAt: (tick: number) => number;
  ship?: (ship: Ship, step: Step) => void;
  /** Where a ship's player saw the thing here, and whether it would be known of somebody else. */
  saw?: (x: number, step: Step, isOtherKnown: boolean) => void;
}

const gameOf = (rules: Rules) =>
  defineGame({
    id: 'rig',
    version: 1,
    sendRate: 60,
    input: { go: bool(), fire: event() },
    entities: {
      ship: { x: float({ min: 0, max: 4096, step: 1 / 64 }), shots: u8() },
      mark: { x: float({ min: 0, max: 16_384, step: 1 / 64 }) },
    },
    events: { fired: {}, told: {} },
    onStart: (world) => world.spawn('mark', { x: rules.markAt(0) }),
    onJoin: (world, player) => world.spawn('ship', { owner: player, x: 100 }),
    step(world, inputs, context) {
      for (const mark of world.all('mark')) mark.x = rules.markAt(context.tick);
      for (const ship of world.all('ship')) {
        const { go, fire } = inputs.of(ship.owner);
        if (go) ship.x += 2;
        rules.ship?.(ship, context);
        if (rules.saw !== undefined) {
          for (const seen of world.seenBy(ship.owner).all('mark')) rules.saw(seen.x, context, world.seenBy(OTHER).isKnown);
        }
        if (!fire) continue;
        ship.shots += 1;
        context.emit('fired', {}, { by: ship.owner });
      }
      if (context.tick % 30 === 0) context.emit('told', {});
    },
  });

/** One direction: each packet comes after what `delayMs` says when it is sent; undefined loses it. */
class Wire {
  delayMs: (nowMs: number, count: number) => number | undefined;
  copies = 1;
  /** What waits in the browser. */
  bufferedBytes = 0;
  sent = 0;
  #waiting: Received[] = [];

  constructor(delayMs: number) {
    this.delayMs = () => delayMs;
  }

  push(bytes: Uint8Array, nowMs: number): boolean {
    const delayMs = this.delayMs(nowMs, this.sent++);
    if (delayMs === undefined) return true;
    for (let n = 0; n < this.copies; n++) this.#waiting.push({ bytes: bytes.slice(), atMs: nowMs + delayMs });
    this.#waiting.sort((a, b) => a.atMs - b.atMs);
    return true;
  }

  pull(nowMs: number): Received | undefined {
    return this.#waiting[0] !== undefined && this.#waiting[0].atMs <= nowMs ? this.#waiting.shift() : undefined;
  }
}

class Rig {
  nowMs = 0;
  readonly up = new Wire(50);
  readonly down = new Wire(50);
  readonly host: Host;
  readonly channel: StateChannel;
  readonly client: Client;
  readonly log: { readonly what: string; readonly tick: number; readonly pastTick: number }[] = [];
  /** What a step costs here; the machine does nothing else meanwhile. */
  stepMs = 0;
  busyUntilMs = 0;

  constructor(rules: Rules = { markAt: () => 50 }) {
    const work = (thing: Ship, step: Step): void => {
      if (this.stepMs > 0) this.busyUntilMs = Math.max(this.nowMs, this.busyUntilMs) + this.stepMs;
      rules.ship?.(thing, step);
    };
    const linkOf = (out: Wire, back: Wire): StateLink => ({
      stateBufferedBytes: (lane = 0) => (lane === 0 ? out.bufferedBytes : Infinity),
      openLanes: () => undefined,
      sendState: (bytes) => out.push(bytes, this.nowMs),
      receiveState: () => back.pull(this.nowMs),
    });
    this.host = new Host(gameOf(rules), { match: 1, seed: 1, nowMs: 0, packetBytesMax: PACKET_BYTES_MAX });
    this.channel = new StateChannel(linkOf(this.up, this.down));
    this.client = new Client(gameOf({ ...rules, ship: work }), {
      channel: this.channel,
      player: ME,
      match: 1,
      seed: 1,
      joinTick: this.host.addPlayer(ME, new StateChannel(linkOf(this.down, this.up))),
      rttMs: 100,
      onEvent: ({ type, tick }, isPredicted) => this.#say(`${['fired', 'told'][type]}${isPredicted ? ', predicted' : ''}`, tick),
      onRetract: ({ tick }) => this.#say('retracted', tick),
      measureMs: () => Math.max(this.nowMs, this.busyUntilMs),
    });
  }

  #say(what: string, tick: number): void {
    this.log.push({ what, tick, pastTick: this.client.pastTick! });
  }

  get stats() {
    return this.client.stats(this.nowMs);
  }

  get inputs() {
    return this.host.clients.get(ME)!.inputs;
  }

  /** The host's clock, in ticks. */
  get hostTick(): number {
    return this.nowMs / TICK_MS;
  }

  /** Pulses both for so long, the client every `everyMs` only. */
  run(ms: number, { everyMs = PUMP_MS, look = (): void => undefined } = {}): void {
    let dueMs = this.nowMs + everyMs;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nowMs + PUMP_MS);
      this.host.update(this.nowMs);
      if (this.nowMs < dueMs || this.nowMs < this.busyUntilMs) continue;
      dueMs = Math.max(dueMs + everyMs, this.nowMs);
      this.client.update(this.nowMs);
      look();
    }
  }

  /** The page hangs. */
  hang(ms: number): void {
    this.run(ms, { everyMs: Infinity });
  }

  /** Where that thing was drawn, frame by frame. */
  draw(ms: number, kind: 'ship' | 'mark', look = (): void => undefined): number[] {
    const path: number[] = [];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.run(TICK_MS);
      if (this.nowMs < this.busyUntilMs) continue;
      path.push(this.client.view(this.nowMs).find((entity) => entity.kind === kind)!['x'] as number);
      look();
    }
    return path;
  }

  /** What was heard of shots. */
  get shots(): string[] {
    return this.log.filter(({ what }) => what !== 'told').map(({ what }) => what);
  }
}

/** The host moves ships in such ticks by 20, and nobody foresees it. */
const pushing = (isPushed: (tick: number) => boolean): Rules => ({
  markAt: () => 0,
  ship: (ship, { tick, isAuthority }) => {
    if (isAuthority && isPushed(tick)) ship.x += 20;
  },
});

test('[DRAW8] what went on by guess and was wrong bends to the truth', () => {
  // It stops where packets are lost for 200 ms.
  const rig = new Rig({ markAt: (tick) => 4 * Math.min(tick, 185) });
  rig.down.delayMs = (nowMs) => (nowMs > 3000 && nowMs < 3200 ? undefined : 50);
  rig.run(2000);
  const path = rig.draw(2500, 'mark');
  expect(Math.max(...path)).toBeGreaterThan(4 * 185 + 10);
  expect(sharpest(path)).toBeLessThan(0.0783 * 40 + 0.56 * 4);
  expect(path.at(-1)).toBeCloseTo(4 * 185, 1);
});

test('[DRAW1] what the host did to the own thing unforeseen bends to the truth, drawn at any fraction of a tick', () => {
  const rig = new Rig(pushing((tick) => tick === 150));
  rig.client.setInput({ go: true });
  rig.run(2000);
  const path = rig.draw(1500, 'ship');
  expect(sharpest(path)).toBeLessThan(0.0783 * 20 + 0.2);
  expect(path.at(-1)! - path[0]!).toBeCloseTo(2 * (path.length - 1) + 20, 0);
});

test('[TIME3] packets count as of when they came, however seldom the page looks', () => {
  const [often, seldom] = [new Rig(), new Rig()];
  often.run(5000);
  seldom.run(5000, { everyMs: 48 });
  expect(seldom.stats.interpolationDelayMs).toBeCloseTo(often.stats.interpolationDelayMs, 0);
  expect(seldom.stats.jitterMs).toBeCloseTo(often.stats.jitterMs, 0);
});

for (const [name, changedMs] of Object.entries({ slower: 150, faster: 10 })) {
  test(`[TIME9] a way down that gets ${name} moves the present not at all, and what is drawn by that`, () => {
    const rig = new Rig();
    const watch = (ms: number): { ahead: number[]; behind: number[] } => {
      const seen = { ahead: [] as number[], behind: [] as number[] };
      rig.run(ms, {
        look: () => {
          seen.ahead.push(rig.client.presentTick! - rig.hostTick);
          seen.behind.push(rig.hostTick - rig.client.pastTick!);
        },
      });
      return seen;
    };
    rig.run(6000);
    const before = watch(100);
    const late = rig.inputs.lateInputs;
    rig.down.delayMs = () => changedMs;
    const during = watch(10_000);
    expect(Math.max(...during.ahead.map((ticks) => Math.abs(ticks - before.ahead[0]!)))).toBeLessThan(0.6);
    expect(rig.inputs.lateInputs).toBe(late);
    const moved = (changedMs - 50) / TICK_MS;
    expect(during.behind.at(-1)! - before.behind[0]!).toBeCloseTo(moved, 0);
    // For a moment the longer way looks like a queue, and snapshots become rarer.
    expect(Math.max(...during.behind)).toBeLessThan(before.behind[0]! + Math.max(0, moved) + 2);
    expect(rig.stats.clockSnaps).toBe(0);
  });
}

test('[SNAP2] a packet that another has overtaken takes nothing back', () => {
  const rig = new Rig({ markAt: (tick) => tick });
  rig.down.delayMs = (_, count) => (count % 3 === 0 ? 90 : 50);
  rig.run(3000);
  const path = rig.draw(1000, 'mark', () => expect(rig.hostTick - rig.stats.hostTick).toBeLessThan(90 / TICK_MS));
  expect(sharpest(path)).toBeLessThan(0.3);
});

test('[ACK3] what comes twice is taken once', () => {
  const rig = new Rig();
  rig.down.copies = 2;
  rig.run(2000);
  expect(rig.stats.snapshotsPerSecond).toBeLessThan(61);
  expect(rig.channel.strayPackets).toBeGreaterThan(100);
});

for (const hangMs of [150, 500, 1500]) {
  test(`[TIME8] after the page hung for ${hangMs} ms now and then the lead is what it was, and what is held is held`, () => {
    const rig = new Rig();
    rig.client.setInput({ go: true });
    rig.run(5000);
    const { inputLeadMs, corrections } = rig.stats;
    for (let n = 0; n < 6; n++) {
      rig.hang(hangMs);
      rig.run(300);
    }
    expect(Math.abs(rig.stats.inputLeadMs - inputLeadMs)).toBeLessThan(3);
    expect(rig.stats.corrections).toBe(corrections);
  });
}

test('[EVT1] what happened to others shows when its tick is drawn', () => {
  const rig = new Rig();
  rig.run(4000);
  const told = rig.log.filter(({ what }) => what === 'told').slice(1);
  for (const { tick, pastTick } of told) expect(Math.abs(pastTick - tick - 0.25)).toBeLessThanOrEqual(0.25);
});

test('[PRED2] what is pressed while the host is not heard for long counts when it is heard again', () => {
  const rig = new Rig();
  rig.client.setInput({ go: true });
  rig.run(2000);
  const ahead = rig.draw(10, 'ship')[0]! - 2 * rig.client.presentTick!;
  rig.up.delayMs = rig.down.delayMs = () => undefined;
  rig.run(2500);
  // A second after the newest snapshot the own thing stands.
  const path = rig.draw(200, 'ship');
  expect(path[0]).toBeCloseTo(ahead + 2 * (rig.stats.hostTick + PREDICTED_TICKS_MAX), 6);
  expect(path.at(-1)).toBe(path[0]);
  rig.client.setInput({ fire: true });
  rig.run(1500);
  expect(rig.shots).toEqual([]);
  const { sent } = rig.up;
  rig.run(1000);
  expect(Math.abs(rig.up.sent - sent - 10)).toBeLessThanOrEqual(1);
  rig.up.delayMs = rig.down.delayMs = () => 50;
  rig.run(1500);
  expect(rig.shots).toEqual(['fired, predicted']);
});

test('[PRED3] nothing is sent while the last packet waits in the browser, and what was pressed comes with the next', () => {
  const rig = new Rig();
  rig.run(2000);
  rig.up.bufferedBytes = 100;
  rig.client.setInput({ fire: true });
  const { sent } = rig.up;
  rig.run(60);
  expect(rig.up.sent).toBe(sent);
  rig.up.bufferedBytes = 0;
  rig.run(1000);
  expect(rig.shots).toEqual(['fired, predicted']);
});

test('[SEEN1] a predicted shot is judged by what the host will judge it by, in every replay of its tick', () => {
  const host = new Map<number, number>();
  const here = new Map<number, Set<number>>();
  const rig = new Rig({
    markAt: (tick) => 3 * tick,
    saw: (x, { tick, isAuthority }, isOtherKnown) => {
      expect(isOtherKnown).toBe(isAuthority);
      if (isAuthority) host.set(tick, x);
      else here.set(tick, (here.get(tick) ?? new Set()).add(x));
    },
  });
  rig.run(2000);
  const from = Math.ceil(rig.client.presentTick! + 2);
  // The view delay grows meanwhile.
  rig.down.delayMs = () => 90;
  rig.draw(1500, 'mark');
  for (let tick = from; tick < from + 60; tick++) {
    const seen = [...here.get(tick)!];
    // Within a sixteenth of a tick, in which view delays are told, and a step.
    for (const x of seen) expect(Math.abs(x - host.get(tick)!)).toBeLessThan(3 / 16 + 1 / 32);
    expect(host.get(tick)).toBeLessThan(3 * (tick - 6));
  }
});

test('[LOAD2] a machine that is a little too slow replays in slices with rests, and does not give up', () => {
  const rig = new Rig();
  rig.run(3000);
  rig.stepMs = 1;
  rig.hang(500);
  let [longestMs, busyMs] = [0, 0];
  rig.run(6000, {
    look: () => {
      const spentMs = Math.max(0, rig.busyUntilMs - rig.nowMs);
      longestMs = Math.max(longestMs, spentMs);
      busyMs += spentMs;
    },
  });
  expect(rig.stats).toMatchObject({ isPredicting: true, overloads: 0 });
  expect(longestMs).toBeLessThan(6 + 6 * 1);
  expect(busyMs / 6000).toBeLessThan(0.6);
  expect(rig.client.presentTick! - rig.stats.tick).toBeLessThan(1.1);
});

test('[PRED3] next to the host, too, what the host says replaces what was predicted', () => {
  for (const delayMs of [0, 4, 8, 12]) {
    const rig = new Rig(pushing((tick) => tick === 150));
    rig.up.delayMs = rig.down.delayMs = () => delayMs;
    rig.run(4000);
    expect(rig.draw(20, 'ship').at(-1)).toBe(120);
    expect(rig.stats.corrections).toBe(1);
  }
});

for (const stepMs of [0.6, 0.9, 1.2]) {
  test(`[LOAD2] what a machine draws that replays in slices is of one world, at ${stepMs} ms a step`, () => {
    const rig = new Rig(pushing((tick) => tick % 60 === 0));
    rig.up.delayMs = rig.down.delayMs = () => 100;
    rig.client.setInput({ go: true });
    rig.run(3000);
    rig.stepMs = stepMs;
    const alone: number[] = [];
    const path = rig.draw(4000, 'ship', () => alone.push(rig.client.presentTick! * 2));
    expect(rig.stats).toMatchObject({ isPredicting: true, overloads: 0 });
    expect(sharpest(path.map((x, n) => x - alone[n]!))).toBeLessThan(0.0783 * 20 * 3);
  });
}

test('[PRED7] what was pressed while prediction was given up shows once, and does not come again with it', () => {
  const rig = new Rig();
  rig.run(3000);
  rig.stepMs = 60;
  while (rig.stats.isPredicting) rig.run(TICK_MS);
  rig.stepMs = 0;
  rig.run(300);
  rig.client.setInput({ fire: true });
  rig.run(7000);
  expect(rig.stats).toMatchObject({ isPredicting: true, overloads: 1 });
  expect(rig.shots).toEqual(['fired']);
});
