/**
 * The change stream of public lobbies: Server-Sent Events, a snapshot first and then what changes. Changes are gathered for a
 * tenth of a second and a lobby's last state is sent once, so that a host that flickers costs its watchers little. A reader
 * that does not keep up is cut off; it comes back by itself, as EventSource does, and gets a new snapshot.
 */
import type { Response } from 'express';
import { LIST_LIMIT_MAX, type LobbyFilter, type LobbyListing, type LobbyStreamEvents, matchesFilter } from '../netcode/wire/lobby-api.ts';
import type { PublicLobbies, PublicLobbyChange } from './public-lobbies.ts';

/** Streams of one broker. Each costs a connection and about 10 KB; a change is written to every one of them. */
export const STREAMS_MAX = 1000;
/** Longer than a burst of updates, shorter than anyone notices in a list. */
const GATHER_MS = 100;
/** Changed lobbies gathered at once, about 80 KB; beyond, a new snapshot says it shorter. */
const CHANGES_MAX = 200;
/** Proxies give up connections after a minute or more of silence. Also how soon a reader that is gone is noticed. */
const HEARTBEAT_MS = 15_000;
/** How often expired lobbies are looked for while somebody watches. */
const SWEEP_MS = 1_000;
/** Two snapshots. A reader with more than this before it is not reading. */
const BACKLOG_BYTES_MAX = 131_072;
/** What EventSource waits before it connects again. */
const RETRY_MS = 2_000;

interface Stream {
  readonly response: Response;
  readonly filter: LobbyFilter;
  /** It had something unread at the last heartbeat. */
  isBehind: boolean;
}

export class LobbyStreams {
  readonly #lobbies: PublicLobbies;
  readonly #streams = new Set<Stream>();
  /** Code -> what watchers were last told about it. */
  readonly #before = new Map<string, LobbyListing | undefined>();
  #isOverflown = false;
  #gathering: NodeJS.Timeout | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** Streams cut off because their reader did not keep up. Only grows. */
  droppedStreams = 0;

  constructor(lobbies: PublicLobbies) {
    this.#lobbies = lobbies;
    lobbies.onChange((change) => this.#gather(change));
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Answers the request with the stream. False, and nothing is answered, when there are too many. */
  open(response: Response, filter: LobbyFilter): boolean {
    if (this.#streams.size >= STREAMS_MAX) return false;
    // What was gathered is told first: a lobby that came before this stream's snapshot and goes after it would look as if it had never been.
    this.#tell();
    const stream: Stream = { response, filter, isBehind: false };
    this.#streams.add(stream);
    response.once('close', () => this.#forget(stream));
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    // Reverse proxies that gather answers before they pass them on would hold the stream back.
    response.setHeader('X-Accel-Buffering', 'no');
    this.#send(stream, `retry: ${RETRY_MS}\n\n${this.#snapshotFor(stream)}`);
    this.#watchClock();
    return true;
  }

  /** Ends all streams. */
  close(): void {
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
    this.#stopClock();
  }

  #gather({ code, before }: PublicLobbyChange): void {
    if (this.#streams.size === 0) return;
    if (this.#before.size < CHANGES_MAX || this.#before.has(code)) {
      if (!this.#before.has(code)) this.#before.set(code, before);
    } else {
      this.#isOverflown = true;
    }
    this.#gathering ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const changes = [...this.#before].map(([code, before]) => ({ code, before, after: this.#lobbies.get(code) }));
    const isOverflown = this.#isOverflown;
    this.#before.clear();
    this.#isOverflown = false;
    if (isOverflown) {
      for (const stream of [...this.#streams]) this.#send(stream, this.#snapshotFor(stream));
      return;
    }
    // Written once for all streams.
    const texts = changes.map((change) => ({
      ...change,
      lobby: change.after === undefined ? '' : event('lobby', change.after),
      gone: event('gone', { code: change.code }),
    }));
    for (const stream of [...this.#streams]) {
      let text = '';
      for (const { before, after, lobby, gone } of texts) {
        if (after !== undefined && matchesFilter(after, stream.filter)) text += lobby;
        else if (before !== undefined && matchesFilter(before, stream.filter)) text += gone;
      }
      if (text !== '') this.#send(stream, text);
    }
  }

  #snapshotFor(stream: Stream): string {
    return event('snapshot', this.#lobbies.list(stream.filter, { limit: LIST_LIMIT_MAX }));
  }

  #send(stream: Stream, text: string): void {
    if (backlogBytes(stream) + text.length > BACKLOG_BYTES_MAX) this.#drop(stream);
    else stream.response.write(text);
  }

  #drop(stream: Stream): void {
    this.droppedStreams++;
    this.#forget(stream);
    stream.response.destroy();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#stopClock();
  }

  #beat(): void {
    for (const stream of [...this.#streams]) {
      const isBehind = backlogBytes(stream) > 0;
      if (isBehind && stream.isBehind) {
        this.#drop(stream);
      } else {
        stream.isBehind = isBehind;
        this.#send(stream, ': still here\n\n');
      }
    }
  }

  #watchClock(): void {
    // Open streams keep the process alive by their sockets; these timers need not.
    this.#sweeping ??= setInterval(() => this.#lobbies.removeExpired(), SWEEP_MS).unref();
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
  }

  #stopClock(): void {
    clearInterval(this.#sweeping);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#gathering);
    this.#sweeping = undefined;
    this.#heartbeat = undefined;
    this.#gathering = undefined;
    this.#before.clear();
    this.#isOverflown = false;
  }
}

/** What was written and the network has not taken yet. */
function backlogBytes({ response }: Stream): number {
  return response.writableLength;
}

/** JSON has no line breaks, so one data line holds it. */
function event<K extends keyof LobbyStreamEvents>(name: K, data: LobbyStreamEvents[K]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
