/** What a join notes of its way, and what a player is told of it when it fails. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { explainJoin, failedStep, joinReportText } from '../../../netcode/transport/join-report.ts';
import { candidateKeyOf, countOf, type JoinStep, JoinTrace } from '../../../netcode/transport/join-trace.ts';
import { watchConnection } from '../../../netcode/transport/join-watch.ts';

const HOST = 'candidate:842163049 1 udp 1677729535 192.168.1.7 46154 typ host generation 0';
const MDNS = 'candidate:842163049 1 udp 1677729535 0f1c2d3e-1111-4222-8333-444455556666.local 46154 typ host';
const SRFLX = 'candidate:842163050 1 udp 1677729534 203.0.113.7 46155 typ srflx raddr 0.0.0.0 rport 0';
const RELAY = 'candidate:842163051 1 udp 41885439 198.51.100.9 50001 typ relay raddr 203.0.113.7 rport 46155';
const STUN = { urls: 'stun:stun.example.org' };
const TURN = { urls: ['turn:turn.example.org?transport=udp', 'turn:turn.example.org?transport=tcp'] };

const UNREACHABLE = { reason: 'unreachable', message: 'The host was found, but no connection could be made.' };

/** A trace in which all steps up to and without `until` are done, and `until` has begun. */
function traceUntil(until: JoinStep, clock = new VirtualClock()): JoinTrace {
  const trace = new JoinTrace(clock);
  for (const step of ['config', 'broker', 'code', 'answer', 'ice', 'dtls', 'channels', 'hello'] as const) {
    trace.begin(step);
    if (step === until) break;
    trace.done(step);
  }
  return trace;
}

describe('a join trace', () => {
  test('keeps when each step began and ended, in the order of the join', () => {
    const clock = new VirtualClock();
    clock.advance(1_000);
    const trace = new JoinTrace(clock);
    trace.begin('code');
    trace.begin('config');
    clock.advance(30);
    trace.done('config');
    clock.advance(10);
    trace.fail('code');
    expect(trace.steps).toEqual([
      { step: 'config', beganMs: 0, doneMs: 30, failedMs: undefined, attempts: 1 },
      { step: 'code', beganMs: 0, doneMs: undefined, failedMs: 40, attempts: 1 },
    ]);
  });

  test('a step that is done stays done, and one that never began cannot fail', () => {
    const trace = traceUntil('dtls');
    trace.fail('ice');
    trace.fail('hello');
    expect(trace.stepOf('ice')).toMatchObject({ doneMs: 0, failedMs: undefined });
    expect(trace.stepOf('hello')).toBeUndefined();
  });

  test('a step begun again is a new attempt, and forgets what came after it', () => {
    const trace = traceUntil('dtls');
    trace.begin('answer');
    expect(trace.stepOf('answer')).toMatchObject({ attempts: 2, doneMs: undefined });
    expect([trace.stepOf('ice'), trace.stepOf('dtls'), trace.isDone('code')]).toEqual([undefined, undefined, true]);
  });

  test.each([
    [HOST, 'host udp'],
    [`a=${SRFLX}`, 'srflx udp'],
    ['candidate:1 1 TCP 1518214911 192.168.1.7 9 typ host tcptype active', 'host tcp'],
    [RELAY, 'relay udp'],
    ['candidate:1 1 sctp 1 192.168.1.7 9 typ host', undefined],
    ['', undefined],
    ['typ relay', undefined],
  ])('reads of the candidate %s its kind: %s', (line, key) => {
    expect(candidateKeyOf(line)).toBe(key);
  });

  test('of servers it keeps how many there are of which kind', () => {
    const trace = new JoinTrace(new VirtualClock());
    trace.useServers([STUN, TURN, { urls: ['stun:a.example', 'turn:a.example'] }], 'relay');
    expect(trace.means).toEqual({ stunServers: 2, turnServers: 2, isTurnOnly: true });
  });

  test('whatever is noted, it stays small', () => {
    const trace = new JoinTrace(new VirtualClock());
    for (let n = 0; n < 10_000; n++) {
      trace.state('ice', `state ${n} `.repeat(10));
      trace.iceError(n);
      trace.iceError(Number.NaN);
      trace.candidate('remote', HOST);
    }
    expect(trace.states.length).toBeLessThanOrEqual(64);
    expect(trace.iceErrors.size).toBeLessThanOrEqual(16);
    expect(joinReportText(trace).length).toBeLessThan(4_000);
    expect(countOf(trace.candidates('remote'))).toBe(10_000);
  });
});

describe('a connection that is watched', () => {
  /** Just enough of a connection to hear events from. */
  class FakeConnection extends EventTarget {
    iceConnectionState = 'new';
    connectionState = 'new';
    iceGatheringState = 'new';
    readonly sctp = { transport: Object.assign(new EventTarget(), { state: 'new' }) };
  }

  function watched(): {
    readonly trace: JoinTrace;
    readonly connection: FakeConnection;
    ice(state: string): void;
    dtls(state: string): void;
  } {
    const trace = traceUntil('ice');
    const connection = new FakeConnection();
    watchConnection(connection as unknown as RTCPeerConnection, trace);
    return {
      trace,
      connection,
      ice(state) {
        connection.iceConnectionState = state;
        connection.dispatchEvent(new Event('iceconnectionstatechange'));
      },
      dtls(state) {
        connection.sctp.transport.state = state;
        connection.sctp.transport.dispatchEvent(new Event('statechange'));
      },
    };
  }

  test('tells where ICE ends and DTLS begins', () => {
    const { trace, ice, dtls } = watched();
    ice('checking');
    ice('connected');
    expect(failedStep(trace)).toBe('dtls');
    dtls('connected');
    expect(failedStep(trace)).toBe('channels');
    expect(trace.states.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['ice checking', 'ice connected', 'dtls connected']);
  });

  test('a failure is of the step under way', () => {
    const { trace, ice, connection } = watched();
    ice('checking');
    ice('connected');
    connection.connectionState = 'failed';
    connection.dispatchEvent(new Event('connectionstatechange'));
    expect(trace.stepOf('dtls')?.failedMs).toBe(0);
    expect(trace.isDone('ice')).toBe(true);
  });

  test('one that tells only of the whole is understood, too', () => {
    const { trace, connection } = watched();
    connection.connectionState = 'connected';
    connection.dispatchEvent(new Event('connectionstatechange'));
    expect([trace.isDone('ice'), trace.isDone('dtls')]).toEqual([true, true]);
  });
});

describe('a failed join is explained', () => {
  const explained = (trace: JoinTrace, error = UNREACHABLE): string => {
    const { what, tried, advice } = explainJoin(trace, error);
    return [what, tried, advice].filter((part) => part !== '').join(' ');
  };

  test('UDP blocked here: a STUN server was named, and none answered', () => {
    const trace = traceUntil('ice');
    trace.useServers([STUN]);
    for (const line of [HOST, MDNS]) trace.candidate('local', line);
    trace.candidate('remote', SRFLX);
    trace.path('relay', 'not-allowed');
    expect(explainJoin(trace, UNREACHABLE)).toEqual({
      step: 'ice',
      what: "Your browser and the host's found each other through the server, but no direct path opened: UDP seems to be blocked on your network, since no STUN server answered.",
      tried: 'Tried: 2 local addresses, 1 STUN server without an answer, no TURN server, relay not allowed by the host.',
      advice: 'Try another network (a phone’s hotspot, say), or ask the host to allow the relay.',
    });
  });

  test('UDP blocked there', () => {
    const trace = traceUntil('ice');
    trace.useServers([STUN]);
    for (const line of [HOST, SRFLX]) trace.candidate('local', line);
    trace.candidate('remote', HOST);
    expect(explained(trace)).toMatch(/blocked on the host's network\. Tried: 1 local address, 1 public address, no TURN server\./);
  });

  test('both are seen from outside, and do not reach each other', () => {
    const trace = traceUntil('ice');
    trace.useServers([STUN, TURN]);
    for (const line of [HOST, SRFLX]) trace.candidate('local', line);
    trace.candidate('remote', SRFLX);
    trace.path('relay', 'failed');
    expect(explained(trace)).toMatch(
      /a firewall or a strict router stands between you\. .*1 TURN server that gave no address, the relay, which did not open\. The relay did not open either\./,
    );
  });

  test('neither STUN nor TURN: only one network can work', () => {
    const trace = traceUntil('ice');
    trace.useServers([]);
    trace.candidate('local', HOST);
    trace.candidate('remote', HOST);
    expect(explained(trace)).toMatch(
      /only players on the same network can meet\. Tried: 1 local address, no STUN server, no TURN server\./,
    );
  });

  test.each([
    [401, /refused the credentials/, /Tried: 1 TURN server that refused this server's credentials\./],
    [701, /did not answer: it is down/, /Tried: 1 TURN server that gave no address\./],
  ])('TURN alone is allowed, and failed with %i', (code, says, tried) => {
    const trace = traceUntil('ice');
    trace.useServers([TURN], 'relay');
    trace.iceError(code);
    expect(explained(trace)).toMatch(says);
    expect(explained(trace)).toMatch(tried);
  });

  test('a browser that offers no address is suspected of blocking WebRTC, on either side', () => {
    const here = traceUntil('ice');
    here.useServers([STUN]);
    here.candidate('remote', HOST);
    expect(explained(here)).toMatch(/Your browser offered no address .* extension/);
    const there = traceUntil('ice');
    there.useServers([STUN]);
    there.candidate('local', HOST);
    expect(explained(there)).toMatch(/The host's browser offered no address .* ask the host/);
  });

  test.each([
    ['answer', /no answer came.*Ask the host to look at their tab/],
    ['dtls', /A path to the host's browser was found, but the encrypted connection/],
    ['channels', /stood, but no data came through/],
  ] as const)('a dial that ends at %s says so', (step, says) => {
    const trace = traceUntil(step);
    expect(explainJoin(trace, UNREACHABLE).step).toBe(step);
    expect(explained(trace)).toMatch(says);
  });

  test('how often it was tried is told', () => {
    const trace = traceUntil('ice');
    trace.begin('answer');
    trace.done('answer');
    trace.begin('ice');
    expect(explained(trace)).toMatch(/Tried 2 times: /);
  });

  test('a server that answers, but whose WebSocket does not open, is told apart from one that is gone', () => {
    const error = { reason: 'broker-unreachable', message: 'The server cannot be reached.' };
    const proxied = new JoinTrace(new VirtualClock());
    for (const step of ['config', 'code'] as const) {
      proxied.begin(step);
      proxied.done(step);
    }
    proxied.begin('broker');
    expect(explainJoin(proxied, error)).toMatchObject({ step: 'broker', what: 'The server answers, but its WebSocket does not open.' });
    const gone = new JoinTrace(new VirtualClock());
    for (const step of ['config', 'code'] as const) gone.begin(step);
    gone.fail('config');
    expect(explainJoin(gone, error)).toMatchObject({ step: 'config', what: error.message });
    gone.done('code');
    expect(explainJoin(gone, error)).toMatchObject({
      step: 'config',
      what: expect.stringMatching(/^The server answers, but it did not tell/),
    });
  });

  test('a host who left is told apart from one who sleeps', () => {
    const error = { reason: 'host-gone', message: 'The host is not there any more.' };
    expect(explainJoin(traceUntil('answer'), error)).toMatchObject({ step: 'answer', what: error.message });
    expect(explainJoin(traceUntil('hello'), error)).toMatchObject({
      step: 'hello',
      what: expect.stringMatching(/game there does not answer/),
    });
  });

  test('over the relay the host was reached, whatever became of the direct path', () => {
    const trace = traceUntil('ice');
    trace.path('relay', 'open');
    trace.begin('hello');
    expect(explainJoin(trace, { reason: 'host-gone', message: '' })).toMatchObject({ step: 'hello' });
    expect(explainJoin(trace, { reason: 'locked', message: 'locked' })).toMatchObject({ step: 'hello', what: 'locked' });
  });

  test('a refusal keeps the words of whoever refused', () => {
    expect(explainJoin(traceUntil('hello'), { reason: 'full', message: 'This lobby is full.' })).toEqual({
      step: 'hello',
      what: 'This lobby is full.',
      tried: '',
      advice: '',
    });
  });
});

test('the text for a bug report holds all steps, and no address, port or server', () => {
  const clock = new VirtualClock();
  const trace = traceUntil('ice', clock);
  trace.useServers([STUN, TURN]);
  for (const line of [HOST, MDNS, SRFLX, RELAY]) {
    trace.candidate('local', line);
    trace.candidate('remote', line);
  }
  trace.iceError(701);
  trace.path('direct', 'failed');
  trace.path('relay', 'not-allowed');
  trace.state('ice', 'checking');
  clock.advance(12_000);
  trace.fail('ice');
  const text = joinReportText(trace, UNREACHABLE);
  expect(text).toBe(
    [
      'join: failed, unreachable, while finding a path to the host',
      'config: 0 ms to 0 ms',
      'broker: 0 ms to 0 ms',
      'code: 0 ms to 0 ms',
      'answer: 0 ms to 0 ms',
      'ice: 0 ms to failed at 12000 ms',
      'servers: 1 STUN, 1 TURN',
      'candidates here: 2 host udp, 1 srflx udp, 1 relay udp; there: 2 host udp, 1 srflx udp, 1 relay udp',
      'paths: direct failed, relay not-allowed',
      'ICE errors: 701 x1',
      'states: ice checking 0',
    ].join('\n'),
  );
  for (const secret of ['192.168', '203.0', '198.51', '46154', 'example', '.local']) expect(text).not.toContain(secret);
});
