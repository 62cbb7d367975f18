/** What the WAN bench computes from logs: the packets' fates, ages, rows and judgements. The networks themselves need root and minutes. */
import { describe, expect, it } from 'vitest';
import { agesOf, quantile } from '../../bench/sctp/age.ts';
import { deliveriesOf, INPUT, SNAPSHOT, streamOf, timesOf, waitingOf } from '../../bench/wan/deliveries.ts';
import type { MatchResult } from '../../bench/wan/match.ts';
import { packetHash } from '../../bench/wan/packet-hash.ts';
import { planOf } from '../../bench/wan/plan.ts';
import type { Packet } from '../../bench/wan/player.ts';
import { playerLogOf, RECORDER_SCRIPT } from '../../bench/wan/recorder.ts';
import { formatMatch, formatTargets } from '../../bench/wan/report.ts';
import { rowsOf } from '../../bench/wan/rows.ts';
import type { StreamKind } from '../../bench/wan/stream-kinds.ts';
import type { StreamResult } from '../../bench/wan/stream-lane.ts';
import { isMet, targetsOf } from '../../bench/wan/targets.ts';

const packet = (hash: number, atMs: number, more: Partial<Packet> = {}): Packet => ({
  ...{ hash, atMs, bytes: 100, type: SNAPSHOT, waiting: 0, channel: 0 },
  ...more,
});

describe('packet hashes', () => {
  it('differ with every bit, and are whole numbers', () => {
    const hashes = new Set<number>();
    for (let bit = 0; bit < 400; bit++) {
      const bytes = new Uint8Array(50);
      bytes[bit >> 3] = 1 << (bit & 7);
      hashes.add(packetHash(bytes));
    }
    expect(hashes.size).toBe(400);
    expect([...hashes].every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
  });

  it('differ among many packets that count up', () => {
    const hashes = new Set(Array.from({ length: 100_000 }, (_, n) => packetHash(Uint8Array.of(2, n & 255, n >> 8, n >> 16, 7))));
    expect(hashes.size).toBe(100_000);
  });
});

describe('deliveries', () => {
  const sent = [packet(1, 1000), packet(2, 1016, { type: INPUT }), packet(3, 1033), packet(4, 1050)];

  it('join what came with what went, of one type, in order of arrival', () => {
    const received = [packet(3, 1090), packet(2, 1091, { type: INPUT }), packet(1, 1095), packet(99, 1096)];
    expect(timesOf(deliveriesOf(sent, received, SNAPSHOT))).toEqual([1033, 1090, 1000, 1095]);
    expect(timesOf(deliveriesOf(sent, received, INPUT))).toEqual([1016, 1091]);
  });

  it('count a packet that was sent twice from the first time', () => {
    expect(timesOf(deliveriesOf([...sent, packet(1, 1060)], [packet(1, 1100)], SNAPSHOT))).toEqual([1000, 1100]);
  });

  it('give ages: what overtakes makes the state younger, what is overtaken changes nothing', () => {
    const times = timesOf(deliveriesOf(sent, [packet(3, 1090), packet(1, 1095), packet(4, 1150)], SNAPSHOT));
    const { sorted } = agesOf(times, { fromMs: 1090, toMs: 1170 });
    expect([sorted[0], sorted.at(-1)]).toEqual([57, 116]);
    expect(quantile(sorted, 0.5)).toBe(97);
  });

  it('tell how much waited: one packet is what was just sent', () => {
    const log = [packet(1, 0, { waiting: 100 }), packet(2, 1, { waiting: 205, bytes: 105 }), packet(3, 2, { waiting: 5, bytes: 5 })];
    expect(waitingOf(log)).toEqual({ bytesMax: 205, sends: 1 });
    expect(waitingOf([])).toEqual({ bytesMax: 0, sends: 0 });
  });

  it('tell how many there were, and how large', () => {
    expect(streamOf([packet(1, 0), packet(2, 1, { bytes: 200 })], 4)).toEqual({ perSecond: 0.5, bytesMean: 150 });
    expect(streamOf([], 4)).toEqual({ perSecond: 0, bytesMean: 0 });
  });
});

describe('the recorder', () => {
  it('hands over flat logs', () => {
    const log = playerLogOf({ sent: [1.5, 77, 10, 2, 10, 1, 2.5, 78, 11, 1, 0, 0], received: [], jankMs: null });
    expect(log.sent).toEqual([
      { atMs: 1.5, hash: 77, bytes: 10, type: 2, waiting: 10, channel: 1 },
      { atMs: 2.5, hash: 78, bytes: 11, type: 1, waiting: 0, channel: 0 },
    ]);
    expect(log.jankMs).toBeNaN();
  });

  it('refers to nothing outside itself', () => {
    // Names that only this module knows would be undefined in a page.
    expect(RECORDER_SCRIPT).not.toMatch(/NUMBERS_A_PACKET|playerLogOf|import/);
  });
});

const counters = {
  ...{ packets: 100, bytes: 10_000, lost: 5, lostInOutage: 0, lostInQueue: 0, delivered: 95, late: 0 },
  ...{ queueMsMax: 40, queueMsP50: 1, queueMsP95: 20, queueMsStanding: 2 },
};
const wire = { a: counters, b: counters };

/** Ages that are the same at all quantiles. */
const agesAt = (ms: number) => ({ sorted: Float64Array.from({ length: 1000 }, () => ms), gaps: 0, gapMsMax: 0 });
const direction = (ms: number, perSecond = 60) => ({ ages: agesAt(ms), arrived: { perSecond, bytesMean: 90 }, freshAfterMs: 250 });

function matchOf(profile: MatchResult['plan']['profile'], states: readonly number[], rates: readonly number[] = []): MatchResult {
  return {
    plan: { profile, seed: 1, seconds: 30, players: states.length > 1 ? 8 : 2, pair: ['chromium', 'chromium'], crowd: 'chromium' },
    host: { sent: { perSecond: 60, bytesMean: 90 }, waiting: { bytesMax: 90, sends: 0 }, jankMs: 3, stats: {} },
    guests: states.map((ms, n) => ({
      ...{
        name: `guest ${n}`,
        state: direction(ms, rates[n]),
        input: direction(70),
        waiting: { bytesMax: 20, sends: 0 },
        jankMs: 4,
        stats: {},
      },
    })),
    ...{ wire, wireSeconds: 30, cpu: { busy: 0.5, stolen: 0 } },
  };
}

const streamAt = (kind: StreamKind, ms: number): StreamResult => ({
  cell: { profile: 'loss-5', kind, payload: 'game', bytes: 90, seconds: 30, seed: 1 },
  ...{ ages: agesAt(ms), sentPerSecond: 60, bytesMean: 90, waitingMax: 90, jankMs: 3, freshAfterMs: undefined, wire, wireSeconds: 33 },
});

function judge(match: MatchResult, streams: readonly StreamResult[]): Record<string, boolean> {
  return Object.fromEntries(targetsOf(match, rowsOf(match, streams)).map((target) => [target.what, isMet(target)]));
}

describe('targets', () => {
  it('5 % loss: as a multiple of the ideal, and others as a multiple of ours', () => {
    const streams = [streamAt('ideal', 80), streamAt('websocket', 210), streamAt('peerjs-reliable', 190)];
    expect(judge(matchOf('loss-5', [100]), streams)).toEqual({
      'sends that left more than one packet waiting': true,
      "p99 of states, as a multiple of the ideal's": true,
      'p99 of the WebSocket, as a multiple of ours': true,
      'p99 of the reliable connection, as a multiple of ours': false,
    });
    expect(judge(matchOf('loss-5', [101]), streams)["p99 of states, as a multiple of the ideal's"]).toBe(false);
  });

  it('judge nothing by a stream that was not sent', () => {
    expect(Object.keys(judge(matchOf('loss-5', [100]), []))).toEqual(['sends that left more than one packet waiting']);
  });

  it('15 % in bursts: absolute figures too', () => {
    const judged = judge(matchOf('bursts-15', [201]), [streamAt('ideal', 180)]);
    expect(judged["p99 of states, as a multiple of the ideal's"]).toBe(true);
    expect(judged['p99 of states, ms']).toBe(false);
    expect(judged['p99.9 of states, ms']).toBe(true);
  });

  it('an outage that no fresh state followed is no pass', () => {
    const match = matchOf('outage', [60]);
    const [guest] = match.guests;
    const never = { ...match, guests: [{ ...guest!, state: { ...guest!.state, freshAfterMs: undefined } }] };
    expect(judge(match, [])["states fresh again after the path's return, ms"]).toBe(true);
    expect(judge(never, [])["states fresh again after the path's return, ms"]).toBe(false);
  });

  it('several guests: nobody far behind the one in the middle', () => {
    const fair = judge(matchOf('uplink-1000', [100, 110, 120]), []);
    expect(Object.values(fair)).toEqual([true, true, true]);
    const late = judge(matchOf('uplink-1000', [100, 110, 230]), []);
    expect(late["p99 of the worst guest's states, as a multiple of the median guest's"]).toBe(false);
    const starved = judge(matchOf('uplink-1000', [100, 110, 120], [60, 60, 20]), []);
    expect(starved["least snapshots a second, as a multiple of the median guest's"]).toBe(false);
  });
});

describe('the report', () => {
  it('has a row for each stream, a table of guests if there are several, and a verdict', () => {
    const match = matchOf('loss-5', [100, 110]);
    const rows = rowsOf(match, [streamAt('ideal', 80), streamAt('websocket', 150)]);
    const text = formatMatch('loss-5', match, rows);
    expect(text).toMatch(/^state +90 +60\.0 +100 +100 +100 +100 +100 +1\.25 /m);
    expect(text).toMatch(/^websocket +90 /m);
    expect(text).toMatch(/^guest 1 /m);
    const verdict = formatTargets([{ name: 'loss-5', targets: targetsOf(match, rows) }]);
    expect(verdict).toMatch(/FAIL +1\.50 +at least 2/);
    expect(verdict).toContain('0 of 1 matches met all');
  });

  it('does without a match, or without streams', () => {
    expect(formatMatch('loss-5', undefined, rowsOf(undefined, [streamAt('ideal', 80)]))).toContain('ideal');
    expect(formatMatch('loss-5', matchOf('loss-5', [100]), rowsOf(matchOf('loss-5', [100]), []))).toContain('state');
  });
});

describe('the plan', () => {
  it('repeats the bursts with seeds of their own, beside the ideal and the bare channel', () => {
    const { matches } = planOf(['--profiles', 'loss-5,bursts-15', '--runs', '10']);
    expect(matches.filter(({ profile }) => profile === 'loss-5')).toHaveLength(1);
    const bursts = matches.filter(({ profile }) => profile === 'bursts-15');
    expect(bursts.map(({ seed }) => seed)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(bursts[9]?.streams.map(({ kind }) => kind)).toEqual(['ideal', 'bare']);
  });

  it('refuses what makes no sense', () => {
    for (const args of [['--players', '3'], ['--profiles', 'moon'], ['--pair', 'chromium'], ['--seconds', '0'], ['--nonsense']])
      expect(() => planOf(args)).toThrow(/./);
    expect(planOf(['--streams', 'none']).matches.every(({ streams }) => streams.length === 0)).toBe(true);
    expect(planOf(['--pair', 'node-firefox']).matches[0]?.pair).toEqual(['node', 'firefox']);
  });
});
