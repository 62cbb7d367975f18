/**
 * The way to Redis or Valkey: one connection for commands, one for messages. What a broker needs of it is that nothing ever
 * waits for long. While the server is away every command fails at once, a server that does not answer fails it after a second
 * and a half, both connections come back by themselves, and whoever has something to set right then is told (`onUp`).
 */
import { createHash } from 'node:crypto';
import { createClient } from 'redis';
import { StoreUnavailableError } from './lobby-store.ts';

/** A round trip takes a millisecond; a server that needs this long is stuck, and people are waiting. */
const COMMAND_TIMEOUT_MS = 1_500;
const CONNECT_TIMEOUT_MS = 2_000;
/** Commands sent and not answered. At 100,000 a second this is a tenth of one; beyond, the server has stopped answering. */
const COMMANDS_MAX = 10_000;
const RECONNECT_MIN_MS = 50;
/** Short: until all brokers are back, some lobbies are known to none that are. A few brokers trying four times a second trouble nobody. */
const RECONNECT_MAX_MS = 250;
/** How often both connections are asked for a sign of life: one whose other end vanished without a word would look alive for minutes. */
const PULSE_MS = 1_000;
/** A connection that is not there after this long is begun anew: the server may have accepted it and said nothing since. */
const STUCK_MS = 10_000;
/** How soon a server that is up but not ready (loading its data, a replica taking over) is asked again. */
const NOT_READY_RETRY_MS = 200;

/** All of ours begins like this; the braces keep it on one node of a cluster. */
const KEY_PREFIX = '{volley}:';

/** The name of a key or channel of ours. */
export function redisKey(name: string): string {
  return KEY_PREFIX + name;
}

/** A script that runs as one atomic step on the server. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

export interface RedisConnectionOptions {
  /** `redis://host:6379` or `rediss://user:password@host:6380/2`. */
  readonly url: string;
  /** Told once for every loss and every return, with text that names no address and no password. */
  readonly onState?: (state: 'up' | 'down', why: string) => void;
}

type Client = ReturnType<typeof makeClient>;
/** Hears a channel over the connection it is given. */
type Subscription = (client: Client) => Promise<void>;

export class RedisConnection {
  /** Each only grows. */
  readonly counters = { losses: 0, timeouts: 0, failures: 0 };
  readonly #options: RedisConnectionOptions;
  readonly #scripts = new Set<RedisScript>();
  readonly #channels = new Map<string, Subscription>();
  readonly #upListeners: (() => void)[] = [];
  readonly #pulse: NodeJS.Timeout;
  #commands: Client;
  #messages: Client;
  /** Counts every start from scratch, so that what an earlier one still says is not heard. */
  #generation = 0;
  /** Another one after a restart or a failover, when data may be gone. Undefined: not known. */
  serverId: string | undefined;
  #areCommandsUp = false;
  #areMessagesUp = false;
  #wasUp = false;
  #downSinceMs = performance.now();
  #isClosed = false;

  /** Connects in the background, and again for as long as it takes. Throws TypeError for an address that is none. */
  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#commands = makeClient(options.url);
    this.#messages = makeClient(options.url);
    this.#start();
    this.#pulse = setInterval(() => void this.#feelPulse(), PULSE_MS).unref();
  }

  /** Commands are taken and messages are heard. */
  get isUp(): boolean {
    return this.#areCommandsUp && this.#areMessagesUp;
  }

  /** Called whenever both connections are ready after one was not: messages may have been missed, data may be gone. */
  onUp(listener: () => void): void {
    this.#upListeners.push(listener);
    if (this.isUp) listener();
  }

  /** Runs a script. Rejects with StoreUnavailableError. Scripts run in the order of their calls. */
  async run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    // Not before `onUp` was told either: whoever has something to put right then comes first.
    if (!this.isUp) {
      // Remembered, so that it is there when the server is.
      this.#scripts.add(script);
      throw new StoreUnavailableError('Redis is not connected');
    }
    const rest = [String(keys.length), ...keys, ...args];
    try {
      if (this.#scripts.has(script)) return await this.#answerTo(['EVALSHA', script.sha, ...rest]);
      this.#scripts.add(script);
      return await this.#answerTo(['EVAL', script.lua, ...rest]);
    } catch (error) {
      // Somebody has flushed the server's scripts.
      if (error instanceof StoreUnavailableError && causeOf(error).startsWith('NOSCRIPT'))
        return this.#answerTo(['EVAL', script.lua, ...rest]);
      throw error;
    }
  }

  /** Hears a channel from the next moment on that both connections are ready. `onMessage` must not throw. One per channel. */
  subscribe(channel: string, onMessage: (text: string) => void): void {
    this.#subscribe(channel, (client) => client.subscribe(channel, onMessage));
  }

  /** The same for messages that are no text. */
  subscribeBytes(channel: string, onMessage: (bytes: Buffer) => void): void {
    this.#subscribe(channel, (client) => client.subscribe(channel, onMessage, true));
  }

  /** How many hear the channel. Rejects with StoreUnavailableError; then it may have been heard or not. Messages go out in the order of the calls. */
  async publish(channel: string, bytes: Uint8Array): Promise<number> {
    if (!this.isUp) throw new StoreUnavailableError('Redis is not connected');
    const listeners = await this.#answerTo(['PUBLISH', channel, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
    return typeof listeners === 'number' ? listeners : 0;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#generation++;
    this.#areCommandsUp = false;
    this.#areMessagesUp = false;
    clearInterval(this.#pulse);
    destroy(this.#commands);
    destroy(this.#messages);
    return Promise.resolve();
  }

  /** The subscription is made again on a connection that is back and has it already: it must name the same listener, or it hears twice. */
  #subscribe(channel: string, subscription: Subscription): void {
    this.#channels.set(channel, subscription);
    if (this.#areMessagesUp) void subscription(this.#messages).catch(() => this.#restart('a subscription failed'));
  }

  #start(): void {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    const watch = (client: Client, onReady: () => void, onLost: () => void): void => {
      client.on('ready', () => {
        if (isCurrent()) onReady();
      });
      for (const event of ['reconnecting', 'end'] as const)
        client.on(event, () => {
          if (!isCurrent()) return;
          onLost();
          this.#tellState('the connection was lost');
        });
      // Without a listener an 'error' would end the process.
      client.on('error', (error: Error) => {
        if (!isCurrent()) return;
        onLost();
        this.#tellState(error.name);
      });
      client.connect().catch(() => undefined);
    };
    watch(
      this.#commands,
      () => void this.#prepareCommands(isCurrent),
      () => (this.#areCommandsUp = false),
    );
    watch(
      this.#messages,
      () => void this.#prepareMessages(isCurrent),
      () => (this.#areMessagesUp = false),
    );
  }

  /** A restarted server has forgotten the scripts. */
  async #prepareCommands(isCurrent: () => boolean): Promise<void> {
    const client = this.#commands;
    while (isCurrent() && client.isReady) {
      try {
        for (const { lua } of this.#scripts) await within(COMMAND_TIMEOUT_MS, client.sendCommand(['SCRIPT', 'LOAD', lua]));
        // Even without scripts: a server that loads its data refuses everything but PING.
        await within(COMMAND_TIMEOUT_MS, client.sendCommand(['EXISTS', redisKey('ready')]));
        this.serverId = await within(COMMAND_TIMEOUT_MS, readServerId(client));
        if (!isCurrent() || !client.isReady) return;
        this.#areCommandsUp = true;
        this.#tellState('');
        return;
      } catch {
        await new Promise((done) => setTimeout(done, NOT_READY_RETRY_MS).unref());
      }
    }
  }

  /** A connection that is back has its channels again; a new one needs them all. */
  async #prepareMessages(isCurrent: () => boolean): Promise<void> {
    const client = this.#messages;
    try {
      for (const subscription of this.#channels.values()) await subscription(client);
    } catch {
      if (isCurrent()) this.#restart('a subscription failed');
      return;
    }
    if (!isCurrent() || !client.isReady) return;
    this.#areMessagesUp = true;
    this.#tellState('');
  }

  async #feelPulse(): Promise<void> {
    if (!this.isUp && performance.now() - this.#downSinceMs > STUCK_MS) return this.#restart('no connection');
    const generation = this.#generation;
    const clients = [this.#commands, this.#messages].filter((client) => client.isReady);
    const ping = (client: Client): Promise<unknown> => within(COMMAND_TIMEOUT_MS, client.sendCommand(['PING']));
    const answers = await Promise.allSettled(clients.map(ping));
    if (generation !== this.#generation || this.#isClosed) return;
    if (answers.some((answer) => answer.status === 'rejected' && answer.reason instanceof TimeoutError)) this.#restart('no sign of life');
  }

  /** Both connections anew: one of them is of no use, and only the two together are. */
  #restart(why: string): void {
    if (this.#isClosed) return;
    this.#areCommandsUp = false;
    this.#areMessagesUp = false;
    this.#downSinceMs = performance.now();
    const old = [this.#commands, this.#messages];
    this.#commands = makeClient(this.#options.url);
    this.#messages = makeClient(this.#options.url);
    this.#start();
    old.forEach(destroy);
    this.#tellState(why);
  }

  #tellState(why: string): void {
    if (this.isUp === this.#wasUp || this.#isClosed) return;
    this.#wasUp = this.isUp;
    if (!this.isUp) {
      this.counters.losses++;
      this.#downSinceMs = performance.now();
    }
    this.#options.onState?.(this.isUp ? 'up' : 'down', why);
    if (this.isUp) for (const listener of this.#upListeners) listener();
  }

  async #answerTo(command: (string | Buffer)[]): Promise<unknown> {
    try {
      return await within(COMMAND_TIMEOUT_MS, this.#commands.sendCommand(command));
    } catch (error) {
      if (error instanceof TimeoutError) this.counters.timeouts++;
      else this.counters.failures++;
      throw new StoreUnavailableError('Redis did not do what it was asked to', { cause: error });
    }
  }
}

class TimeoutError extends Error {}

async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function makeClient(url: string) {
  return createClient({
    url,
    // Commands that cannot be sent fail at once; nothing is kept for later.
    disableOfflineQueue: true,
    commandsQueueMaxLength: COMMANDS_MAX,
    // None: ours is above, and the client's own, a timer for every command, covers only what was not sent yet.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) => {
        const longestMs = Math.min(RECONNECT_MIN_MS * 2 ** Math.min(retries, 10), RECONNECT_MAX_MS);
        return longestMs * (0.5 + Math.random() / 2);
      },
    },
  });
}

/** Not every provider lets its clients ask. */
async function readServerId(client: Client): Promise<string | undefined> {
  const answer: unknown = await client.sendCommand(['INFO', 'server']).catch(() => '');
  return typeof answer === 'string' ? /^run_id:(\w+)/m.exec(answer)?.[1] : undefined;
}

function destroy(client: Client): void {
  try {
    client.destroy();
  } catch {
    // It was closed already.
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : '';
}
