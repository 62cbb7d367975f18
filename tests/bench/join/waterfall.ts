/** The visits' times as a waterfall: what each step waited for, when it began and how long it took, and how many round trips that is. */
import type { Marks, ProbeLog } from './probe.ts';

interface StepSpec {
  readonly name: string;
  /** It begins with the latest of these marks. */
  readonly from: readonly string[];
  /** And ends with the latest of these. */
  readonly to: readonly string[];
  /** Round trips that nobody can save, with the protocols that browsers have. */
  readonly floorRtts: number;
  readonly why: string;
}

/** In the order in which they end. Those before `offer` overlap; from there on each waits for the one before. */
export const STEPS: readonly StepSpec[] = [
  { name: 'page', from: [], to: ['html'], floorRtts: 2, why: 'TCP, then HTTP: the document is asked for anew at every visit' },
  { name: 'script', from: ['html'], to: ['config-begin'], floorRtts: 0, why: 'scripts come from the cache and are run' },
  {
    name: 'config',
    from: ['config-begin'],
    to: ['config-end'],
    floorRtts: 0,
    why: 'beside the socket: HTTP',
  },
  { name: 'code', from: ['code-begin'], to: ['code-end'], floorRtts: 0, why: 'beside the socket: HTTP' },
  { name: 'socket', from: ['socket-begin'], to: ['in-OPEN'], floorRtts: 2, why: 'TCP, then the upgrade, with which the greeting comes' },
  { name: 'offer', from: ['in-OPEN', 'code-end', 'config-end'], to: ['out-OFFER'], floorRtts: 0, why: "the browser's own work" },
  { name: 'answer', from: ['out-OFFER'], to: ['in-ANSWER'], floorRtts: 1, why: 'by way of the broker to the host and back' },
  { name: 'ice', from: ['in-ANSWER'], to: ['ice-connected'], floorRtts: 1, why: 'a check and its answer' },
  { name: 'dtls', from: ['ice-connected'], to: ['dtls-connected'], floorRtts: 1, why: 'DTLS 1.3; 1.2 takes 2' },
  {
    name: 'channels',
    from: ['dtls-connected'],
    to: ['control-open', 'state-open'],
    floorRtts: 1,
    why: 'SCTP; its last message can carry data',
  },
  { name: 'greetings', from: ['control-open', 'state-open'], to: ['hello'], floorRtts: 0, why: 'they could travel with the hello' },
  { name: 'hello', from: ['hello'], to: ['welcome'], floorRtts: 1, why: 'hello and welcome' },
  { name: 'match', from: ['welcome'], to: ['match'], floorRtts: 0, why: 'with the welcome' },
  { name: 'snapshot', from: ['match'], to: ['snapshot'], floorRtts: 0, why: "with the host's next tick" },
  { name: 'ship', from: ['snapshot'], to: ['ship'], floorRtts: 0, why: 'the state is in' },
  { name: 'input', from: ['press'], to: ['confirmed'], floorRtts: 1, why: 'an input, and the state that has it' },
];

export interface StepFigures {
  readonly name: string;
  readonly beginP50: number;
  readonly p50: number;
  readonly p95: number;
  readonly floorMs: number;
  readonly why: string;
}

/** Since the navigation began. */
export interface Total {
  readonly p50: number;
  readonly p95: number;
}

export interface Waterfall {
  readonly runs: number;
  readonly steps: readonly StepFigures[];
  /** Until the own ship is on the screen; until the host's answer to its first input is in; until it does what it is told. */
  readonly ship: Total;
  readonly confirmed: Total;
  readonly flies: Total;
  readonly floorRtts: number;
  readonly floorMs: number;
}

const latest = (marks: Marks, names: readonly string[]): number => Math.max(0, ...names.map((name) => marks[name] ?? NaN));

/** The nearest rank: with 20 runs, p95 is the second longest. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export function waterfallOf(logs: readonly ProbeLog[], rttMs: number): Waterfall {
  const all = logs.map(({ marks }) => marks);
  const steps = STEPS.map(({ name, from, to, floorRtts, why }): StepFigures => {
    const begins = all.map((marks) => latest(marks, from));
    const lengths = all.map((marks, n) => latest(marks, to) - (begins[n] ?? NaN));
    return {
      ...{ name, why, floorMs: floorRtts * rttMs },
      beginP50: quantileOf(begins, 0.5),
      p50: quantileOf(lengths, 0.5),
      p95: quantileOf(lengths, 0.95),
    };
  });
  const totalOf = (mark: string): Total => {
    const times = all.map((marks) => latest(marks, [mark]));
    return { p50: quantileOf(times, 0.5), p95: quantileOf(times, 0.95) };
  };
  const floorRtts = STEPS.reduce((sum, step) => sum + step.floorRtts, 0);
  return {
    ...{ runs: logs.length, steps, floorRtts, floorMs: floorRtts * rttMs },
    ...{ ship: totalOf('ship'), confirmed: totalOf('confirmed'), flies: totalOf('flies') },
  };
}

const BAR_CHARACTERS = 48;
const whole = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : '-');

export function formatWaterfall(waterfall: Waterfall): string {
  const { steps, confirmed } = waterfall;
  const scale = BAR_CHARACTERS / confirmed.p50;
  const lines = steps.map(({ name, beginP50, p50, p95, floorMs, why }) => {
    const begin = Math.min(BAR_CHARACTERS - 1, Math.round(beginP50 * scale));
    const bar = '█'.repeat(Math.max(1, Math.min(BAR_CHARACTERS - begin, Math.round(p50 * scale))));
    const numbers = [beginP50, p50, p95, floorMs].map((value) => whole(value).padStart(6)).join('');
    return `${name.padEnd(10)}${numbers}  ${(' '.repeat(begin) + bar).padEnd(BAR_CHARACTERS)}  ${why}`;
  });
  const head = `${'step'.padEnd(10)}${['begin', 'p50', 'p95', 'floor'].map((title) => title.padStart(6)).join('')}`;
  return [head, ...lines].join('\n');
}
