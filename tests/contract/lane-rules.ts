/** The part of the transport contract that is about state lanes: which are open when, and that each carries packets. */
import { describe, expect, test } from 'vitest';
import { type Link, STATE_LANES_MAX } from '../../netcode/transport/transport.ts';

/** What the contract has at hand. */
interface Tools {
  /** Made anew for every test. */
  readonly harness: () => { readonly lanesMax: number; until(isTrue: () => boolean): Promise<void> };
  connect(): Promise<{ host: Link; guest: Link }>;
  untilStateArrives(from: Link, to: Link, bytes: Uint8Array, lane: number): Promise<Uint8Array>;
  nextControl(link: Link): Promise<Uint8Array>;
}

export function laneRules({ harness, connect, untilStateArrives, nextControl }: Tools): void {
  describe('lanes', () => {
    const allLanes = () => Array.from({ length: harness().lanesMax }, (_, lane) => lane);
    const isOpen = (link: Link, lane: number) => Number.isFinite(link.stateBufferedBytes(lane));
    const openOn = (link: Link) => Array.from({ length: STATE_LANES_MAX }, (_, lane) => lane).filter((lane) => isOpen(link, lane));

    async function connectLanes(ask: (ends: { host: Link; guest: Link }) => void): Promise<{ host: Link; guest: Link }> {
      const ends = await connect();
      ask(ends);
      await harness().until(() => [ends.host, ends.guest].every((link) => openOn(link).length === harness().lanesMax));
      return ends;
    }

    /** Sends `10 x lane` until it has arrived, on every lane; packets of earlier lanes may still come in between. */
    async function useAll(from: Link, to: Link): Promise<void> {
      for (const lane of allLanes()) {
        const bytes = Uint8Array.of(10 * lane);
        while ((await untilStateArrives(from, to, bytes, lane))[0] !== 10 * lane);
      }
    }

    test('beyond the first are not open before they are asked for: they refuse, and count it', async () => {
      const { host, guest } = await connect();
      for (const link of [host, guest]) {
        expect(openOn(link)).toEqual([0]);
        for (let lane = 1; lane < STATE_LANES_MAX; lane++) expect(link.sendState(Uint8Array.of(1), lane)).toBe(false);
        expect([link.counters.stateSendRefused, link.counters.statePacketsOut]).toEqual([STATE_LANES_MAX - 1, 0]);
      }
    });

    test('that cannot be are never open', async () => {
      const { guest } = await connectLanes(({ guest }) => guest.openLanes(STATE_LANES_MAX));
      for (const lane of [-1, 0.5, STATE_LANES_MAX, NaN]) {
        expect(guest.stateBufferedBytes(lane)).toBe(Infinity);
        expect(guest.sendState(Uint8Array.of(1), lane)).toBe(false);
      }
    });

    test.each(['guest', 'host'] as const)('open on both sides when the %s asks, and each carries packets both ways', async (asker) => {
      const { host, guest } = await connectLanes((ends) => ends[asker].openLanes(STATE_LANES_MAX));
      await useAll(guest, host);
      await useAll(host, guest);
      expect([host.counters.malformedDropped, guest.counters.malformedDropped]).toEqual([0, 0]);
    });

    test('are as many as the side that asked for most wanted', async () => {
      const { host, guest } = await connect();
      const wanted = Math.min(2, harness().lanesMax);
      for (const link of [host, guest]) {
        link.openLanes(2);
        link.openLanes(1);
        link.openLanes(2);
      }
      await harness().until(() => openOn(host).length === wanted && openOn(guest).length === wanted);
      host.openLanes(STATE_LANES_MAX);
      guest.openLanes(1);
      await harness().until(() => openOn(host).length === harness().lanesMax && openOn(guest).length === harness().lanesMax);
      expect([host.counters.malformedDropped, guest.counters.malformedDropped]).toEqual([0, 0]);
    });

    test('leave control in order and complete while they open', async () => {
      const { host, guest } = await connect();
      guest.openLanes(STATE_LANES_MAX);
      for (let i = 0; i < 50; i++) guest.sendControl(Uint8Array.of(i));
      for (let i = 0; i < 50; i++) expect(await nextControl(host)).toEqual(Uint8Array.of(i));
      await harness().until(() => openOn(guest).length === harness().lanesMax);
      expect(host.receiveControl()).toBeUndefined();
      expect(host.counters.controlMessagesIn).toBe(50);
    });

    test('close with the link, on both sides', async () => {
      const { host, guest } = await connectLanes(({ guest }) => guest.openLanes(STATE_LANES_MAX));
      host.close();
      await harness().until(() => guest.end !== undefined);
      for (const link of [host, guest]) {
        const refusedBefore = link.counters.stateSendRefused;
        link.openLanes(STATE_LANES_MAX);
        expect(openOn(link)).toEqual([0]);
        for (const lane of allLanes()) expect(link.sendState(Uint8Array.of(1), lane)).toBe(false);
        expect(link.counters.stateSendRefused).toBe(refusedBefore + harness().lanesMax);
      }
    });
  });
}
