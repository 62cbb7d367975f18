/** What our game is compared with: streams of packets as large as its snapshots, 60 a second, over what people commonly use. */
export const STREAM_KINDS = ['ideal', 'bare', 'websocket', 'peerjs-reliable', 'peerjs-unreliable', 'ours'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

/** As large as the game's snapshots were on the same network, or of so many bytes. */
export type Payload = 'game' | number;

export const STREAM_MEANINGS: Readonly<Record<StreamKind, string>> = {
  ideal: 'datagrams without congestion control, as large on the wire',
  bare: 'a channel with maxRetransmits 0, whatever is waiting',
  websocket: "a WebSocket by way of a relay on the sender's side",
  'peerjs-reliable': 'a PeerJS connection, reliable',
  'peerjs-unreliable': 'a PeerJS connection, reliable: false',
  ours: 'our state channel, packets of this size',
};
