/** What a sender can do with unreliable channels: the candidates that the experiment compares. */

export interface Strategy {
  readonly name: string;
  readonly what: string;
  /** Peer connections, each with an association of its own. */
  readonly connections: number;
  /**
   * When a packet may go: `always`; `idle`, where nothing waits in the browser; `flight`, where besides fewer than `flightBytes`
   * are neither acknowledged nor given up; `window`, as `flight`, but as many bytes as SCTP's own window is believed to let through.
   * `flight` and `window` senders that were held back send as soon as there is room, the others at the next tick.
   */
  readonly gate: 'always' | 'idle' | 'flight' | 'window';
  readonly flightBytes: number;
  /** Which connection is next: `turns`, one after the other; `awake`, the same but for those that stall; `spare`, one until it stalls. */
  readonly choice: 'turns' | 'awake' | 'spare';
  /** Connections that carry the same packet at the same time. */
  readonly copies: number;
  /** A connection that stalls gets probes of a few bytes instead of states: they never fill the window, and the first that comes through ends the stall. */
  readonly isProbing: boolean;
  /** A connection that carried nothing for so long gets a probe, so that losses are noticed early: SCTP needs three newer packets for that. */
  readonly denseMs: number | undefined;
  /** `maxPacketLifeTime` instead of `maxRetransmits: 0`. */
  readonly lifeTimeMs: number | undefined;
  /** A reliable channel with 20 kB/s: on the (first) connection of the state, or on one that carries no state. */
  readonly reliable: 'none' | 'same' | 'apart';
}

const BARE: Omit<Strategy, 'name' | 'what'> = {
  connections: 1,
  gate: 'always',
  flightBytes: Infinity,
  choice: 'turns',
  copies: 1,
  isProbing: false,
  denseMs: undefined,
  lifeTimeMs: undefined,
  reliable: 'none',
};
const SKIP = { ...BARE, gate: 'idle' } as const;

const flight = (flightBytes: number): Strategy => ({
  ...BARE,
  name: `flight-${flightBytes}`,
  what: `at most ${flightBytes} B unacknowledged`,
  gate: 'flight',
  flightBytes,
});
const turns = (connections: number): Strategy => ({
  ...SKIP,
  name: `turns-${connections}`,
  what: `${connections} connections in turn`,
  connections,
});
const awake = (connections: number): Strategy => ({
  ...SKIP,
  name: `awake-${connections}`,
  what: `${connections} connections in turn, but for those that stall`,
  connections,
  choice: 'awake',
});

const probe = (connections: number): Strategy => ({
  ...SKIP,
  name: `probe-${connections}`,
  what: `${connections} connections in turn, each within SCTP's window as believed, stalls probed`,
  connections,
  gate: 'window',
  choice: 'awake',
  isProbing: true,
});
const dense = (connections: number): Strategy => ({
  ...probe(connections),
  name: `dense-${connections}`,
  what: `probe-${connections}, and a probe wherever nothing went for 30 ms`,
  denseMs: 30,
});

export const STRATEGIES: readonly Strategy[] = [
  { ...BARE, name: 'bare', what: 'sends whatever is queued' },
  { ...SKIP, name: 'skip', what: 'sends only where nothing waits' },
  { ...SKIP, name: 'lifetime', what: 'skip, with maxPacketLifeTime 50', lifeTimeMs: 50 },
  flight(1200),
  flight(2400),
  flight(4700),
  turns(2),
  turns(3),
  turns(4),
  awake(2),
  awake(3),
  awake(4),
  probe(1),
  probe(2),
  probe(4),
  dense(2),
  dense(4),
  { ...SKIP, name: 'spare-2', what: 'one connection until it stalls, then the other', connections: 2, choice: 'spare' },
  { ...SKIP, name: 'twice-2', what: 'the same packet on 2 connections', connections: 2, copies: 2 },
  { ...SKIP, name: 'twice-4', what: 'the same packet on 2 of 4 connections, in turn', connections: 4, choice: 'awake', copies: 2 },
  { ...dense(2), name: 'twice-dense-2', what: 'dense-2, the same packet on both', copies: 2 },
  { ...SKIP, name: 'reliable-same', what: 'skip, with 20 kB/s reliable on the same connection', reliable: 'same' },
  { ...SKIP, name: 'reliable-apart', what: 'skip, with 20 kB/s reliable on another connection', reliable: 'apart' },
  { ...probe(2), name: 'probe-2-reliable', what: 'probe-2, with 20 kB/s reliable on the first of the two', reliable: 'same' },
];
