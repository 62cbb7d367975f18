/**
 * The PeerJS transport in Node: real WebRTC from node-datachannel, WebSockets from `ws`, and otherwise `peerjs.ts` itself.
 * For tests, bots and headless hosts.
 */
import type { PeerTransport, PeerTransportOptions } from './peerjs.ts';

/** The broker's frames are SDP and candidates, 64 KiB at most. */
const FRAME_BYTES_MAX = 131_072;

let installed: Promise<void> | undefined;
let cleanUpWebRtc: (() => void) | undefined;

/** As `createPeerTransport` of `peerjs.ts`. Sets the WebRTC and WebSocket globals that PeerJS reads, once a process. */
export async function createNodePeerTransport(options: PeerTransportOptions): Promise<PeerTransport> {
  installed ??= installGlobals();
  await installed;
  const { createPeerTransport } = await import('./peerjs.ts');
  return createPeerTransport(options);
}

/** Ends node-datachannel's threads so that the process can exit. Call it once, after every transport was closed. */
export function shutdownNodePeerTransports(): void {
  cleanUpWebRtc?.();
}

async function installGlobals(): Promise<void> {
  const [{ cleanup }, polyfill, { WebSocket }] = await Promise.all([
    import('node-datachannel'),
    import('node-datachannel/polyfill'),
    import('ws'),
  ]);
  /** PeerJS listens to no socket error, and an 'error' event without a listener ends a Node process; 'close' follows it anyway. */
  class BrokerWebSocket extends WebSocket {
    constructor(url: string) {
      super(url, { maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false });
      this.on('error', () => undefined);
    }
  }
  /**
   * libdatachannel stores the answer's fingerprint only after it has handed the answer to ICE. If the answering side's checks are there
   * already, as on one machine, DTLS may start in between and refuse the certificate, or lose its first message to a transport not yet
   * made and wait a second for the next. So the dialling side says where it is only when it has the answer; until then its own checks
   * tell.
   */
  class PatientPeerConnection extends polyfill.RTCPeerConnection {
    /** Candidates found while the answer was awaited. */
    #unsaid: Event[] | undefined = [];

    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      await super.setRemoteDescription(description);
      const unsaid = this.#unsaid ?? [];
      this.#unsaid = undefined;
      for (const event of unsaid) super.dispatchEvent(event);
    }

    override dispatchEvent(event: Event): boolean {
      if (event.type !== 'icecandidate' || this.#unsaid === undefined) return super.dispatchEvent(event);
      this.#unsaid.push(event);
      return true;
    }
  }
  const { RTCSessionDescription, RTCIceCandidate } = polyfill;
  // When it is loaded, PeerJS opens a trial connection with public STUN servers, which node-datachannel would contact at once.
  Object.assign(globalThis, { RTCPeerConnection: TrialConnection, RTCSessionDescription, RTCIceCandidate, WebSocket: BrokerWebSocket });
  await import('peerjs');
  Object.assign(globalThis, { RTCPeerConnection: PatientPeerConnection });
  cleanUpWebRtc = cleanup;
}

/** Answers what PeerJS asks of its trial connection, and connects to nothing. */
class TrialConnection {
  createDataChannel(): { readonly ordered: boolean; binaryType: string; close(): void } {
    return { ordered: true, binaryType: 'arraybuffer', close: () => undefined };
  }

  close(): void {}
}
