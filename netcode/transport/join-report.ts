/**
 * A failed join in plain words: which step failed, what was tried, what to do next; and the whole trace as text for a bug report. Pure: all it
 * knows is in the trace.
 */
import { type CandidateCounts, countOf, type JoinMeans, type JoinStep, type JoinTrace } from './join-trace.ts';

/** Ready to be shown, sentence by sentence. */
export interface JoinExplanation {
  /** Undefined when nothing was tried, or the player gave up. */
  readonly step: JoinStep | undefined;
  /** What happened. */
  readonly what: string;
  /** What was tried; empty when that tells nothing. */
  readonly tried: string;
  /** What to do next. */
  readonly advice: string;
}

/** The rejection of a join: `JoinError` is one. */
export interface FailedJoin {
  readonly reason: string;
  readonly message: string;
}

const STEP_NAMES: Readonly<Record<JoinStep, string>> = {
  config: 'asking the server for its settings',
  broker: "opening the server's WebSocket",
  code: 'looking up the code',
  answer: "waiting for the host's browser to answer",
  ice: 'finding a path to the host',
  dtls: 'encrypting the connection',
  channels: 'opening the channels',
  hello: 'saying hello to the host',
  match: 'entering the match',
  snapshot: "receiving the match's first state",
};

/** Who was let down by the network is told why; who was refused by people or rules already reads that in the error. */
export function explainJoin(trace: JoinTrace, error: FailedJoin): JoinExplanation {
  switch (error.reason) {
    case 'unreachable':
      return explainUnreachable(trace);
    case 'broker-unreachable':
      return explainServer(trace, error);
    case 'host-gone':
      return explainHostGone(trace, error);
    case 'unknown-code':
    case 'bad-code':
      return { step: 'code', what: error.message, tried: '', advice: 'Ask the host for the link that their lobby shows now.' };
    case 'cancelled':
      return { step: undefined, what: error.message, tried: '', advice: '' };
    default:
      return { step: isConnected(trace) ? 'hello' : failedStep(trace), what: error.message, tried: '', advice: '' };
  }
}

/** The last step that was begun and not finished; else the one that was not begun after the last. */
export function failedStep(trace: JoinTrace): JoinStep | undefined {
  return trace.steps.findLast(({ doneMs }) => doneMs === undefined)?.step ?? trace.steps.at(-1)?.step;
}

function explainServer(trace: JoinTrace, { message }: FailedJoin): JoinExplanation {
  if (trace.isDone('code') && trace.stepOf('config')?.failedMs !== undefined) {
    return {
      step: 'config',
      what: 'The server answers, but it did not tell this page how to connect.',
      tried: '',
      advice: 'Try again in a minute. A browser extension may block it, too: try a private window.',
    };
  }
  const answers = trace.isDone('config') || trace.isDone('code');
  if (answers && !trace.isDone('broker')) {
    return {
      step: 'broker',
      what: 'The server answers, but its WebSocket does not open.',
      tried: '',
      advice:
        'A proxy, a firewall or a browser extension may block WebSockets: try another network or a private window. If nobody can join, tell whoever runs this server that WebSocket upgrades must pass.',
    };
  }
  const step = trace.isDone('broker') ? failedStep(trace) : (trace.steps.find(({ doneMs }) => doneMs === undefined)?.step ?? 'broker');
  return {
    step,
    what: message,
    tried: '',
    advice: 'Check your connection. If other pages load, the server may be down: try again in a minute.',
  };
}

/** Some path to the host stood. */
function isConnected(trace: JoinTrace): boolean {
  return trace.isDone('channels') || trace.paths.get('relay') === 'open';
}

function explainHostGone(trace: JoinTrace, { message }: FailedJoin): JoinExplanation {
  if (isConnected(trace)) {
    return {
      step: 'hello',
      what: "The host's browser was reached, but the game there does not answer.",
      tried: '',
      advice: 'Ask the host to look at their tab: it may be asleep or frozen. Then try again.',
    };
  }
  return {
    step: 'answer',
    what: message,
    tried: 'The code was found, but the host has left the server.',
    advice: 'Ask the host for a new invite.',
  };
}

function explainUnreachable(trace: JoinTrace): JoinExplanation {
  if (!trace.isDone('answer')) {
    return {
      step: 'answer',
      what: "The server was asked to tell the host's browser of you, and no answer came.",
      tried: '',
      advice:
        'Ask the host to look at their tab: it may be asleep, frozen or just closed. If it is not, look at your own network. Then try again.',
    };
  }
  const step = trace.isDone('dtls') ? 'channels' : trace.isDone('ice') ? 'dtls' : 'ice';
  const tried = triedText(trace);
  if (step === 'dtls') {
    return {
      step,
      what: "A path to the host's browser was found, but the encrypted connection over it did not come about.",
      tried,
      advice: 'The network loses too much, or a firewall lets only a few packets pass. Try another network, or move closer to your router.',
    };
  }
  if (step === 'channels') {
    return {
      step,
      what: "The connection to the host's browser stood, but no data came through.",
      tried,
      advice: 'The network loses too much, or the host closed the tab at that moment. Try again.',
    };
  }
  return { step, tried, ...explainNoPath(trace) };
}

/** The browsers know each other's candidates, and none reached another. */
function explainNoPath(trace: JoinTrace): Pick<JoinExplanation, 'what' | 'advice'> {
  const { stunServers = 0, turnServers = 0, isTurnOnly = false } = trace.means ?? {};
  const [local, remote] = [trace.candidates('local'), trace.candidates('remote')];
  if (isTurnOnly && countOf(local, ['relay']) === 0) {
    return {
      what: 'On this server players meet through its TURN server only, and that did not take you in.',
      advice: `${turnTrouble(trace)} Try another network, or tell whoever runs this server.`,
    };
  }
  if (countOf(local) === 0) {
    return {
      what: 'Your browser offered no address under which the host could reach it.',
      advice: 'A browser extension, a VPN or a policy seems to block WebRTC: switch it off for this page, or try another browser.',
    };
  }
  if (countOf(remote) === 0) {
    return {
      what: "The host's browser offered no address under which you could reach it.",
      advice: 'A browser extension, a VPN or a policy may block WebRTC there: ask the host to switch it off, or to try another browser.',
    };
  }
  const reached = "Your browser and the host's found each other through the server, but no direct path opened";
  if (stunServers === 0 && turnServers === 0)
    return { what: `${reached}: without STUN and TURN servers only players on the same network can meet.`, advice: adviceFor(trace) };
  if (stunServers > 0 && countOf(local, ['srflx']) === 0 && countOf(local, ['relay']) === 0)
    return { what: `${reached}: UDP seems to be blocked on your network, since no STUN server answered.`, advice: adviceFor(trace) };
  if (stunServers > 0 && countOf(remote, ['srflx', 'relay']) === 0)
    return { what: `${reached}: UDP seems to be blocked on the host's network.`, advice: adviceFor(trace) };
  return { what: `${reached}: a firewall or a strict router stands between you.`, advice: adviceFor(trace) };
}

function turnTrouble(trace: JoinTrace): string {
  if (trace.iceErrors.has(401)) return 'The TURN server refused the credentials that this server made.';
  if (trace.means?.turnServers === 0) return 'The server names no TURN server at all.';
  return 'The TURN server did not answer: it is down, or your network blocks it.';
}

function adviceFor(trace: JoinTrace): string {
  const relay = trace.paths.get('relay');
  if (relay === 'not-allowed') return 'Try another network (a phone’s hotspot, say), or ask the host to allow the relay.';
  if (relay === 'failed') return 'The relay did not open either. Try another network (a phone’s hotspot, say), or try again in a minute.';
  return 'Try another network (a phone’s hotspot, say), and switch off a VPN if you use one.';
}

/** "Tried: 2 local addresses, 1 public address, 1 TURN server that gave none, relay not allowed by the host." */
function triedText(trace: JoinTrace): string {
  const counts = trace.candidates('local');
  const isTurnOnly = trace.means?.isTurnOnly === true;
  const parts = [
    isTurnOnly ? '' : amount(countOf(counts, ['host']), 'local address', 'local addresses'),
    isTurnOnly ? '' : publicText(counts, trace.means),
    turnText(trace),
    RELAY_TEXTS[trace.paths.get('relay') ?? 'none'],
  ].filter((part) => part !== '');
  const attempts = trace.stepOf('answer')?.attempts ?? 0;
  return `Tried${attempts > 1 ? ` ${attempts} times` : ''}: ${parts.join(', ')}.`;
}

const RELAY_TEXTS = {
  trying: 'the relay, which did not open in time',
  open: 'the relay',
  failed: 'the relay, which did not open',
  'not-allowed': 'relay not allowed by the host',
  none: '',
} as const;

function publicText(counts: CandidateCounts, means: JoinMeans | undefined): string {
  const found = countOf(counts, ['srflx']);
  if (means?.stunServers === 0) return 'no STUN server';
  if (found > 0) return amount(found, 'public address', 'public addresses');
  return means === undefined ? '' : `${amount(means.stunServers, 'STUN server', 'STUN servers')} without an answer`;
}

function turnText(trace: JoinTrace): string {
  const { means } = trace;
  if (means === undefined) return '';
  if (means.turnServers === 0) return 'no TURN server';
  const taken = countOf(trace.candidates('local'), ['relay']);
  if (taken > 0) return amount(taken, 'address at a TURN server', 'addresses at TURN servers');
  const servers = amount(means.turnServers, 'TURN server', 'TURN servers');
  // Only some browsers tell of errors, and then whoever runs the server has to know.
  return trace.iceErrors.has(401) ? `${servers} that refused this server's credentials` : `${servers} that gave no address`;
}

function amount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** All that the trace holds, a line each; nothing in it names a person, a place or a lobby. */
export function joinReportText(trace: JoinTrace, error?: FailedJoin): string {
  const { means } = trace;
  const stepLines = trace.steps.map(({ step, beganMs, doneMs, failedMs, attempts }) => {
    const end = doneMs !== undefined ? `${doneMs} ms` : failedMs !== undefined ? `failed at ${failedMs} ms` : 'never';
    return `${step}: ${beganMs} ms to ${end}${attempts > 1 ? `, attempt ${attempts}` : ''}`;
  });
  const changes = trace.states.map(({ kind, state, atMs }) => `${kind} ${state} ${atMs}`);
  return [
    `join: ${error === undefined ? 'no error' : `failed, ${error.reason}, while ${STEP_NAMES[failedStep(trace) ?? 'config']}`}`,
    ...stepLines,
    `servers: ${means === undefined ? 'unknown' : `${means.stunServers} STUN, ${means.turnServers} TURN${means.isTurnOnly ? ', TURN only' : ''}`}`,
    `candidates here: ${countsText(trace.candidates('local'))}; there: ${countsText(trace.candidates('remote'))}`,
    `paths: ${[...trace.paths].map(([path, outcome]) => `${path} ${outcome}`).join(', ') || 'none'}`,
    `ICE errors: ${[...trace.iceErrors].map(([code, count]) => `${code} x${count}`).join(', ') || 'none'}`,
    `states: ${changes.join(', ') || 'none'}`,
  ].join('\n');
}

function countsText(counts: CandidateCounts): string {
  return (
    Object.entries(counts)
      .map(([key, count]) => `${count} ${key}`)
      .join(', ') || 'none'
  );
}
