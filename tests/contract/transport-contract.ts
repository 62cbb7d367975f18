/**
 * The rules of `Transport` and `Link` as one suite that every transport passes: in memory, through a simulated bad network,
 * and over real WebRTC in Node and in a browser. What a rule may assume of the network is in the harness, not in the rule.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PeerId } from '../../netcode/core/ids.ts';
import {
  CONTROL_INBOX_MESSAGES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  DialError,
  type Link,
  STATE_INBOX_PACKETS_MAX,
  STATE_PACKET_BYTES_MAX,
  type Transport,
} from '../../netcode/transport/transport.ts';
import { laneRules } from './lane-rules.ts';

export interface TransportHarness {
  /** Whether every state packet arrives, in order. */
  readonly isPerfect: boolean;
  /** State lanes of a link, when all are asked for. */
  readonly lanesMax: number;
  createTransport(): Promise<Transport>;
  /** Lets time pass until the condition holds. Rejects when it does not for a long time. */
  until(isTrue: () => boolean): Promise<void>;
  /** Lets time pass until the promise settles. */
  settled<T>(promise: Promise<T>): Promise<T>;
  /** Closes every transport it created. */
  dispose(): Promise<void>;
}

/** Dials over a bad network take seconds; tests of failing dials do not wait for this. */
const DIAL_TIMEOUT_MS = 30_000;

export function transportContract(name: string, makeHarness: () => TransportHarness): void {
  describe(`the transport contract over ${name}`, () => {
    let harness: TransportHarness;
    let hostTransport: Transport;
    let guestTransport: Transport;

    beforeEach(async () => {
      harness = makeHarness();
      hostTransport = await harness.createTransport();
      guestTransport = await harness.createTransport();
    });
    afterEach(() => harness.dispose());

    async function accept(): Promise<Link> {
      let link: Link | undefined;
      await harness.until(() => (link = hostTransport.accept()) !== undefined);
      return link!;
    }

    async function connect(): Promise<{ host: Link; guest: Link }> {
      const guest = await harness.settled(guestTransport.connect(hostTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS }));
      return { host: await accept(), guest };
    }

    async function dialFailure(dial: Promise<Link>): Promise<string> {
      const error: unknown = await harness.settled(
        dial.then(
          () => undefined,
          (reason: unknown) => reason,
        ),
      );
      expect(error).toBeInstanceOf(DialError);
      return (error as DialError).failure;
    }

    /** Sends the same state packet until one arrives, whatever is lost. */
    async function untilStateArrives(from: Link, to: Link, bytes: Uint8Array, lane = 0): Promise<Uint8Array> {
      let received: Uint8Array | undefined;
      await harness.until(() => {
        if (from.stateBufferedBytes(lane) === 0) from.sendState(bytes, lane);
        return (received = to.receiveState()?.bytes) !== undefined;
      });
      return received!;
    }

    describe('dialling', () => {
      test('opens a link on both sides, each naming the other', async () => {
        const { host, guest } = await connect();
        expect([host.remoteId, guest.remoteId]).toEqual([guestTransport.localId, hostTransport.localId]);
        expect([host.end, guest.end]).toEqual([undefined, undefined]);
        expect(hostTransport.accept()).toBeUndefined();
      });

      test('leaves nothing waiting on either side', async () => {
        const { host, guest } = await connect();
        await harness.until(() => host.stateBufferedBytes() === 0 && guest.stateBufferedBytes() === 0);
      });

      test('fails with peer-unknown for an id that nobody has', async () => {
        expect(await dialFailure(guestTransport.connect('nobody-has-this-id' as PeerId, { timeoutMs: DIAL_TIMEOUT_MS }))).toBe(
          'peer-unknown',
        );
      });

      test('fails with peer-unknown for its own id', async () => {
        expect(await dialFailure(guestTransport.connect(guestTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS }))).toBe('peer-unknown');
      });

      test('fails with cancelled when the signal was aborted before', async () => {
        const options = { timeoutMs: DIAL_TIMEOUT_MS, signal: AbortSignal.abort() };
        expect(await dialFailure(guestTransport.connect(hostTransport.localId, options))).toBe('cancelled');
      });

      test('can be tried again after it failed', async () => {
        expect(await dialFailure(guestTransport.connect('nobody-has-this-id' as PeerId, { timeoutMs: DIAL_TIMEOUT_MS }))).toBe(
          'peer-unknown',
        );
        const { host, guest } = await connect();
        expect([host.end, guest.end]).toEqual([undefined, undefined]);
      });

      test('fails with cancelled on a closed transport', async () => {
        guestTransport.close();
        expect(guestTransport.isReachable).toBe(false);
        expect(await dialFailure(guestTransport.connect(hostTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS }))).toBe('cancelled');
      });

      test('opens eight links on one host at once, each its own', async () => {
        const guests = await Promise.all(Array.from({ length: 8 }, () => harness.createTransport()));
        const dials = Promise.all(guests.map((guest) => guest.connect(hostTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS })));
        const links = await harness.settled(dials);
        links.forEach((link, index) => link.sendControl(Uint8Array.of(index)));
        const received = new Map<PeerId, number>();
        for (let i = 0; i < links.length; i++) {
          const link = await accept();
          await harness.until(() => {
            const message = link.receiveControl();
            if (message !== undefined) received.set(link.remoteId, message.bytes[0]!);
            return message !== undefined;
          });
        }
        expect(received).toEqual(new Map(guests.map((guest, index) => [guest.localId, index])));
      });
    });

    describe('control', () => {
      test('arrives complete and in order, at every size up to the maximum, from a buffer that is used again', async () => {
        const { host, guest } = await connect();
        const buffer = new Uint8Array(CONTROL_MESSAGE_BYTES_MAX);
        const sizeOf = (index: number) => (index % 50 === 0 ? CONTROL_MESSAGE_BYTES_MAX : 4 + ((index * 37) % 400));
        let sent = 0;
        let received = 0;
        while (sent < 1_000) {
          for (let i = 0; i < 100; i++, sent++) {
            fillNumbered(buffer, sent);
            expect(guest.sendControl(buffer.subarray(0, sizeOf(sent)))).toBe(true);
          }
          await harness.until(() => {
            for (let message = host.receiveControl(); message !== undefined; message = host.receiveControl()) {
              expectNumbered(message.bytes, received, sizeOf(received));
              received += 1;
            }
            return received === sent;
          });
        }
        expect(received).toBe(1_000);
      });

      test('flows both ways', async () => {
        const { host, guest } = await connect();
        guest.sendControl(Uint8Array.of(1));
        host.sendControl(Uint8Array.of(2));
        expect(await nextControl(host)).toEqual(Uint8Array.of(1));
        expect(await nextControl(guest)).toEqual(Uint8Array.of(2));
      });

      test('refuses what is empty or above the maximum by throwing, and stays open', async () => {
        const { host, guest } = await connect();
        expect(() => guest.sendControl(new Uint8Array(CONTROL_MESSAGE_BYTES_MAX + 1))).toThrow(RangeError);
        expect(() => guest.sendControl(new Uint8Array(0))).toThrow(RangeError);
        guest.sendControl(Uint8Array.of(3));
        expect(await nextControl(host)).toEqual(Uint8Array.of(3));
      });

      test('that is never read ends the link with overflow', async () => {
        const { host, guest } = await connect();
        for (let i = 0; i <= CONTROL_INBOX_MESSAGES_MAX; i++) guest.sendControl(Uint8Array.of(i));
        await harness.until(() => host.end !== undefined && guest.end !== undefined);
        expect([host.end, guest.end]).toEqual(['overflow', 'closed-there']);
        for (let i = 0; i < CONTROL_INBOX_MESSAGES_MAX; i++) expect(host.receiveControl()?.bytes).toEqual(Uint8Array.of(i));
        expect(host.receiveControl()).toBeUndefined();
      });
    });

    describe('state', () => {
      test('arrives intact at every size, from a buffer that is used again', async () => {
        const { host, guest } = await connect();
        const buffer = new Uint8Array(STATE_PACKET_BYTES_MAX);
        let received = 0;
        const drain = () => {
          for (let packet = host.receiveState(); packet !== undefined; packet = host.receiveState()) {
            expectNumbered(packet.bytes, packet.bytes[0]!, packet.bytes.byteLength);
            received += 1;
          }
        };
        for (let size = 1; size <= STATE_PACKET_BYTES_MAX; size = size < 8 ? size + 1 : Math.min(size * 2, STATE_PACKET_BYTES_MAX)) {
          fillNumbered(buffer, size);
          const before = received;
          await harness.until(() => {
            if (guest.stateBufferedBytes() === 0) guest.sendState(buffer.subarray(0, size));
            drain();
            return received > before;
          });
          if (size === STATE_PACKET_BYTES_MAX) break;
        }
        expect(host.counters.malformedDropped).toBe(0);
      });

      test('flows both ways', async () => {
        const { host, guest } = await connect();
        expect(await untilStateArrives(host, guest, Uint8Array.of(7, 8))).toEqual(Uint8Array.of(7, 8));
        expect(await untilStateArrives(guest, host, Uint8Array.of(9))).toEqual(Uint8Array.of(9));
      });

      test('refuses what is empty or above the maximum by throwing, and stays open', async () => {
        const { host, guest } = await connect();
        expect(() => guest.sendState(new Uint8Array(STATE_PACKET_BYTES_MAX + 1))).toThrow(RangeError);
        expect(() => guest.sendState(new Uint8Array(0))).toThrow(RangeError);
        expect(await untilStateArrives(guest, host, Uint8Array.of(1))).toEqual(Uint8Array.of(1));
      });

      test('that is not read in time loses the oldest packets, and counts them', async () => {
        const { host, guest } = await connect();
        let sent = 0;
        await harness.until(() => {
          while (guest.stateBufferedBytes() === 0 && sent - host.counters.statePacketsIn < 64 && host.counters.stateInboxDropped < 10) {
            guest.sendState(Uint8Array.of(sent & 0xff, sent >> 8));
            sent += 1;
            if (!harness.isPerfect) break;
          }
          return host.counters.stateInboxDropped >= 10;
        });
        const { statePacketsIn, stateInboxDropped } = host.counters;
        const first = host.receiveState();
        let drained = 1;
        while (host.receiveState() !== undefined) drained += 1;
        expect(drained).toBeGreaterThanOrEqual(STATE_INBOX_PACKETS_MAX);
        expect(statePacketsIn - stateInboxDropped).toBe(STATE_INBOX_PACKETS_MAX);
        if (harness.isPerfect) expect(first?.bytes).toEqual(Uint8Array.of(stateInboxDropped & 0xff, stateInboxDropped >> 8));
      });

      test('does not wait for control that nobody reads', async () => {
        const { host, guest } = await connect();
        const large = new Uint8Array(CONTROL_MESSAGE_BYTES_MAX);
        for (let i = 0; i < 8; i++) expect(guest.sendControl(large)).toBe(true);
        // What control has waiting counts on the first lane: this sends all the same.
        await harness.until(() => {
          guest.sendState(Uint8Array.of(5));
          return host.receiveState() !== undefined;
        });
        await harness.until(() => host.counters.controlMessagesIn === 8);
        expect([host.end, guest.end]).toEqual([undefined, undefined]);
      });
    });

    laneRules({ harness: () => harness, connect, untilStateArrives, nextControl });

    describe('counters', () => {
      test('count messages and payload bytes on both sides', async () => {
        const { host, guest } = await connect();
        for (const size of [1, 100, 5_000]) guest.sendControl(new Uint8Array(size));
        for (const size of [1, 100, STATE_PACKET_BYTES_MAX]) guest.sendState(new Uint8Array(size));
        expect(guest.counters).toMatchObject({
          controlMessagesOut: 3,
          controlBytesOut: 5_101,
          statePacketsOut: 3,
          stateBytesOut: 101 + STATE_PACKET_BYTES_MAX,
          stateSendRefused: 0,
        });
        await harness.until(() => host.counters.controlMessagesIn === 3);
        expect(host.counters).toMatchObject({ controlBytesIn: 5_101, malformedDropped: 0 });
        if (!harness.isPerfect) return;
        await harness.until(() => host.counters.statePacketsIn === 3);
        expect(host.counters.stateBytesIn).toBe(101 + STATE_PACKET_BYTES_MAX);
      });
    });

    describe('the end', () => {
      test('by close is seen on the other side after the messages sent before it', async () => {
        const { host, guest } = await connect();
        for (let i = 0; i < 20; i++) guest.sendControl(Uint8Array.of(i));
        guest.close();
        expect(guest.end).toBe('closed-here');
        await harness.until(() => host.end !== undefined);
        expect(host.end).toBe('closed-there');
        for (let i = 0; i < 20; i++) expect(host.receiveControl()?.bytes).toEqual(Uint8Array.of(i));
        expect(host.receiveControl()).toBeUndefined();
      });

      test('by close is seen the same when the accepting side closes', async () => {
        const { host, guest } = await connect();
        host.sendControl(Uint8Array.of(9));
        host.close();
        await harness.until(() => guest.end !== undefined);
        expect([host.end, guest.end]).toEqual(['closed-here', 'closed-there']);
        expect(guest.receiveControl()?.bytes).toEqual(Uint8Array.of(9));
      });

      test('makes every send return false on both sides', async () => {
        const { host, guest } = await connect();
        guest.close();
        await harness.until(() => host.end !== undefined);
        for (const link of [host, guest]) {
          expect(link.sendControl(Uint8Array.of(1))).toBe(false);
          expect(link.sendState(Uint8Array.of(1))).toBe(false);
          expect(link.counters.stateSendRefused).toBe(1);
          expect(link.stateBufferedBytes()).toBe(0);
        }
      });

      test('never changes once it is set', async () => {
        const { host, guest } = await connect();
        guest.close();
        await harness.until(() => host.end !== undefined);
        host.close();
        guest.close();
        expect([host.end, guest.end]).toEqual(['closed-there', 'closed-here']);
      });

      test('of the transport ends its links, and nobody finds it any more', async () => {
        const { guest } = await connect();
        hostTransport.close();
        await harness.until(() => guest.end !== undefined);
        expect(guest.end).toBe('closed-there');
        // The broker may learn of it a moment later than the guest; an offer sent in that moment is lost.
        const dial = () => dialFailure(guestTransport.connect(hostTransport.localId, { timeoutMs: 1_000 }));
        while ((await dial()) === 'unreachable');
        expect(await dialFailure(guestTransport.connect(hostTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS }))).toBe('peer-unknown');
      });

      test('of one link leaves the others of a host alone', async () => {
        const { host: first, guest } = await connect();
        const otherTransport = await harness.createTransport();
        const other = await harness.settled(otherTransport.connect(hostTransport.localId, { timeoutMs: DIAL_TIMEOUT_MS }));
        const second = await accept();
        guest.close();
        await harness.until(() => first.end !== undefined);
        other.sendControl(Uint8Array.of(4));
        expect(await nextControl(second)).toEqual(Uint8Array.of(4));
        expect(second.end).toBeUndefined();
      });
    });

    async function nextControl(link: Link): Promise<Uint8Array> {
      let bytes: Uint8Array | undefined;
      await harness.until(() => (bytes = link.receiveControl()?.bytes) !== undefined);
      return bytes!;
    }
  });
}

/** Contents that name their message: any mix-up of buffers or order shows. */
function fillNumbered(buffer: Uint8Array, number: number): void {
  for (let i = 0; i < buffer.byteLength; i++) buffer[i] = (number + i * 7) & 0xff;
}

function expectNumbered(bytes: Uint8Array, number: number, sizeBytes: number): void {
  expect(bytes.byteLength).toBe(sizeBytes);
  const isWhole = bytes.every((byte, i) => byte === ((number + i * 7) & 0xff));
  expect(isWhole, `message ${number} of ${sizeBytes} B`).toBe(true);
}
