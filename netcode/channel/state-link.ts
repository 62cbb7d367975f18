/** What host and client need of a link: its state channel. Any transport's `Link` is one. */
export interface StateLink {
  /** Bytes handed to the channel that have not left this machine. */
  readonly stateBufferedBytes: number;
  sendState(bytes: Uint8Array): boolean;
  receiveState(): { readonly bytes: Uint8Array; readonly atMs: number } | undefined;
}
