/** What became of packets, from two players' logs: a packet that came has the hash of one that went. */
import type { Packet } from './player.ts';

export const INPUT = 1;
export const SNAPSHOT = 2;

/** A packet that came. */
export interface Delivery {
  readonly sentAtMs: number;
  readonly packet: Packet;
}

/** The packets of this type that came to one from the other, in order of arrival. */
export function deliveriesOf(sent: readonly Packet[], received: readonly Packet[], type: number): Delivery[] {
  const sentAtMs = new Map<number, number>();
  for (const { hash, atMs, type: ofType } of sent) {
    // Sent twice (by two channels, say), it is as old as the first time.
    if (ofType === type && !sentAtMs.has(hash)) sentAtMs.set(hash, atMs);
  }
  return received.flatMap((packet) => {
    const atMs = packet.type === type ? sentAtMs.get(packet.hash) : undefined;
    return atMs === undefined ? [] : [{ sentAtMs: atMs, packet }];
  });
}

/** When each was made (sent, that is) and when it arrived, alternating, as `agesOf` takes them. */
export function timesOf(deliveries: readonly Delivery[]): number[] {
  return deliveries.flatMap(({ sentAtMs, packet }) => [sentAtMs, packet.atMs]);
}

export interface Waiting {
  /** Bytes in a channel's send buffer right after a send, that packet included. */
  readonly bytesMax: number;
  /** Sends that found something waiting there: more than one packet waited after them. */
  readonly sends: number;
}

export function waitingOf(sent: readonly Packet[]): Waiting {
  return {
    bytesMax: sent.reduce((most, { waiting }) => Math.max(most, waiting), 0),
    sends: sent.filter(({ waiting, bytes }) => waiting > bytes).length,
  };
}

export interface Stream {
  readonly perSecond: number;
  readonly bytesMean: number;
}

export function streamOf(packets: readonly Packet[], seconds: number): Stream {
  const bytes = packets.reduce((sum, packet) => sum + packet.bytes, 0);
  return { perSecond: packets.length / seconds, bytesMean: packets.length === 0 ? 0 : bytes / packets.length };
}
