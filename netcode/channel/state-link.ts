/** What host and client need of a link: its state channel. Any transport's `Link` is one. */
export interface StateLink {
  /** Bytes handed to a lane (default: the first) that have not left this machine; Infinity if it is not open. */
  stateBufferedBytes(lane?: number): number;
  sendState(bytes: Uint8Array, lane?: number): boolean;
  /**
   * Whether what waits for SCTP's window does not show in `stateBufferedBytes`: libdatachannel takes it into a buffer of its own. There the
   * sender has to know the window by itself. Default: false.
   */
  readonly hidesQueue?: boolean;
  /** How often the link went over to another path; what was learnt of the one before says nothing of this one. Default: 0, for ever. */
  readonly pathChanges?: number | undefined;
  /**
   * Whether state goes over a stream, such as a relay's WebSocket: in order, with a window of its own, which alone says whether there is room.
   * Nothing is known of SCTP there. Default: false.
   */
  readonly isStream?: boolean | undefined;
  /** Asks for so many lanes, to be opened in the background. It may be asked again and again. */
  openLanes(count: number): void;
  /** Says that what is sent seems not to arrive. It may be said again and again. */
  doubt?(): void;
  receiveState(): { readonly bytes: Uint8Array; readonly atMs: number } | undefined;
}
