/**
 * What the broker counts, for Prometheus. Every label comes from a fixed set or is cut off at a bound: a series costs memory
 * for as long as the process lives, so what a client sends must never become one.
 */
import type { Request, RequestHandler, Response } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RelayFrameCount } from './relay/relay-tally.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Reasons and kinds are words in our own sources; more than this many are a mistake there. */
const WORDS_MAX = 64;
const OTHER = 'other';
/** An answer takes well below a millisecond from memory, a few from a store on the network, and seconds when something is wrong. */
const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** A stream lasts as long as its reader likes; that is no answering time. */
const STREAM_TYPE = 'text/event-stream';

/** Their names are words in our own sources. */
type Counters = Readonly<Record<string, number>>;

/** Where the numbers are that others keep. They are asked when Prometheus asks. */
export interface MetricsSources {
  /** TCP connections now. */
  readonly connections: () => number;
  /** Registered signalling clients now. */
  readonly peers: () => number;
  /** Open lobbies; undefined while the store does not answer. */
  readonly lobbies: () => Promise<number | undefined>;
  /** Watchers of the public lobbies now. */
  readonly streams: () => number;
  /** Counters that only grow: what became of signalling frames (`relayedFrames`, …), which types arrived, what the limits did. */
  readonly frameOutcomes: () => Counters;
  readonly frameTypes: () => Counters;
  readonly limits: () => Counters;
  /** Pairs relayed for now, what became of their frames, and bytes handed on by kind. */
  readonly relayPairs: () => number;
  readonly relayFrames: () => readonly RelayFrameCount[];
  readonly relayBytes: () => Counters;
  readonly isDraining: () => boolean;
}

export interface MetricsOptions {
  readonly sources: MetricsSources;
  /** Also CPU, memory, event loop and garbage collection of the process, which has one of each. */
  readonly hasProcessMetrics: boolean;
}

export class BrokerMetrics {
  readonly #registry = new Registry();
  readonly #refusals: Counter<'reason'>;
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #durations: Histogram<'route'>;
  readonly #reasons = new Set<string>();

  constructor({ sources, hasProcessMetrics }: MetricsOptions) {
    const registers = [this.#registry];
    if (hasProcessMetrics) collectDefaultMetrics({ register: this.#registry });
    this.#gauge('volley_connections', 'TCP connections open now', sources.connections);
    this.#gauge('volley_peers', 'Signalling clients registered now', sources.peers);
    this.#gauge('volley_lobbies', 'Lobbies open now', sources.lobbies);
    this.#gauge('volley_draining', '1 while clients are being sent elsewhere', () => Number(sources.isDraining()));
    this.#gauge('volley_lobby_streams', 'Watchers of the public lobbies now', sources.streams);
    this.#counters({
      name: 'volley_signal_frames_total',
      help: 'Signalling frames by what became of them',
      label: 'outcome',
      read: () => renamed(sources.frameOutcomes(), (name) => name.replace(/Frames$/, '')),
    });
    this.#counters({
      name: 'volley_signal_frames_received_total',
      help: 'Well-formed signalling frames',
      label: 'type',
      read: sources.frameTypes,
    });
    this.#counters({ name: 'volley_limits_total', help: 'How often a limit by address acted', label: 'limit', read: sources.limits });
    this.#gauge('volley_relay_pairs', 'Pairs of players relayed for now', sources.relayPairs);
    this.#counters({ name: 'volley_relay_bytes_total', help: 'Bytes relayed', label: 'kind', read: sources.relayBytes });
    this.#relayFrames(sources.relayFrames);
    this.#refusals = new Counter({ name: 'volley_refusals_total', help: 'What was refused, and why', labelNames: ['reason'], registers });
    this.#requests = new Counter({
      name: 'volley_http_requests_total',
      help: 'Answered HTTP requests',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'volley_http_request_duration_seconds',
      help: 'From the request to the end of its answer; streams left out',
      labelNames: ['route'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** `reason`: one of a fixed set of words, 'foreign-origin'. */
  refused(reason: string): void {
    if (!this.#reasons.has(reason) && this.#reasons.size >= WORDS_MAX) return this.#refusals.inc({ reason: OTHER });
    this.#reasons.add(reason);
    this.#refusals.inc({ reason });
  }

  /** Counts every request that passes through, and how long it took. */
  requestCounter(): RequestHandler {
    return (request, response, next) => {
      const startedAtMs = performance.now();
      // 'close' comes once for every request, answered or given up by its sender.
      response.once('close', () => {
        const route = routeOf(request, response);
        const method = METHODS.has(request.method) ? request.method : OTHER;
        const status = response.headersSent ? String(response.statusCode) : 'aborted';
        this.#requests.inc({ method, route, status });
        if (!String(response.getHeader('Content-Type')).startsWith(STREAM_TYPE))
          this.#durations.observe({ route }, (performance.now() - startedAtMs) / 1000);
      });
      next();
    };
  }

  #gauge(name: string, help: string, read: () => number | undefined | Promise<number | undefined>): void {
    const registers = [this.#registry];
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await read();
        // Unknown is no number: the series is left out, so that a graph shows a gap and not a zero.
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      },
    });
  }

  /** Counters that others keep. */
  #counters({ name, help, label, read }: MirroredCounters): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const [word, count] of Object.entries(read()).slice(0, WORDS_MAX)) counter.inc({ [label]: word }, count);
      },
    });
  }

  #relayFrames(read: () => readonly RelayFrameCount[]): void {
    const counter: Counter<'kind' | 'outcome'> = new Counter({
      name: 'volley_relay_frames_total',
      help: 'Frames of relayed pairs by what became of them',
      labelNames: ['kind', 'outcome'],
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const { kind, outcome, frames } of read()) counter.inc({ kind, outcome }, frames);
      },
    });
  }
}

interface MirroredCounters {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly read: () => Counters;
}

function renamed(counters: Counters, rename: (name: string) => string): Counters {
  return Object.fromEntries(Object.entries(counters).map(([name, count]) => [rename(name), count]));
}

/**
 * The pattern of the route that answered, `/api/lobbies/:code`, never the path: that would be a series for every code, and the
 * codes in the monitoring.
 */
export function routeOf(request: Request, response: Response): string {
  const pattern: unknown = (request.route as { readonly path?: unknown } | undefined)?.path;
  // Not `request.baseUrl`: it is as the client wrote it ('/API' leads to the same routes), and empty again once a route has failed.
  const mount = /^\/api\//i.test(request.originalUrl) ? '/api' : '';
  if (typeof pattern === 'string') return pattern.startsWith('/api/') ? pattern : `${mount}${pattern}`;
  return response.statusCode < 400 ? 'page' : OTHER;
}
