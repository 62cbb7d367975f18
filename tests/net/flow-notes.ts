/**
 * Notes, in a page and before its own scripts run, which way the game's bytes really come: over data channels or over a WebSocket to the
 * relay. So a test need not believe what the page says of itself.
 */

export interface FlowNotes {
  /** When binary messages last came, on the page's own clock; -Infinity: never. */
  directMs: number;
  relayMs: number;
  /** The longest time without any since `longestGapMs` was last set to 0, and the last of them. */
  longestGapMs: number;
  heardMs: number;
  /** Relay sockets opened so far. */
  relays: number;
}

declare global {
  interface Window {
    flow: FlowNotes;
  }
}

/** To be given to `addInitScript`: it may use nothing but what is within it. */
export function noteFlow(): void {
  const flow = { directMs: -Infinity, relayMs: -Infinity, longestGapMs: 0, heardMs: performance.now(), relays: 0 };
  window.flow = flow;
  const hear = (): number => {
    const nowMs = performance.now();
    flow.longestGapMs = Math.max(flow.longestGapMs, nowMs - flow.heardMs);
    return (flow.heardMs = nowMs);
  };
  /** A credit of the relay's has five bytes, and is no sign of the other player. */
  const isData = (data: unknown): boolean => data instanceof ArrayBuffer && data.byteLength > 5;
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, options): RTCDataChannel {
    const channel = create.call(this, label, options);
    channel.addEventListener('message', ({ data }) => {
      if (isData(data)) flow.directMs = hear();
    });
    return channel;
  };
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      if (!new URL(url).pathname.endsWith('/relay')) return;
      flow.relays += 1;
      this.addEventListener('message', ({ data }) => {
        if (isData(data)) flow.relayMs = hear();
      });
    }
  };
}
