/** What a dial tries where the server, or the lobby, has no relay, and what is told of it. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { explainJoin } from '../../../netcode/transport/join-report.ts';
import { JoinTrace } from '../../../netcode/transport/join-trace.ts';
import { dialPaths } from '../../../netcode/transport/path-dial.ts';
import { DialError, type DialFailure, type Transport } from '../../../netcode/transport/transport.ts';

const HOST = 'host' as PeerId;
const HOST_CANDIDATE = 'candidate:842163049 1 udp 1677729535 192.168.1.7 46154 typ host';

/** Whose dials all fail. */
function failing(failure: DialFailure, { isReachable = true } = {}): Transport & { dials: number } {
  const transport = {
    localId: 'me' as PeerId,
    isReachable,
    dials: 0,
    accept: () => undefined,
    connect: () => {
      transport.dials += 1;
      return Promise.reject(new DialError(failure, 'as told'));
    },
    close: () => undefined,
  };
  return transport;
}

/** A join that came as far as finding a path. */
function traceOfDial(): JoinTrace {
  const trace = new JoinTrace(new VirtualClock());
  for (const step of ['config', 'broker', 'code', 'answer'] as const) trace.done(step);
  trace.begin('ice');
  trace.useServers([{ urls: 'stun:stun.example.org' }]);
  for (const side of ['local', 'remote'] as const) trace.candidate(side, HOST_CANDIDATE);
  return trace;
}

test.each([
  ['the server has none', 'none', { hasRelay: false, code: 'K7QX2M' }],
  ['the lobby allows none', 'not-allowed', { hasRelay: true, code: undefined }],
] as const)('[PATH18] no relay is tried where %s, and the trace says so to the end', async (_, outcome, { hasRelay, code }) => {
  const trace = traceOfDial();
  trace.path('relay', outcome);
  const [direct, relay] = [failing('unreachable'), failing('unreachable', { isReachable: hasRelay })];
  const waits: number[] = [];
  const after = (ms: number) => {
    waits.push(ms);
    return () => undefined;
  };
  const dialling = dialPaths({ remoteId: HOST, direct, relay, after, options: { timeoutMs: 12_000, relay: { code }, trace } });
  await expect(dialling).rejects.toMatchObject({ failure: 'unreachable' });
  expect([direct.dials, relay.dials, waits, trace.paths.get('relay')]).toEqual([1, 0, [], outcome]);
  const { what, tried, advice } = explainJoin(trace, { reason: 'unreachable', message: '' });
  // Nobody is sent to a host who could do nothing about it.
  expect(`${what} ${tried} ${advice}`.includes('relay')).toBe(outcome === 'not-allowed');
});

test('the relay is tried as soon as the direct path is known not to open, and what both said is told', async () => {
  const trace = traceOfDial();
  const [direct, relay] = [failing('unreachable'), failing('unreachable')];
  const dialling = dialPaths({
    remoteId: HOST,
    direct,
    relay,
    after: () => () => undefined,
    options: { timeoutMs: 12_000, relay: { code: 'K7QX2M' }, trace },
  });
  await expect(dialling).rejects.toMatchObject({ failure: 'unreachable' });
  expect([direct.dials, relay.dials, trace.paths.get('relay')]).toEqual([1, 1, 'failed']);
  expect(explainJoin(trace, { reason: 'unreachable', message: '' }).advice).toContain('The relay did not open either.');
});
