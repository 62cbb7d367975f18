/** Whether a connection goes through a TURN server, by statistics as browsers give them. */
import { describe, expect, test, vi } from 'vitest';
import { watchSelectedPath } from '../../../netcode/transport/selected-path.ts';

type Stats = readonly Readonly<Record<string, unknown>>[];

const candidates = (local: string, remote: string): Stats => [
  { id: 'L', type: 'local-candidate', candidateType: local },
  { id: 'R', type: 'remote-candidate', candidateType: remote },
];
const pair = { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' };
const chromium = (local: string, remote: string): Stats => [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
  pair,
  ...candidates(local, remote),
];
const firefox = (local: string, remote: string): Stats => [{ ...pair, selected: true }, ...candidates(local, remote)];

function connectionWith(getStats: () => Promise<unknown>): { connection: RTCPeerConnection; change: () => void } {
  const iceTransport = new EventTarget();
  const connection = { getStats, sctp: { transport: { iceTransport } } } as unknown as RTCPeerConnection;
  return { connection, change: () => void iceTransport.dispatchEvent(new Event('selectedcandidatepairchange')) };
}

const statsOf = (stats: Stats) => async () => new Map(stats.map((entry) => [entry['id'], entry]));

describe('the selected pair', () => {
  test.each([
    ['Chromium', 'host', 'srflx', chromium('host', 'srflx'), 'direct'],
    ['Chromium', 'relay', 'host', chromium('relay', 'host'), 'turn'],
    ['Chromium', 'prflx', 'relay', chromium('prflx', 'relay'), 'turn'],
    ['Firefox', 'host', 'host', firefox('host', 'host'), 'direct'],
    ['Firefox', 'host', 'relay', firefox('host', 'relay'), 'turn'],
  ])('in %s from %s to %s', async (_, local, remote, stats, path) => {
    const told: string[] = [];
    const stop = watchSelectedPath(connectionWith(statsOf(stats)).connection, (now) => told.push(now));
    await vi.waitFor(() => expect(told).toEqual([path]));
    expect([local, remote]).not.toEqual([]);
    stop();
  });

  test('is asked for again when it changes, until nobody listens', async () => {
    let stats = chromium('relay', 'host');
    const told: string[] = [];
    const { connection, change } = connectionWith(() => statsOf(stats)());
    const stop = watchSelectedPath(connection, (now) => told.push(now));
    await vi.waitFor(() => expect(told).toEqual(['turn']));
    stats = chromium('host', 'host');
    change();
    await vi.waitFor(() => expect(told).toEqual(['turn', 'direct']));
    stop();
    change();
    await Promise.resolve();
    expect(told.length).toBe(2);
  });

  test.each([
    ['nothing that tells', statsOf([{ id: 'x', type: 'codec' }])],
    ['an error', () => Promise.reject(new Error('closed'))],
  ])('with %s says nothing', async (_, getStats) => {
    const told: string[] = [];
    const asked = vi.fn(getStats);
    const stop = watchSelectedPath(connectionWith(asked).connection, (now) => told.push(now));
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    await asked.mock.results[0]!.value.catch(() => undefined);
    expect(told).toEqual([]);
    stop();
  });
});
