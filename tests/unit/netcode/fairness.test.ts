/**
 * SPEC.md, FAIR rules: whoever floods the host, sends other inputs for ticks that are over, lives faster than time or says
 * now this and now that of what their screen shows harms nobody, and gains nothing. The cheats are packets made by hand.
 */
import { expect, test } from 'vitest';
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import { Endpoint } from '../../../netcode/channel/endpoint.ts';
import type { PlayerId, Tick } from '../../../netcode/core/ids.ts';
import { Host } from '../../../netcode/host/host.ts';
import { Recorder } from '../../../netcode/host/recording.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { writeInputs } from '../../../netcode/wire/input-packet.ts';
import { readInputReport } from '../../../netcode/wire/input-report.ts';
import { INPUT_PACKET, readPreamble, writePreamble } from '../../../netcode/wire/packet.ts';
import { STATE_INBOX_PACKETS_MAX } from '../../../netcode/transport/transport.ts';
import { skiffGame } from '../../harness/skiff-game.ts';

const PULSE_MS = 4;
const TICK_MS = 1000 / 60;
const TICKS = 600;
const CHEAT = 2 as PlayerId;

/** What one machine sends in a tick. */
type Machine = (seat: Seat, tick: number) => void;

/** A link's end at the host, with an inbox as every link has it, and the hand that fills it. */
class Seat {
  readonly inbox: { readonly bytes: Uint8Array; readonly atMs: number }[] = [];
  nowMs = 0;
  newestTick = 0;
  snapshotBytes = 0;
  /** The tick of the last input that the host reported on. */
  reportedTick = 0;
  /** Inputs that this player truly makes. */
  readonly play: (tick: number) => Int32Array;
  readonly #endpoint = new Endpoint();
  readonly #writer = new BitWriter(1150);

  constructor(play: (tick: number) => Int32Array) {
    this.play = play;
  }

  stateBufferedBytes(lane = 0): number {
    return lane === 0 ? 0 : Infinity;
  }

  openLanes(): void {}

  sendState(bytes: Uint8Array): boolean {
    this.snapshotBytes += bytes.byteLength;
    const reader = new BitReader(bytes);
    readPreamble(reader);
    Endpoint.readHeader(reader);
    this.reportedTick = readInputReport(reader, this.newestTick as Tick)?.tick ?? this.reportedTick;
    return true;
  }

  receiveState(): { readonly bytes: Uint8Array; readonly atMs: number } | undefined {
    return this.inbox.shift();
  }

  /** Makes a packet and lets it arrive, so often. */
  send(newest: number, { times = 1, viewDelayTicks = 8, rowOf = this.play } = {}): void {
    this.newestTick = newest;
    const writer = this.#writer;
    writer.reset();
    writePreamble(writer, INPUT_PACKET, 1);
    this.#endpoint.writeHeader(writer, this.#endpoint.takeSequence(), this.nowMs);
    writeInputs(writer, skiffGame.input, { newest: newest as Tick, count: 8, viewDelayTicks, rowOf });
    const bytes = writer.finish().slice();
    for (let n = 0; n < times; n++) this.push(bytes);
  }

  push(bytes: Uint8Array): void {
    if (this.inbox.length === STATE_INBOX_PACKETS_MAX) this.inbox.shift();
    this.inbox.push({ bytes, atMs: this.nowMs });
  }
}

/** Keeps what became of the others' things, tick by tick. */
class Witness extends Recorder {
  othersHash = 0;
  hash = 0;

  override record(...[tick, step]: Parameters<Recorder['record']>): void {
    this.hash = step.state.hash();
    for (const { data, stride, count } of step.state.tables) {
      for (let row = 0; row < count; row++) {
        if (data[row * stride] === CHEAT) continue;
        for (let i = 0; i < stride; i++) this.othersHash = Math.imul(this.othersHash ^ data[row * stride + i]! ^ tick, 0x01000193);
      }
    }
  }
}

/** Lives four ticks ahead, and sends each tick's packet once. */
const honest: Machine = (seat, tick) => seat.send(tick + 4);

/** A match of three in which the second sits at `machine`. Nobody fires. */
function play(machine: Machine) {
  const recorder = new Witness(skiffGame, 3);
  const host = new Host(skiffGame, { match: 1, seed: 3, nowMs: 0, packetBytesMax: 1150, recorder });
  const seats = [1, 2, 3].map((player) => {
    const seat = new Seat((tick) => Int32Array.of((Math.floor(tick / (17 + player)) % 3) - 1, Math.floor(tick / 31) % 2, 0));
    host.addPlayer(player as PlayerId, new StateChannel(seat));
    return seat;
  });
  const views: number[] = [];
  let tick = 0;
  for (let nowMs = 0; tick < TICKS; nowMs += PULSE_MS) {
    while ((tick + 1) * TICK_MS <= nowMs) {
      tick++;
      seats.forEach((seat, i) => {
        seat.nowMs = nowMs;
        (i + 1 === CHEAT ? machine : honest)(seat, tick);
      });
    }
    host.update(nowMs);
    views.push(host.clients.get(CHEAT)!.viewDelayTicks);
  }
  return {
    views,
    cheat: host.clients.get(CHEAT)!,
    others: [1, 3].map((player) => host.clients.get(player as PlayerId)!),
    snapshotBytes: seats.map((seat) => seat.snapshotBytes),
    reportedTick: seats[CHEAT - 1]!.reportedTick,
    inbox: seats[CHEAT - 1]!.inbox.length,
    ticks: host.tick,
    hash: recorder.hash,
    othersHash: recorder.othersHash,
  };
}

const normal = play(honest);

test('[FAIR1] an honest machine raises no counter', () => {
  const { cheat, others } = normal;
  for (const { inputs, malformedPackets, channel } of [cheat, ...others]) {
    expect([inputs.refusedInputs, inputs.changedInputs, inputs.refusedClaims, malformedPackets, channel.strayPackets]).toEqual([
      0, 0, 0, 0, 0,
    ]);
    expect(inputs.lateInputs).toBeLessThan(8);
  }
});

test('[FAIR2] a flood of copies, or of packets of its own making, changes nothing for the others and is bounded', () => {
  const copies = play((seat, tick) => seat.send(tick + 4, { times: 100 }));
  expect(copies.hash).toBe(normal.hash);
  expect(copies.cheat.channel.strayPackets).toBeGreaterThan(20_000);
  const packets = play((seat, tick) => {
    for (let n = 0; n < 100; n++) seat.send(tick + 4);
  });
  expect(packets.hash).toBe(normal.hash);
  const nonsense = play((seat, tick) => {
    for (let n = 0; n < 100; n++) seat.push(Uint8Array.of(1, n, tick & 255));
    seat.send(tick + 4);
  });
  expect(nonsense.cheat.channel.strayPackets + nonsense.cheat.channel.malformedPackets).toBeGreaterThan(20_000);
  // The third floods its own inputs away, and nobody else's.
  for (const { others, othersHash, inbox, ticks, snapshotBytes } of [copies, packets, nonsense]) {
    expect(othersHash).toBe(normal.othersHash);
    expect(inbox).toBeLessThanOrEqual(STATE_INBOX_PACKETS_MAX);
    expect(ticks).toBe(normal.ticks);
    expect(others.map(({ inputs }) => inputs.lateInputs)).toEqual(normal.others.map(({ inputs }) => inputs.lateInputs));
    for (const seat of [0, 2]) expect(Math.abs(snapshotBytes[seat]! / normal.snapshotBytes[seat]! - 1)).toBeLessThan(0.1);
  }
});

test('[FAIR3] other inputs for ticks that are over, or that were told already, are counted and change nothing', () => {
  const rewound = play((seat, tick) => {
    seat.send(tick + 4);
    seat.send(tick + 4, { rowOf: () => Int32Array.of(-1, 1, 1) });
    seat.send(tick - 10, { rowOf: () => Int32Array.of(1, 1, 1) });
    seat.send(tick - 200, { rowOf: () => Int32Array.of(1, 1, 1) });
  });
  expect(rewound.hash).toBe(normal.hash);
  expect(rewound.cheat.inputs.changedInputs).toBeGreaterThan(5000);
});

test('[FAIR4] a clock that runs fast gains nothing: a tick takes one input, and those too far ahead are refused', () => {
  const fast = play((seat, tick) => seat.send(tick * 2, { rowOf: (at) => seat.play(at) }));
  expect(fast.cheat.inputs.refusedInputs).toBeGreaterThan(3000);
  // Each tick has had its own input, and no other: as long as there was one, it is the honest match.
  const ahead = play((seat, tick) => seat.send(tick + 80));
  expect(ahead.cheat.inputs.refusedInputs).toBe(0);
  expect(ahead.ticks).toBe(normal.ticks);
  expect(fast.ticks).toBe(normal.ticks);
  for (const { others, othersHash } of [fast, ahead]) {
    expect(othersHash).toBe(normal.othersHash);
    expect(others.map(({ inputs }) => inputs.lateInputs)).toEqual(normal.others.map(({ inputs }) => inputs.lateInputs));
  }
  // After the refused ones the host still listens: what comes for the right ticks counts, and is reported.
  const repentant = play((seat, tick) => (tick < 300 ? seat.send(tick + 20_000) : honest(seat, tick)));
  expect(repentant.cheat.inputs.refusedInputs).toBeGreaterThan(2000);
  expect(repentant.cheat.inputs.lateInputs).toBeLessThan(310);
  expect(repentant.reportedTick).toBe(normal.reportedTick);
});

test('[FAIR5] a claim of what the screen shows that leaps from tick to tick is not followed, and is counted', () => {
  const leaping = play((seat, tick) => seat.send(tick + 4, { viewDelayTicks: tick % 2 === 0 ? 4 : 20 }));
  expect(leaping.hash).toBe(normal.hash);
  expect(leaping.cheat.inputs.refusedClaims).toBeGreaterThan(250);
  const settled = leaping.views.slice(leaping.views.length / 8);
  const steps = settled.slice(1).map((view, i) => Math.abs(view - settled[i]!));
  // Two leaps in ten seconds are believed.
  expect(steps.filter((step) => step > 0.5).length).toBeLessThanOrEqual(2);
  expect(Math.max(...normal.views.slice(100)) - Math.min(...normal.views.slice(100))).toBe(0);
});
