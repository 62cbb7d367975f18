/** A room's figures, for graphs and bug reports. */

/** Plain JSON; every counter only grows. Rates are over the last second. */
export interface RoomStats {
  readonly role: 'host' | 'guest';
  /** The tick this page's player lives in: ahead of the host's on a guest, so that inputs arrive in time. */
  readonly tick: number;
  /** The newest tick simulated (host) or received (guest). */
  readonly hostTick: number;
  /** Round trip to the host over the state channel, smoothed; 0 on the host. */
  readonly rttMs: number;
  readonly jitterMs: number;
  /** Snapshots that never arrived, of the last 128, in percent. */
  readonly lossPct: number;
  readonly snapshotsPerSecond: number;
  /** Snapshots so far, received by this page's player, that had no room for everything and left some of it to the next ones. */
  readonly incompleteSnapshots: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** State lanes that are open, over all links: each is an association of its own. */
  readonly stateLanes: number;
  /** Times that a lane stalled: its packets went unanswered for longer than a round trip. */
  readonly laneStalls: number;
  /** Times that a packet had to wait, because path or window had no room for it; it was then made of newer state. */
  readonly heldBackPackets: number;
  /** Packets sent a second time over another lane, because the path loses some. */
  readonly repeatedPackets: number;
  /** Times that a path's rate was cut, because a queue stood before it. */
  readonly rateCuts: number;
  /** The queue that stands before the slowest path, as far as what this page sends meets it. */
  readonly queueMs: number;
  /** Bytes a second, overhead included, that this page may send on the path that carries least; 0 without a path. */
  readonly paceBytesPerSecond: number;
  /** How old the newest received snapshot's state is now. */
  readonly snapshotAgeMs: number;
  /** How far in the past others are drawn, behind the newest that could have arrived. */
  readonly interpolationDelayMs: number;
  /** How far this player lives ahead of the snapshots that arrive now: the round trip, and what lateness of inputs asks for. */
  readonly inputLeadMs: number;
  /** How far the others on the screen lie behind the player's own things: what the host goes back by to judge a shot. */
  readonly viewDelayMs: number;
  /** How much faster the host's clock runs than this page's, in millionths. */
  readonly clockDriftPpm: number;
  /** Times that a clock was set instead of steered. */
  readonly clockSnaps: number;
  /** Ticks replayed for the newest snapshot. */
  readonly predictedTicks: number;
  /** Snapshots that disagreed with the prediction. */
  readonly corrections: number;
  /** False while this machine is too slow to predict: then everything is drawn as it was received. */
  readonly isPredicting: boolean;
  /** How often prediction was given up for a while, because this machine was too slow. */
  readonly overloads: number;
  /** Predicted events that did not happen after all (`retract`). */
  readonly retractedEvents: number;
  /** How much older (in ms) what the median guest sees of others is than what the host's own player sees; on a guest as the host says. */
  readonly hostAdvantageMs: number;
  /** Ticks of guests and own player that had to do without their input; 0 on a guest. */
  readonly lateInputs: number;
  /** Ticks of players whose claim of what they saw was not believed as it was; 0 on a guest. */
  readonly refusedClaims: number;
  /** Ticks the host never ran, because its machine slept or was too slow; 0 on a guest. */
  readonly skippedTicks: number;
  /** Events dropped because a rule emitted too many in one tick, or too many waited for a player; 0 on a guest. */
  readonly droppedEvents: number;
  readonly malformedPackets: number;
  readonly droppedPackets: number;
  readonly connectedPeers: number;
  readonly isBrokerReachable: boolean;
  /** The state channel as the browser reports it; undefined on the host's own loopback. */
  readonly stateChannel: { readonly ordered: boolean; readonly maxRetransmits: number | null } | undefined;
}
