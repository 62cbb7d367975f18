/** How a peer notices that its broker is gone, on a PeerJS peer that does as it is told. Real ones are in the contract tests. */
import { EventEmitter } from 'node:events';
import type { Peer } from 'peerjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PeerBroker } from '../../../netcode/transport/peerjs-broker.ts';

class FakePeer extends EventEmitter {
  readonly id = 'me';
  open = false;
  disconnected = false;
  destroyed = false;
  readonly said: { readonly type: string; readonly dst: string }[] = [];
  readonly socket = { send: (frame: { readonly type: string; readonly dst: string }) => this.said.push(frame) };
  reconnects = 0;

  begin(): void {
    this.open = true;
    this.disconnected = false;
    this.emit('open');
  }

  disconnect(): void {
    this.open = false;
    this.disconnected = true;
    this.emit('disconnected');
  }

  reconnect(): void {
    this.reconnects += 1;
    this.begin();
  }
}

async function opened(): Promise<{ peer: FakePeer; broker: PeerBroker }> {
  const peer = new FakePeer();
  const opening = PeerBroker.open(peer as unknown as Peer, 'http://broker');
  peer.begin();
  return { peer, broker: await opening };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a broker that hands back what a peer says to itself is left alone', async () => {
  const { peer, broker } = await opened();
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(15_000);
    broker.hear();
  }
  expect(peer.said).toHaveLength(20);
  expect(peer.said[0]).toMatchObject({ type: 'OFFER', dst: 'me' });
  expect(peer.reconnects).toBe(0);
  broker.close();
});

test('a broker that hands back nothing any more is left within a minute, and found again over a new socket', async () => {
  const { peer, broker } = await opened();
  await vi.advanceTimersByTimeAsync(44_000);
  expect([peer.said.length, peer.reconnects]).toEqual([2, 0]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([peer.reconnects, broker.isReachable]).toEqual([1, true]);
  await vi.advanceTimersByTimeAsync(16_000);
  expect(peer.said).toHaveLength(3);
  broker.close();
});

test('nothing is asked of a broker that is known to be lost, nor after the end', async () => {
  const { peer, broker } = await opened();
  peer.reconnect = () => undefined;
  peer.disconnect();
  await vi.advanceTimersByTimeAsync(60_000);
  broker.close();
  peer.open = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(peer.said).toEqual([]);
});
