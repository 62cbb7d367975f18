/** What the driver asks of a codec: ours and each one it is compared with implement this in a file of their own. */
import type { Frame, FrameTable, Trace } from './trace.ts';

export interface Codec {
  readonly name: string;
  /**
   * What a packet is coded against. `nothing`: it holds the whole state and depends on no other. `acked`: a frame (or,
   * per entity, several) known to have arrived. `sent`: the packet before, so every packet must arrive, in order.
   */
  readonly codedAgainst: 'nothing' | 'acked' | 'sent';
  /** Whether it gets the entities' real ids or small ones counted from 1 (see `renumbered`). */
  readonly ids: 'real' | 'small';
  open(trace: Trace): Link;
}

/** One sender and one receiver. The driver calls `load`, `capture`, `acknowledge`, `encode`, then perhaps `decode`, frame by frame. */
export interface Link {
  /** Puts the frame into the form in which a game that uses this codec would hold its state. Not timed. */
  load(frame: Frame): void;
  /** Work done once a tick for all clients. Timed by itself. */
  capture?(): void;
  /** The client has the frame with this index. Timed as part of encoding. */
  acknowledge?(index: number): void;
  /** The packet for the frame last loaded; valid until the next call. */
  encode(): Uint8Array;
  decode(bytes: Uint8Array): void;
  /** What the receiver holds after `decode`. Not timed. */
  decoded(): readonly FrameTable[];
  /** Entities that the packet last encoded leaves to a later one, for want of room. */
  heldBack?(): ReadonlySet<number>;
}
