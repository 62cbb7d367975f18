/**
 * The experiment's half that runs inside the two pages. `installRig` is sent there as text: it refers to nothing outside itself.
 *
 * On the state channels, in both directions (big-endian):
 *
 *     state  u8 1 | u32 number on this connection, from 1 | f64 made at, ms since 1970 | padding
 *     probe  u8 3 | u32 number on this connection
 *     ack    u8 2 | u32 newest number that came | u32 bit n: newest - 1 - n came too
 */
import type { Strategy } from './strategies.ts';

export interface SendPlan extends Omit<Strategy, 'name' | 'what'> {
  readonly bytes: number;
  readonly rate: number;
  readonly seconds: number;
}

export interface SendLog {
  /** States that were to be sent, packets that were sent (copies count), states never sent. */
  readonly ticks: number;
  readonly sent: number;
  /** Bytes waiting in the browser over all state channels, at each tick just after sending. */
  readonly waiting: number[];
  /** Of each connection in turn: when each of its stalls began, and how long it lasted. */
  readonly stalls: { readonly connection: number; readonly atMs: number; readonly lastedMs: number }[];
  /** Smoothed round trip of acks, of the first connection. */
  readonly rttMs: number;
  /** Largest number of bytes unacknowledged and not given up, over all connections, at each tick. */
  readonly inFlight: number[];
}

export interface Rig {
  open(connections: number, lifeTimeMs: number | null, isOffering: boolean): Promise<string[]>;
  answer(offers: string[]): Promise<string[]>;
  accept(answers: string[]): Promise<void>;
  /** Resolves when all channels are open. */
  ready(): Promise<void>;
  send(plan: SendPlan): Promise<SendLog>;
  /** How late this page's timers were since this was last asked, in ms: the 99th hundredth. A page that the machine does not let run is noise. */
  janked(): number;
  /** What arrived until now, and forgets it: made at and arrived at, alternating; ms since 1970. */
  arrived(): number[];
}

declare global {
  interface Window {
    sctpRig: Rig;
  }
}

export function installRig(): void {
  const STATE = 1;
  const ACK = 2;
  const PROBE = 3;
  const ACK_BYTES = 9;
  const PROBE_BYTES = 5;
  /** SCTP's arithmetic in Chromium: header of a chunk, largest packet, windows in packets, shortest time-out. */
  const CHUNK_HEADER_BYTES = 16;
  const MTU_BYTES = 1_191;
  const WINDOW_FIRST_BYTES = 10 * MTU_BYTES;
  const WINDOW_LOSS_BYTES = 4 * MTU_BYTES;
  const TIME_OUT_MS = 400;
  /** Of a window, kept free of states: a dozen probes. */
  const PROBE_ROOM_BYTES = 300;
  const STALL_MARGIN_MS = 100;
  const PROBE_INTERVAL_MS = 100;
  const HELD_PROBE_INTERVAL_MS = 20;
  const RELIABLE_BYTES = 1_000;
  const RELIABLE_INTERVAL_MS = 50;
  const RELIABLE_WAITING_MAX = 65_536;

  interface Connection {
    readonly pc: RTCPeerConnection;
    readonly state: RTCDataChannel;
    readonly reliable: RTCDataChannel;
    /** Sender: numbers sent and not yet known to have come, with when. */
    readonly flight: Map<number, { readonly bytes: number; readonly atMs: number }>;
    sent: number;
    srttMs: number;
    rttVarMs: number;
    /** When the oldest packet was sent that no ack has answered, not even one for a newer packet. */
    unansweredSinceMs: number | undefined;
    stallBeganMs: number | undefined;
    probedAtMs: number;
    sentAtMs: number;
    /** What SCTP's window is believed to be, and up to where it grows by every ack. */
    windowBytes: number;
    slowStartBytes: number;
    shrunkAtMs: number;
    /** Receiver. */
    newest: number;
    bits: number;
  }

  const nowMs = (): number => performance.timeOrigin + performance.now();
  const connections: Connection[] = [];
  let arrivals: number[] = [];
  let onAck: () => void = () => {};
  let stalls: { connection: number; atMs: number; lastedMs: number }[] = [];

  let lateness: number[] = [];
  const JANK_INTERVAL_MS = 20;
  let dueMs = nowMs() + JANK_INTERVAL_MS;
  const listen = (): void => {
    lateness.push(Math.max(0, nowMs() - dueMs));
    dueMs = nowMs() + JANK_INTERVAL_MS;
    setTimeout(listen, JANK_INTERVAL_MS);
  };
  setTimeout(listen, JANK_INTERVAL_MS);

  const gathered = (pc: RTCPeerConnection): Promise<string> =>
    new Promise((done) => {
      const look = (): void => {
        if (pc.iceGatheringState === 'complete') done(pc.localDescription?.sdp ?? '');
      };
      pc.addEventListener('icegatheringstatechange', look);
      look();
    });

  const onState = (c: Connection, view: DataView): void => {
    const number = view.getUint32(1);
    if (view.getUint8(0) === STATE) arrivals.push(view.getFloat64(5), nowMs());
    if (number > c.newest) {
      const ahead = number - c.newest;
      c.bits = ahead > 32 ? 0 : ((ahead === 32 ? 0 : c.bits << ahead) | (c.newest > 0 ? 1 << (ahead - 1) : 0)) >>> 0;
      c.newest = number;
    } else if (c.newest - number <= 32 && number < c.newest) {
      c.bits = (c.bits | (1 << (c.newest - number - 1))) >>> 0;
    }
    // An ack that would have to wait is not worth sending: the next one says more.
    if (c.state.bufferedAmount > 0) return;
    const ack = new DataView(new ArrayBuffer(ACK_BYTES));
    ack.setUint8(0, ACK);
    ack.setUint32(1, c.newest);
    ack.setUint32(5, c.bits);
    c.state.send(ack.buffer);
  };

  const onAcked = (c: Connection, view: DataView): void => {
    const newest = view.getUint32(1);
    const bits = view.getUint32(5);
    const now = nowMs();
    const sentNewest = c.flight.get(newest);
    if (sentNewest !== undefined) {
      const rttMs = now - sentNewest.atMs;
      c.rttVarMs = c.srttMs === 0 ? rttMs / 2 : c.rttVarMs + (Math.abs(rttMs - c.srttMs) - c.rttVarMs) / 4;
      c.srttMs = c.srttMs === 0 ? rttMs : c.srttMs + (rttMs - c.srttMs) / 8;
    }
    let oldestAfter: number | undefined;
    let flightBytes = 0;
    let ackedBytes = 0;
    for (const { bytes } of c.flight.values()) flightBytes += bytes;
    for (const [number, { atMs, bytes }] of c.flight) {
      const behind = newest - number;
      const hasCome = behind === 0 || (behind > 0 && behind <= 32 && ((bits >>> (behind - 1)) & 1) === 1);
      // Three newer ones came: lost.
      if (hasCome || behind >= 3) c.flight.delete(number);
      else if (behind < 0) oldestAfter ??= atMs;
      if (hasCome) ackedBytes += bytes;
      else if (behind >= 3 && atMs > c.shrunkAtMs) {
        c.windowBytes = Math.max(c.windowBytes / 2, WINDOW_LOSS_BYTES);
        c.slowStartBytes = c.windowBytes;
        c.shrunkAtMs = now;
      }
    }
    if (c.windowBytes < c.slowStartBytes && flightBytes + MTU_BYTES >= c.windowBytes) c.windowBytes += Math.min(ackedBytes, MTU_BYTES);
    c.unansweredSinceMs = oldestAfter;
    if (c.stallBeganMs !== undefined) {
      stalls.push({ connection: connections.indexOf(c), atMs: c.stallBeganMs, lastedMs: now - c.stallBeganMs });
      c.stallBeganMs = undefined;
    }
    onAck();
  };

  const isStalled = (c: Connection, now: number): boolean => {
    if (c.srttMs === 0 || c.unansweredSinceMs === undefined || now - c.unansweredSinceMs <= c.srttMs + STALL_MARGIN_MS) return false;
    c.stallBeganMs ??= c.unansweredSinceMs;
    if (now - c.stallBeganMs > TIME_OUT_MS && c.windowBytes > MTU_BYTES) {
      c.slowStartBytes = Math.max(c.windowBytes / 2, WINDOW_LOSS_BYTES);
      c.windowBytes = MTU_BYTES;
      // All that was sent is given up.
      c.flight.clear();
      c.shrunkAtMs = now;
    }
    return true;
  };

  const add = (lifeTimeMs: number | null): Connection => {
    const pc = new RTCPeerConnection({ iceServers: [] });
    const unreliable = lifeTimeMs === null ? { maxRetransmits: 0 } : { maxPacketLifeTime: lifeTimeMs };
    const state = pc.createDataChannel('state', { negotiated: true, id: 1, ordered: false, ...unreliable });
    const reliable = pc.createDataChannel('reliable', { negotiated: true, id: 2 });
    state.binaryType = 'arraybuffer';
    reliable.binaryType = 'arraybuffer';
    const c: Connection = {
      ...{ pc, state, reliable, flight: new Map(), sent: 0, srttMs: 0, rttVarMs: 0, probedAtMs: 0, sentAtMs: 0, newest: 0, bits: 0 },
      windowBytes: WINDOW_FIRST_BYTES,
      slowStartBytes: Infinity,
      shrunkAtMs: 0,
      unansweredSinceMs: undefined,
      stallBeganMs: undefined,
    };
    state.addEventListener('message', (event) => {
      const view = new DataView(event.data as ArrayBuffer);
      if (view.getUint8(0) === ACK) onAcked(c, view);
      else onState(c, view);
    });
    connections.push(c);
    return c;
  };

  /** With `isPatient` nothing is given up before SCTP does: it waits for its time-out. */
  const inFlightBytes = (c: Connection, now: number, isPatient: boolean): number => {
    const givenUpAfterMs = isPatient ? Math.max(TIME_OUT_MS, c.srttMs + 220) : Math.max(c.srttMs + 4 * c.rttVarMs, c.srttMs + 30);
    let bytes = 0;
    for (const [number, one] of c.flight) {
      if (c.srttMs > 0 && now - one.atMs > givenUpAfterMs) c.flight.delete(number);
      else bytes += one.bytes;
    }
    return bytes;
  };

  const send = (plan: SendPlan): Promise<SendLog> => {
    const carriers = plan.reliable === 'apart' ? connections.slice(0, -1) : connections;
    const packet = new DataView(new ArrayBuffer(plan.bytes));
    const tiny = new DataView(new ArrayBuffer(PROBE_BYTES));
    const chunkBytes = plan.gate === 'window' ? plan.bytes + CHUNK_HEADER_BYTES : plan.bytes;
    const periodMs = 1000 / plan.rate;
    const log = { ticks: 0, sent: 0, waiting: [] as number[], inFlight: [] as number[] };
    let turn = 0;
    let madeAtMs: number | undefined;
    stalls = [];

    const mayTake = (c: Connection, now: number): boolean => {
      if (plan.gate === 'always') return true;
      if (c.state.bufferedAmount > 0) return false;
      if (plan.isProbing && isStalled(c, now)) return false;
      if (plan.gate === 'idle') return true;
      const allowed = plan.gate === 'flight' ? plan.flightBytes : c.windowBytes - PROBE_ROOM_BYTES;
      const flight = inFlightBytes(c, now, plan.gate === 'window');
      return flight === 0 || flight + chunkBytes <= allowed;
    };
    /** The connection that the next packet goes over; undefined if it has to wait. */
    const choose = (now: number, taken: Connection | undefined): Connection | undefined => {
      const order = carriers
        .map((_, n) => carriers[(turn + n) % carriers.length] as Connection)
        .filter((c) => c !== taken && mayTake(c, now));
      if (plan.choice === 'turns') return order[0];
      const free = order.find((c) => !isStalled(c, now)) ?? order[0];
      // One that stalls is asked now and then whether it still does.
      const probed = plan.isProbing
        ? undefined
        : order.find((c) => c !== free && isStalled(c, now) && now - c.probedAtMs > PROBE_INTERVAL_MS);
      if (probed !== undefined) {
        probed.probedAtMs = now;
        dispatch(probed, now);
      }
      return free;
    };
    const put = (c: Connection, view: DataView, now: number): void => {
      c.sent += 1;
      view.setUint32(1, c.sent);
      c.state.send(view.buffer as ArrayBuffer);
      c.flight.set(c.sent, { bytes: view === packet ? chunkBytes : PROBE_BYTES + CHUNK_HEADER_BYTES, atMs: now });
      c.unansweredSinceMs ??= now;
      c.sentAtMs = now;
    };
    const dispatch = (c: Connection, now: number): void => {
      packet.setUint8(0, STATE);
      packet.setFloat64(5, madeAtMs ?? now);
      put(c, packet, now);
      log.sent += 1;
    };
    const sendProbes = (now: number): void => {
      tiny.setUint8(0, PROBE);
      for (const c of carriers) {
        if (c.state.bufferedAmount > 0) continue;
        const sinceMs = now - c.sentAtMs;
        const isDue = plan.isProbing && isStalled(c, now) && sinceMs >= PROBE_INTERVAL_MS;
        // Whoever is held back by what may be lost learns of it from what is sent after it, and from nothing else.
        const isHeld = plan.isProbing && !isStalled(c, now) && c.flight.size > 0 && sinceMs >= HELD_PROBE_INTERVAL_MS && !mayTake(c, now);
        const isSparse = plan.denseMs !== undefined && !isStalled(c, now) && sinceMs >= plan.denseMs;
        if (isDue || isHeld || isSparse) put(c, tiny, now);
      }
    };
    const trySend = (): void => {
      const now = nowMs();
      let taken: Connection | undefined;
      for (let copy = 0; copy < plan.copies; copy += 1) {
        const c = choose(now, taken);
        if (c === undefined) break;
        dispatch(c, now);
        taken = c;
        // A spare takes over for good; the others go round.
        turn = plan.choice === 'spare' ? carriers.indexOf(c) : (carriers.indexOf(c) + 1) % carriers.length;
      }
      if (taken !== undefined) madeAtMs = undefined;
    };
    onAck = () => {
      if ((plan.gate === 'flight' || plan.gate === 'window') && madeAtMs !== undefined) trySend();
    };

    const reliable =
      plan.reliable === 'same' ? connections[0]?.reliable : plan.reliable === 'apart' ? connections.at(-1)?.reliable : undefined;
    const reliableTimer = setInterval(() => {
      if (reliable !== undefined && reliable.bufferedAmount < RELIABLE_WAITING_MAX) reliable.send(new Uint8Array(RELIABLE_BYTES));
    }, RELIABLE_INTERVAL_MS);

    return new Promise((done) => {
      const beganMs = nowMs();
      const tick = (): void => {
        const now = nowMs();
        madeAtMs = now;
        log.ticks += 1;
        for (const c of carriers) isStalled(c, now);
        trySend();
        sendProbes(now);
        log.waiting.push(carriers.reduce((sum, c) => sum + c.state.bufferedAmount, 0));
        log.inFlight.push(carriers.reduce((sum, c) => sum + inFlightBytes(c, now, plan.gate === 'window'), 0));
        const nextMs = beganMs + Math.max(log.ticks, Math.floor((now - beganMs) / periodMs)) * periodMs;
        if (now - beganMs < plan.seconds * 1000) {
          setTimeout(tick, Math.max(0, nextMs - nowMs()));
          return;
        }
        clearInterval(reliableTimer);
        onAck = () => {};
        done({ ...log, stalls, rttMs: connections[0]?.srttMs ?? 0 });
      };
      tick();
    });
  };

  window.sctpRig = {
    async open(count, lifeTimeMs, isOffering) {
      for (let n = 0; n < count; n += 1) add(lifeTimeMs);
      if (!isOffering) return [];
      return Promise.all(
        connections.map(async ({ pc }) => {
          await pc.setLocalDescription();
          return gathered(pc);
        }),
      );
    },
    answer: (offers) =>
      Promise.all(
        connections.map(async ({ pc }, n) => {
          await pc.setRemoteDescription({ type: 'offer', sdp: offers[n] ?? '' });
          await pc.setLocalDescription();
          return gathered(pc);
        }),
      ),
    async accept(answers) {
      await Promise.all(connections.map(({ pc }, n) => pc.setRemoteDescription({ type: 'answer', sdp: answers[n] ?? '' })));
    },
    async ready() {
      const channels = connections.flatMap(({ state, reliable }) => [state, reliable]);
      await Promise.all(
        channels.map(
          (channel) =>
            new Promise<void>((done) => {
              if (channel.readyState === 'open') done();
              else channel.addEventListener('open', () => done());
            }),
        ),
      );
    },
    send,
    janked() {
      const sorted = lateness.toSorted((x, y) => x - y);
      lateness = [];
      return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    },
    arrived() {
      const all = arrivals;
      arrivals = [];
      return all;
    },
  };
}
