/**
 * Opening and entering rooms: the whole way from a click to a `Room`, every step of which can fail with its own reason.
 */
import { normaliseCode } from '../wire/lobby-api.ts';
import type { Clock } from '../core/clock.ts';
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { BrokerResult } from '../transport/directory.ts';
import { DialError, type DialFailure, type Link, type Transport } from '../transport/transport.ts';
import { decodeHostMessage, encodeControl } from '../wire/control.ts';
import { PROTOCOL_VERSION } from '../wire/packet.ts';
import type { SessionDeps } from './deps.ts';
import { GuestRoom } from './guest-room.ts';
import { HostRoom } from './host-room.ts';
import { LobbyRegistration } from './lobby-registration.ts';
import { JOIN_MESSAGES } from './messages.ts';
import { type HostOptions, JoinError, type JoinFailure, type JoinOptions } from './room.ts';

/** Longest wait for a path to the host: ICE on a bad network takes up to ten seconds, then nothing comes any more. */
const DIAL_TIMEOUT_MS = 12_000;
/** Longest wait for the host's answer to the hello. */
const WELCOME_TIMEOUT_MS = 8_000;

/** Opens a room: attaches to the broker and registers an invite code. Rejects with JoinError. */
export async function hostRoom(
  game: AnyGame,
  options: HostOptions & { readonly isRecording?: boolean },
  deps: SessionDeps,
): Promise<HostRoom> {
  const playersMax = options.playersMax ?? game.playersMax;
  if (!Number.isInteger(playersMax) || playersMax < 1 || playersMax > game.playersMax) {
    throw new RangeError(`playersMax ${playersMax} must be 1 to the game's ${game.playersMax}`);
  }
  options.onStep?.('Connecting to the server…');
  const transport = await openTransport(deps, options.signal);
  try {
    options.onStep?.('Getting an invite code…');
    const created = await deps.directory.createLobby({ peerId: transport.localId, gameId: game.id });
    if (!created.ok) throw new JoinError('broker-unreachable', created.message);
    throwIfAborted(options.signal);
    const { code } = created.value;
    const room = new HostRoom(game, {
      deps,
      transport,
      code,
      playersMax,
      name: options.name,
      identity: options.identity ?? randomIdentity(deps),
      isRecording: options.isRecording ?? false,
      isFair: options.isFair ?? false,
      onEnd: () => deps.ticker.stop(),
    });
    room.registration = new LobbyRegistration(
      deps.directory,
      { ...created.value, peerId: transport.localId, gameId: game.id, nowMs: deps.clock.nowMs() },
      {
        onLost: () => room.notice('broker-lost', 'The server cannot be reached. The game goes on; new players can join when it is back.'),
        onBack: () => room.notice('broker-back', 'The server is back. New players can join again.'),
        onCodeChanged: (changed) => room.setCode(changed),
      },
    );
    deps.ticker.start(() => room.update());
    return room;
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** Enters the room behind an invite code. Rejects with JoinError. */
export async function joinRoom(game: AnyGame, typedCode: string, options: JoinOptions, deps: SessionDeps): Promise<GuestRoom> {
  const code = normaliseCode(typedCode);
  if (code === undefined) throw failure('bad-code');
  options.onStep?.('Looking up the code…');
  const opening = openTransport(deps, options.signal);
  // The broker's socket opens while the code is looked up; if the look-up fails first, nobody awaits it any more.
  opening.catch(() => undefined);
  try {
    const lobby = resolved(await deps.directory.resolveLobby(code));
    if (lobby.gameId !== game.id) throw failure('wrong-game');
    const transport = await opening;
    options.onStep?.('Connecting to the host…');
    const link = await dial(transport, lobby.peerId, options.signal);
    options.onStep?.('Saying hello…');
    const startMs = deps.clock.nowMs();
    // One pulse for the handshake and the room after it: a second start would be a second Worker.
    let pulse = (): void => undefined;
    deps.ticker.start(() => pulse());
    const { identity = randomIdentity(deps), name, takeOver = false } = options;
    link.sendControl(
      encodeControl({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        game: game.id,
        version: game.version,
        shape: game.shape,
        name: name.slice(0, 80),
        identity,
        takeOver,
      }),
    );
    const me = await welcome(link, { ...options, clock: deps.clock, onPulse: (callback) => (pulse = callback) });
    const rttMs = deps.clock.nowMs() - startMs;
    const room = new GuestRoom(game, { clock: deps.clock, transport, link, me, code, rttMs, onEnd: () => deps.ticker.stop() });
    pulse = () => room.update();
    return room;
  } catch (error) {
    deps.ticker.stop();
    void opening.then(
      (transport) => transport.close(),
      () => undefined,
    );
    throw error;
  }
}

function failure(reason: JoinFailure, message = JOIN_MESSAGES[reason]): JoinError {
  return new JoinError(reason, message);
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw failure('cancelled');
}

const DIAL_REASONS: Readonly<Record<DialFailure, JoinFailure>> = {
  'peer-unknown': 'host-gone',
  unreachable: 'unreachable',
  'broker-unreachable': 'broker-unreachable',
  cancelled: 'cancelled',
};

function fromDial(error: unknown): unknown {
  return error instanceof DialError ? failure(DIAL_REASONS[error.failure]) : error;
}

async function openTransport(deps: SessionDeps, signal: AbortSignal | undefined): Promise<Transport> {
  throwIfAborted(signal);
  const transport = await deps.openTransport().catch((error: unknown) => {
    throw fromDial(error);
  });
  if (signal?.aborted !== true) return transport;
  transport.close();
  throw failure('cancelled');
}

function resolved<T>(result: BrokerResult<T>): T {
  if (result.ok) return result.value;
  if (result.failure === 'unknown-code') throw failure('unknown-code');
  throw failure('broker-unreachable', result.message);
}

async function dial(transport: Transport, peerId: Transport['localId'], signal: AbortSignal | undefined): Promise<Link> {
  throwIfAborted(signal);
  try {
    return await transport.connect(peerId, { timeoutMs: DIAL_TIMEOUT_MS, ...(signal !== undefined && { signal }) });
  } catch (error) {
    throw fromDial(error);
  }
}

interface WelcomeOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onPulse: (callback: () => void) => void;
}

/** Waits for the host's answer; whatever follows it stays in the link for the room. */
function welcome(link: Link, { clock, signal, onPulse }: WelcomeOptions): Promise<PlayerId> {
  const deadlineMs = clock.nowMs() + WELCOME_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (action: () => void): void => {
      isSettled = true;
      action();
    };
    onPulse(() => {
      // The promise's reader runs a moment later; the next message is already the room's.
      if (isSettled) return;
      const received = link.receiveControl();
      const message = received === undefined ? undefined : decodeHostMessage(received.bytes);
      if (message?.type === 'welcome') settle(() => resolve(message.me));
      else if (message?.type === 'refuse') settle(() => reject(failure(message.reason)));
      else if (received !== undefined && message === undefined) settle(() => reject(failure('protocol')));
      else if (signal?.aborted === true) settle(() => reject(failure('cancelled')));
      else if (received === undefined && link.end !== undefined) settle(() => reject(failure('host-gone')));
      else if (clock.nowMs() > deadlineMs)
        settle(() =>
          reject(failure('host-gone', 'The host was reached, but does not answer. Ask them to look at their tab, then try again.')),
        );
    });
  });
}

/** 96 bits that tell this player from others. */
function randomIdentity(deps: SessionDeps): string {
  return [0, 0, 0].map(() => deps.randomU32().toString(36)).join('-');
}
