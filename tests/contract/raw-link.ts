/** A peer that speaks the link's greeting by hand, over PeerJS used raw, and then says whatever a test likes. For Node. */
import type { DataConnection, Peer } from 'peerjs';
import { vi } from 'vitest';
import type { PeerId } from '../../netcode/core/ids.ts';
import { dataFrame, readPathFrame, stampData, writeHello, writeSign } from '../../netcode/transport/path-frames.ts';
import { loadPeerClass } from '../../netcode/transport/peerjs.ts';
import { randomHex } from '../../netcode/transport/random-names.ts';

const PATIENCE = { timeout: 20_000, interval: 5 };

export function until(isTrue: () => boolean): Promise<void> {
  return vi.waitFor(() => {
    if (!isTrue()) throw new Error('still not so');
  }, PATIENCE);
}

export interface RawLink {
  readonly connection: DataConnection;
  readonly control: RTCDataChannel;
  readonly state: RTCDataChannel;
  /** The texts that came on control so far. */
  readonly texts: readonly string[];
  /** The binary ones. */
  readonly frames: readonly Uint8Array[];
  /** Says a control message of the netcode's, numbered as it should be. */
  say(...bytes: number[]): void;
}

const STATE_CHANNEL: RTCDataChannelInit = { negotiated: true, id: 100, ordered: false, maxRetransmits: 0 };

/** Needs a transport to have been opened before: that sets up WebRTC in Node. */
export class RawPeers {
  readonly #brokerPort: () => number;
  readonly #peers: Peer[] = [];
  readonly #lanes: RTCPeerConnection[] = [];

  constructor(brokerPort: () => number) {
    this.#brokerPort = brokerPort;
  }

  async dial(hostId: PeerId, doesGreet = true): Promise<RawLink> {
    const peer = await this.#openPeer();
    const connection = peer.connect(hostId, { reliable: true, serialization: 'raw', label: 'control' });
    const state = connection.peerConnection.createDataChannel('state', STATE_CHANNEL);
    const control = connection.dataChannel;
    return this.#greet(connection, control, state, doesGreet ? randomHex() : undefined);
  }

  /** A peer that waits for a dial. */
  async host(doesGreet = true): Promise<{ id: PeerId; accepted: Promise<RawLink> }> {
    const peer = await this.#openPeer();
    const accepted = new Promise<RawLink>((done) => {
      peer.on('connection', (connection) => {
        const state = connection.peerConnection.createDataChannel('state', STATE_CHANNEL);
        // The dialling side's first messages come with the channel: who listens later has missed them.
        connection.peerConnection.addEventListener('datachannel', ({ channel }) =>
          done(this.#greet(connection, channel, state, doesGreet ? 'theirs' : undefined)),
        );
      });
    });
    return { id: peer.id as PeerId, accepted };
  }

  /** Offers lane `n` by hand. The channel is open when it resolves. */
  async openLane({ control, texts }: RawLink, n: number, attempt: number): Promise<RTCDataChannel> {
    const say = (value: object) => control.send(`lane ${JSON.stringify({ n, attempt, ...value })}`);
    const connection = new RTCPeerConnection({ iceServers: [] });
    this.#lanes.push(connection);
    const channel = connection.createDataChannel('state', STATE_CHANNEL);
    const unsaid: (() => void)[] = [];
    let isSaid = false;
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null) return;
      const sayIt = () => say({ kind: 'candidate', candidate: { candidate: candidate.candidate, sdpMid: candidate.sdpMid } });
      if (isSaid) sayIt();
      else unsaid.push(sayIt);
    });
    const { sdp } = await connection.createOffer();
    say({ kind: 'offer', sdp });
    isSaid = true;
    for (const sayIt of unsaid) sayIt();
    const heard = () => texts.filter((text) => text.startsWith('lane ')).map((text) => JSON.parse(text.slice(5)));
    const mine = (kind: string) => heard().filter((said) => said.kind === kind && said.n === n && said.attempt === attempt);
    await until(() => mine('answer').length === 1);
    await connection.setRemoteDescription({ type: 'answer', sdp: mine('answer')[0].sdp });
    let taken = 0;
    await until(() => {
      for (const { candidate } of mine('candidate').slice(taken)) {
        taken += 1;
        void connection.addIceCandidate(candidate);
      }
      return channel.readyState === 'open';
    });
    return channel;
  }

  closeLanes(): void {
    for (const lane of this.#lanes.splice(0)) lane.close();
  }

  close(): void {
    this.closeLanes();
    for (const peer of this.#peers.splice(0)) peer.destroy();
  }

  async #openPeer(): Promise<Peer> {
    const PeerClass = await loadPeerClass();
    const peer = new PeerClass(crypto.randomUUID(), {
      host: '127.0.0.1',
      port: this.#brokerPort(),
      secure: false,
      config: { iceServers: [] },
    });
    this.#peers.push(peer);
    await new Promise<void>((done) => peer.on('open', () => done()));
    return peer;
  }

  /** `linkId`: what to call the link; 'theirs': what the other side calls it; undefined: say nothing at all. */
  async #greet(connection: DataConnection, control: RTCDataChannel, state: RTCDataChannel, linkId: string | undefined): Promise<RawLink> {
    const texts: string[] = [];
    const frames: Uint8Array[] = [];
    control.binaryType = 'arraybuffer';
    control.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') {
        texts.push(data);
        return;
      }
      frames.push(new Uint8Array(data));
      if (linkId !== undefined) answer(control, new Uint8Array(data), linkId === 'theirs');
    });
    await until(() => control.readyState === 'open' && state.readyState === 'open');
    if (linkId !== undefined) {
      control.send('volley 2');
      await until(() => texts.includes('volley 2'));
      if (linkId !== 'theirs') send(control, writeHello(linkId, 0));
    }
    let number = 0;
    return {
      connection,
      control,
      state,
      texts,
      frames,
      say: (...bytes) => send(control, stampData(dataFrame(Uint8Array.from(bytes)), ++number, 0)),
    };
  }
}

/** What keeps the link's other side content. */
function answer(control: RTCDataChannel, bytes: Uint8Array, isTheirs: boolean): void {
  const frame = readPathFrame(bytes);
  if (frame?.kind === 'hello' && isTheirs) send(control, writeHello(frame.linkId, 0));
  if (frame?.kind === 'ask') send(control, writeSign('here'));
}

export function send(control: RTCDataChannel, bytes: Uint8Array): void {
  control.send(bytes as Uint8Array<ArrayBuffer>);
}
