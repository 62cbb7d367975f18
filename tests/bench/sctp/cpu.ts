/** How busy this machine was, and how much of it was taken by its neighbours: what a figure's noise may come from. */
import { readFileSync } from 'node:fs';

export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

/** Shares of all cores' time, 0 to 1. */
export interface CpuUse {
  readonly busy: number;
  readonly stolen: number;
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
export function cpuTimes(): CpuTimes {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = times;
  return { total: times.reduce((sum, time) => sum + time, 0), idle: idle + waiting, stolen };
}

export function cpuUse(before: CpuTimes, after: CpuTimes): CpuUse {
  const total = Math.max(1, after.total - before.total);
  const stolen = (after.stolen - before.stolen) / total;
  return { busy: 1 - (after.idle - before.idle) / total - stolen, stolen };
}
