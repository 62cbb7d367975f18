/**
 * What a match is to feel like, run by run: error of one's own ship, jumps, freezes, delay and disputes. They are given for
 * up to 150 ms there and back, 30 ms of jitter and 5 % loss, what is one's own up to 10 % in bursts. The table says where
 * it stands; nothing fails over it here (`tests/scenario/feel.test.ts` asserts what must hold).
 */
import type { FeelRun } from './feel.ts';

export interface FeelTarget {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
}

/** Networks within 150 ms there and back and 5 % loss. */
const WITHIN_LOSS_5 = new Set(['lan', 'broadband', 'wifi', 'bad-wifi', 'mobile', 'target']);
/** And up to 10 % loss in bursts. */
const WITHIN_LOSS_10 = new Set([...WITHIN_LOSS_5, 'target-10-bursts']);
/** Games in which nothing but one's own input moves one's own ship. */
const WITHOUT_CONTACT = new Set(['demo-apart', 'rail']);
const TICK_MS = 1000 / 60;

/** What is asked of this run; nothing of policies and networks that no promise is made for. */
export function feelTargetsOf({ game, network, policy, report, screen }: FeelRun): FeelTarget[] {
  if (policy !== 'owner' || !WITHIN_LOSS_10.has(network) || game === 'skiff') return [];
  const { own, others, drawnDelayMs, leastDelayMs, hits } = report.guests;
  const targets: FeelTarget[] = [];
  const ask = (what: string, value: number, atMost: number): void => void targets.push({ what, value, atMost });
  if (WITHOUT_CONTACT.has(game)) {
    ask('own error p95, px', own.errorPx.p95, 1);
    ask('own error p99, px', own.errorPx.p99, 4);
    ask('own jumps and blinks', own.jumps + own.blinks, 0);
  }
  if (!WITHIN_LOSS_5.has(network)) return targets;
  ask('freezes of others', others.freezes, 0);
  ask('jumps and blinks of others', others.jumps + others.blinks, 0);
  ask('drawn delay beyond the least, ms', drawnDelayMs.mean - leastDelayMs, TICK_MS);
  if (hits !== undefined && hits.seen > 0) ask('hits denied, %', 100 * hits.disputeRate, 1);
  if (screen !== undefined && screen.seen > 0) ask('drawn hits denied, %', (100 * screen.denied) / screen.seen, 1);
  return targets;
}

export const isMet = ({ value, atMost }: FeelTarget): boolean => value <= atMost;
