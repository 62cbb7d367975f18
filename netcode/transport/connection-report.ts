/** What the connection test (`platform/connection-test.ts`) reports, and what that means for playing. Pure, so that the public door can name its types. */

export const CHECKS = ['secure-context', 'webrtc', 'server', 'signalling', 'loopback', 'stun', 'turn', 'nat', 'relay'] as const;
export type CheckName = (typeof CHECKS)[number];
/** `warn`: playing works, but not with everybody, or not all of it. */
export type CheckState = 'ok' | 'warn' | 'failed' | 'skipped';

export interface CheckResult {
  readonly check: CheckName;
  /** What was looked at, ready to be shown: 'STUN server stun.example.org'. */
  readonly title: string;
  readonly state: CheckState;
  /** What was found, ready to be shown. */
  readonly detail: string;
  /** What to do about it; empty for nothing. */
  readonly advice: string;
  readonly tookMs: number;
}

export interface ConnectionTestOptions {
  /** Where page and broker are: `https://play.example`. */
  readonly brokerUrl: string;
  /** Ends the test; what was not looked at is 'skipped'. */
  readonly signal?: AbortSignal;
  /** After each check. */
  readonly onResult?: (result: CheckResult) => void;
  /** Before each check, with its title: what is being looked at. */
  readonly onStep?: (title: string) => void;
}

export interface ConnectionReport {
  readonly results: readonly CheckResult[];
  /** One sentence: whether this browser can play. */
  readonly summary: string;
  /** For a bug report. */
  asText(): string;
}

/** What it all means for playing, the worst first. */
export function summaryOf(results: readonly Pick<CheckResult, 'check' | 'state' | 'detail'>[]): string {
  const states = (check: CheckName): readonly string[] => results.filter((result) => result.check === check).map(({ state }) => state);
  const has = (check: CheckName, state: string): boolean => states(check).includes(state);
  const hasDetour = has('turn', 'ok') || has('turn', 'warn') || has('relay', 'ok');
  if (results.some(({ detail }) => detail === 'Cancelled.')) return 'The test was cancelled.';
  if (has('webrtc', 'failed')) return 'This browser cannot play: it has no WebRTC.';
  if (has('server', 'failed')) return 'You cannot play now: the server cannot be reached.';
  if (has('signalling', 'failed')) return 'You cannot play now: the server answers, but its WebSocket does not open.';
  if (has('loopback', 'failed'))
    return hasDetour
      ? 'Direct connections do not work in this browser; games go through the server.'
      : 'This browser cannot play: something blocks WebRTC.';
  const isBlocked = has('stun', 'failed') && !has('stun', 'ok');
  if (isBlocked || has('nat', 'warn'))
    return hasDetour
      ? 'You can play; where no direct connection opens, a detour is used.'
      : 'You can play with some players only: not every direct connection will open, and there is no detour.';
  return has('stun', 'ok') ? 'You can play: direct connections should open.' : 'You can play with players on your own network.';
}

interface ReportParts {
  readonly results: readonly CheckResult[];
  readonly summary: string;
  /** As it calls itself. */
  readonly browser: string;
}

export function reportText({ results, summary, browser }: ReportParts): string {
  const lines = results.map(({ title, state, detail, tookMs }) => `${state.padEnd(7)} ${title}: ${detail} [${tookMs} ms]`);
  return ['Volley connection test', `browser: ${browser}`, ...lines, summary].join('\n');
}
