/**
 * The log: one JSON object a line for machines, or one readable line for a terminal. From level info up it names nobody: no
 * addresses, names, codes, peer ids or tokens, whoever writes to it, because only the fields listed here get through. What
 * helps to find a fault and names people belongs on level debug, which is off unless the operator asks for it.
 */
import { pino, type DestinationStream } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Lines waiting for a reader that does not read, in characters; further ones are lost, so that a stuck log collector costs no memory. */
const WAITING_MAX = 1_048_576;
const STDOUT = 1;

/** All that a line at level info or above can say. None of it may come from a request, but for what is counted or matched to a list of ours. */
const PUBLIC_FIELDS = [
  /** Made up for one failed request and told to who sent it. */
  'requestId',
  'method',
  /** The pattern, `/api/lobbies/:code`; never the path. */
  'route',
  'status',
  /** One of a fixed set of words. */
  'reason',
  'signal',
  'port',
  'peers',
  'lobbies',
  'count',
  'durationMs',
  'error',
] as const;

export type PublicFields = Readonly<Partial<Record<(typeof PUBLIC_FIELDS)[number], unknown>>>;

export interface Logger {
  /** May name people. */
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: PublicFields, message: string): void;
  warn(fields: PublicFields, message: string): void;
  error(fields: PublicFields, message: string): void;
  /** Writes out what waits, before the process ends. */
  flush(): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Default: standard output. */
  readonly write?: (line: string) => void;
}

export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const jsonToStdout = write === undefined && format === 'json';
  const buffered = jsonToStdout ? pino.destination({ dest: STDOUT, sync: false, minLength: 0, maxLength: WAITING_MAX }) : undefined;
  const put = write ?? ((line: string) => void process.stdout.write(line));
  const destination: DestinationStream = buffered ?? { write: (line) => put(format === 'json' ? line : readable(line)) };
  const log = pino(
    {
      level,
      // Neither process id nor host name: the collector knows where a line came from.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    destination,
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(publicOnly(fields), message),
    warn: (fields, message) => log.warn(publicOnly(fields), message),
    error: (fields, message) => log.error(publicOnly(fields), message),
    flush: () => {
      try {
        buffered?.flushSync();
      } catch {
        // The reader is gone; there is no one left to tell.
      }
    },
  };
}

/** The types ask for this; it also holds for what got past them. */
function publicOnly(fields: PublicFields): PublicFields {
  return Object.fromEntries(PUBLIC_FIELDS.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}

/** Of an error only what our own code and libraries say; other properties may hold what the client sent (body-parser's do). */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code } = error as NodeJS.ErrnoException;
  return { name, message, ...(typeof code === 'string' ? { code } : {}), stack };
}

/** `12:34:56 error  Request failed route=/api/lobbies/:code status=500`, and under it the stack. */
function readable(line: string): string {
  const { time, level, msg, error, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { stack, message } = (error ?? {}) as { readonly stack?: string; readonly message?: string };
  const trouble = error === undefined ? '' : `\n${stack ?? message ?? ''}`;
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)}  ${String(msg)}${pairs.join('')}${trouble}\n`;
}
