/**
 * What a join did on its way to the host, step by step, for two readers: the player, who is told which step failed and what to do
 * (`join-report.ts`), and whoever reads a bug report. It only notes; nothing acts on it. It holds no address, name, code or token, so it can be
 * shown to anybody: of ICE candidates it keeps how many there were of which kind.
 */
import type { Clock } from '../core/clock.ts';

/** In the order in which a join needs them. `config`, `broker` and `code` may overlap. */
export const JOIN_STEPS = [
  /** Asking the server for its STUN and TURN servers. */
  'config',
  /** The server's WebSocket, by which players find each other. */
  'broker',
  /** Who hosts the lobby behind the invite code. */
  'code',
  /** From our offer until the host's browser has answered. */
  'answer',
  /** Until two of the candidates reach each other. */
  'ice',
  /** The encrypted connection over them. */
  'dtls',
  /** Until both channels carry data both ways. */
  'channels',
  /** From our hello to the host's welcome, or refusal. */
  'hello',
  /** From the welcome to a match that runs already. */
  'match',
  /** Until the first state of the match is here. */
  'snapshot',
] as const;
export type JoinStep = (typeof JOIN_STEPS)[number];

export interface StepRecord {
  readonly step: JoinStep;
  /** Since the trace began. */
  readonly beganMs: number;
  /** Undefined while it is under way, and when it failed. */
  readonly doneMs: number | undefined;
  readonly failedMs: number | undefined;
  /** How often it was begun. */
  readonly attempts: number;
}

export const CANDIDATE_TYPES = ['host', 'srflx', 'prflx', 'relay'] as const;
export type CandidateType = (typeof CANDIDATE_TYPES)[number];
export type CandidateKey = `${CandidateType} ${'udp' | 'tcp'}`;
export type CandidateCounts = Readonly<Partial<Record<CandidateKey, number>>>;

/** The ways to the host, in the order of preference. */
export type JoinPath = 'direct' | 'relay';
/** `not-allowed`: by the lobby's host. `none`: the server has no relay. */
export type PathOutcome = 'trying' | 'open' | 'failed' | 'not-allowed' | 'none';

/** What there was to try with. */
export interface JoinMeans {
  readonly stunServers: number;
  readonly turnServers: number;
  /** The server lets players meet through TURN only. */
  readonly isTurnOnly: boolean;
}

/** What WebRTC went through, each change in order. */
export type StateKind = 'gathering' | 'ice' | 'dtls' | 'connection';
export interface StateChange {
  readonly kind: StateKind;
  readonly state: string;
  readonly atMs: number;
}

/** A dial of four attempts, each of a dozen changes; what comes after tells nothing new. */
const STATES_MAX = 64;
/** The longest name of a state: 'have-remote-pranswer'. */
const STATE_LENGTH_MAX = 24;
/** STUN's and TURN's error codes (300 to 699), and 701: no answer. A list of servers yields a few kinds. */
const ERROR_CODES_MAX = 16;

export class JoinTrace {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #steps = new Map<JoinStep, StepRecord>();
  readonly #paths = new Map<JoinPath, PathOutcome>();
  readonly #candidates = { local: {} as Partial<Record<CandidateKey, number>>, remote: {} as Partial<Record<CandidateKey, number>> };
  readonly #states: StateChange[] = [];
  readonly #iceErrors = new Map<number, number>();
  #means: JoinMeans | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Of its steps those that were begun, in order. */
  get steps(): readonly StepRecord[] {
    return JOIN_STEPS.flatMap((step) => this.#steps.get(step) ?? []);
  }

  get paths(): ReadonlyMap<JoinPath, PathOutcome> {
    return this.#paths;
  }

  get means(): JoinMeans | undefined {
    return this.#means;
  }

  get states(): readonly StateChange[] {
    return this.#states;
  }

  /** How often each of ICE's error codes came. */
  get iceErrors(): ReadonlyMap<number, number> {
    return this.#iceErrors;
  }

  candidates(side: 'local' | 'remote'): CandidateCounts {
    return this.#candidates[side];
  }

  stepOf(step: JoinStep): StepRecord | undefined {
    return this.#steps.get(step);
  }

  isDone(step: JoinStep): boolean {
    return this.#steps.get(step)?.doneMs !== undefined;
  }

  /** Begun again, it is a new attempt at it and at all that comes after it: the last attempt counts. */
  begin(step: JoinStep): void {
    const attempts = (this.#steps.get(step)?.attempts ?? 0) + 1;
    if (attempts > 1) for (const later of JOIN_STEPS.slice(JOIN_STEPS.indexOf(step) + 1)) this.#steps.delete(later);
    this.#steps.set(step, { step, attempts, beganMs: this.#nowMs(), doneMs: undefined, failedMs: undefined });
  }

  done(step: JoinStep): void {
    const record = this.#steps.get(step);
    // A step that nobody began was over in no time.
    if (record === undefined) this.begin(step);
    else if (record.doneMs !== undefined) return;
    this.#steps.set(step, { ...(this.#steps.get(step) as StepRecord), doneMs: this.#nowMs(), failedMs: undefined });
  }

  fail(step: JoinStep): void {
    const record = this.#steps.get(step);
    if (record === undefined || record.doneMs !== undefined || record.failedMs !== undefined) return;
    this.#steps.set(step, { ...record, failedMs: this.#nowMs() });
  }

  path(path: JoinPath, outcome: PathOutcome): void {
    this.#paths.set(path, outcome);
  }

  /** What the server named as ICE servers. Only how many there are of which kind is kept. */
  useServers(servers: readonly { readonly urls: string | readonly string[] }[], policy: 'all' | 'relay' = 'all'): void {
    const count = (scheme: RegExp): number =>
      servers.filter(({ urls }) => (typeof urls === 'string' ? [urls] : urls).some((url) => scheme.test(url))).length;
    this.#means = { stunServers: count(/^stuns?:/), turnServers: count(/^turns?:/), isTurnOnly: policy === 'relay' };
  }

  /** `line`: the candidate as WebRTC writes it. Anything else is not counted. */
  candidate(side: 'local' | 'remote', line: string): void {
    const key = candidateKeyOf(line);
    if (key === undefined) return;
    const counts = this.#candidates[side];
    counts[key] = (counts[key] ?? 0) + 1;
  }

  state(kind: StateKind, state: string): void {
    if (this.#states.length < STATES_MAX) this.#states.push({ kind, state: state.slice(0, STATE_LENGTH_MAX), atMs: this.#nowMs() });
  }

  /** An error of a STUN or TURN server; 701: it did not answer. */
  iceError(code: number): void {
    if (!Number.isInteger(code)) return;
    if (this.#iceErrors.has(code) || this.#iceErrors.size < ERROR_CODES_MAX)
      this.#iceErrors.set(code, (this.#iceErrors.get(code) ?? 0) + 1);
  }

  #nowMs(): number {
    return Math.round(this.#clock.nowMs() - this.#startMs);
  }
}

/**
 * Kind and protocol of a candidate line (RFC 8839, 5.1), which may come from the other side:
 *
 *     candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0
 */
export function candidateKeyOf(line: string): CandidateKey | undefined {
  const [, protocol, type] = /^(?:a=)?candidate:\S+ \d+ (udp|tcp) \d+ \S+ \d+ typ (host|srflx|prflx|relay)\b/i.exec(line) ?? [];
  if (protocol === undefined || type === undefined) return undefined;
  return `${type.toLowerCase()} ${protocol.toLowerCase()}` as CandidateKey;
}

/** How many there are of the types named, or of all. */
export function countOf(counts: CandidateCounts, types: readonly CandidateType[] = CANDIDATE_TYPES): number {
  return Object.entries(counts).reduce((sum, [key, count]) => (types.some((type) => key.startsWith(type)) ? sum + count : sum), 0);
}
