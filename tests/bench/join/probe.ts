/**
 * Times a join from outside, without trusting the netcode's own figures: wraps fetch, WebSocket and WebRTC before the page's scripts run,
 * and looks at the page through `window.volley` only. `installProbe` is sent there as text: it refers to nothing outside itself.
 */

/** Milliseconds since the navigation began, each of the first time. */
export type Marks = Readonly<Record<string, number>>;

/** What a page told of one visit. */
export interface ProbeLog {
  readonly marks: Marks;
  /** Bytes of scripts that came over the network: 0 in a warm browser. */
  readonly scriptBytes: number;
  /** Longest time in which no timer fired. */
  readonly stallMsMax: number;
  readonly dtlsVersion: string;
}

declare global {
  interface Window {
    volleyProbe: {
      /** Whether the ship does what it is told. */
      isDone(): boolean;
      log(): Promise<ProbeLog>;
    };
  }
}

/** Runs in the page, before its own scripts. */
export function installProbe(): void {
  const LOOK_EVERY_MS = 4;
  /** From a snapshot's arrival until the page has surely read it: asked before, it would show an empty picture, and keep that for a while. */
  const READ_WITHIN_MS = 12;
  /** One that PeerJS tries out, the link's, and the further lanes'. */
  const CONNECTIONS_MAX = 8;
  /** As WebRTC's statistics write them. */
  const DTLS_VERSIONS: Readonly<Record<string, string>> = { FEFD: '1.2', FEFC: '1.3' };
  const SNAPSHOT = 2;
  const marks: Record<string, number> = {};
  const connections: RTCPeerConnection[] = [];
  let stallMsMax = 0;
  const mark = (name: string): void => {
    marks[name] ??= performance.now();
  };

  const realFetch = window.fetch;
  window.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const name = url.includes('/api/config') ? 'config' : /\/api\/lobbies\/\w+$/.test(url) ? 'code' : undefined;
    if (name === undefined) return realFetch(input, init);
    mark(`${name}-begin`);
    return realFetch(input, init).then((response) => {
      mark(`${name}-end`);
      return response;
    });
  };

  const typeOf = (data: unknown): string => (typeof data === 'string' ? (/"type":"([A-Z-]+)"/.exec(data)?.[1] ?? '') : '');
  const RealSocket = window.WebSocket;
  window.WebSocket = class extends RealSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      mark('socket-begin');
      this.addEventListener('open', () => mark('socket-open'));
      this.addEventListener('message', ({ data }) => mark(`in-${typeOf(data)}`));
    }
    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView<ArrayBuffer>): void {
      mark(`out-${typeOf(data)}`);
      super.send(data as string);
    }
  };

  const holds = (data: unknown, text: string): boolean =>
    data instanceof ArrayBuffer && new TextDecoder('latin1').decode(data).includes(text);
  const sizeOf = (data: unknown): number => (data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0);
  const follow = (channel: RTCDataChannel): RTCDataChannel => {
    const isState = channel.maxRetransmits === 0;
    channel.addEventListener('open', () => mark(isState ? 'state-open' : 'control-open'));
    channel.addEventListener('message', ({ data }: { readonly data: unknown }) => {
      if (isState) {
        if (data instanceof ArrayBuffer && data.byteLength > 0 && ((new Uint8Array(data)[0] as number) & 3) === SNAPSHOT) mark('snapshot');
      } else if (data instanceof ArrayBuffer) {
        mark('welcome');
        // msgpack's five letters behind the key `type`.
        if (holds(data, 'type\u00a5match')) mark('match');
      }
    });
    return channel;
  };
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, options): RTCDataChannel {
    return follow(create.call(this, label, options));
  };
  const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: unknown) => void;
  RTCDataChannel.prototype.send = function (data: unknown): void {
    if (this.maxRetransmits !== 0 && sizeOf(data) > 0) mark('hello');
    send.call(this, data);
  };

  const RealConnection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends RealConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      if (connections.length < CONNECTIONS_MAX) connections.push(this);
      this.addEventListener('iceconnectionstatechange', () => {
        if (this.iceConnectionState === 'connected' || this.iceConnectionState === 'completed') mark('ice-connected');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('dtls-connected');
      });
    }
  };

  let pressedTick: number | undefined;
  let angle = 0;
  const look = (): void => {
    const page = window.volley;
    const snapshotMs = marks['snapshot'];
    if (page === undefined || snapshotMs === undefined || performance.now() < snapshotMs + READ_WITHIN_MS || 'flies' in marks) return;
    const ship = page.view().find(({ isMine }) => isMine);
    if (ship === undefined) return;
    mark('ship');
    const stats = page.stats();
    if (pressedTick === undefined) {
      pressedTick = stats?.tick ?? 0;
      angle = ship.angle;
      mark('press');
      window.dispatchEvent(new KeyboardEvent('keydown', { code: 'ArrowLeft' }));
      return;
    }
    // The input counts from the tick after the one that was lived in: a state of that tick from the host has it.
    if ((stats?.hostTick ?? 0) > pressedTick) mark('confirmed');
    // A ship that has just come in is a ghost for a while, which nobody steers.
    if (ship.angle !== angle && 'confirmed' in marks) mark('flies');
  };
  let lastMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    stallMsMax = Math.max(stallMsMax, nowMs - lastMs);
    lastMs = nowMs;
    look();
  }, LOOK_EVERY_MS);

  /** Marks what the browser itself has timed; resolves to the bytes of scripts. */
  const noteTimings = (): number => {
    const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    if (page !== undefined) marks['html'] = page.responseEnd;
    const scripts = resources.filter(({ name }) => name.endsWith('.js'));
    return scripts.reduce((sum, { transferSize }) => sum + transferSize, 0);
  };
  window.volleyProbe = {
    isDone: () => 'flies' in marks,
    async log() {
      const link = connections.find(({ connectionState }) => connectionState === 'connected');
      const stats = link === undefined ? [] : [...(await link.getStats()).values()];
      const transport = (stats as Readonly<Record<string, unknown>>[]).find(({ type }) => type === 'transport');
      const scriptBytes = noteTimings();
      return { marks, scriptBytes, stallMsMax, dtlsVersion: DTLS_VERSIONS[String(transport?.['tlsVersion'])] ?? 'unknown' };
    },
  };
}

/** For whatever runs a script before a page's own. */
export const PROBE_SCRIPT = `(${installProbe.toString()})();`;
