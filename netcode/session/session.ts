/**
 * Opening and entering rooms: the whole way from a click to a `Room`, every step of which can fail with its own reason.
 */
import { type PeerId, PLAYERS_MAX } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { BrokerResult } from '../transport/directory.ts';
import { DialError, type DialFailure, type Link, type RelayTicket, type Transport } from '../transport/transport.ts';
import { IDENTITY_LENGTH_MAX, isIdentity } from '../wire/control-lobby.ts';
import { normaliseCode } from '../wire/lobby-api.ts';
import { changedSettings } from '../wire/settings.ts';
import { detailsOf } from './broker-desk.ts';
import type { SessionDeps } from './deps.ts';
import { type Answer, Greeting, type Guest } from './greeting.ts';
import { LobbyModel, type LobbyStart, passwordOf } from './lobby-model.ts';
import { type LobbyState, SPECTATORS_MAX_DEFAULT } from './lobby-state.ts';
import { JOIN_MESSAGES } from './messages.ts';
import type { Arrival } from './move.ts';
import { type HostOptions, JoinError, type JoinFailure, type JoinOptions } from './room.ts';
import { relayTicketOf, RoomCore } from './room-core.ts';
import { SessionRoom } from './session-room.ts';

/** Longest wait for a path to the host: ICE on a bad network takes up to ten seconds, then nothing comes any more. */
const DIAL_TIMEOUT_MS = 12_000;
/** Hosts that send a guest on to the next one, until it gives up. */
const HOPS_MAX = 4;
/**
 * A host that the directory names and the broker's signalling does not know may be on its way back: after a restart of the broker its socket
 * comes later than its code. So long it is looked for, so far apart; longer would keep waiting those whose host has crashed.
 */
const HOST_BACK_MS = 4_000;
const HOST_RETRY_MS = 400;

/** Opens a room: attaches to the broker and registers an invite code. Rejects with JoinError. */
export async function hostRoom(
  game: AnyGame,
  options: HostOptions & { readonly isRecording?: boolean },
  deps: SessionDeps,
): Promise<SessionRoom> {
  const start = lobbyStartOf(game, options);
  const identity = identityOf(options, deps);
  options.onStep?.('Connecting to the server…');
  const transport = await openTransport(deps, options.signal);
  try {
    options.onStep?.('Getting an invite code…');
    const { localId: peerId } = transport;
    const model = new LobbyModel(game, { ...start, code: '' });
    const me = model.add({ name: options.name, identity, isHost: true, isSpectator: false, path: 'local', peerId });
    const created = await deps.directory.createLobby({ ...detailsOf(model, game, deps.directory), peerId, gameId: game.id });
    if (!created.ok) throw new JoinError('broker-unreachable', created.message);
    const { code, ownerToken, expiresInMs } = created.value;
    if (options.signal?.aborted === true) {
      void deps.directory.closeLobby(code, ownerToken);
      throw failure('cancelled');
    }
    model.setCode(code);
    const core = coreOf(game, { deps, transport, code, isRelayAllowed: false });
    core.me = me;
    const { isFair = false, isRecording = false } = options;
    const guest = { identity, password: '' };
    const room = new SessionRoom(
      { core, deps, transport, guest, isFair, isRecording },
      { asHost: { model, registered: { ownerToken, expiresInMs } } },
    );
    deps.ticker.start(() => room.update());
    return room;
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** Enters the room behind an invite code. Rejects with JoinError. */
export async function joinRoom(game: AnyGame, typedCode: string, options: JoinOptions, deps: SessionDeps): Promise<SessionRoom> {
  const guest = guestOf(options, deps);
  const code = normaliseCode(typedCode);
  if (code === undefined) throw failure('bad-code');
  options.onStep?.('Looking up the code…');
  const opening = openTransport(deps, options.signal);
  // The broker's socket opens while the code is looked up; if the look-up fails first, nobody awaits it any more.
  opening.catch(() => undefined);
  try {
    deps.trace?.begin('code');
    const lobby = resolved(await unlessAborted(deps.directory.resolveLobby(code), options.signal));
    deps.trace?.done('code');
    if (lobby.gameId !== game.id) throw failure('wrong-game');
    const transport = await opening;
    // One pulse for the handshake and the room after it: a second start would be a second Worker.
    let pulse = (): void => undefined;
    deps.ticker.start(() => pulse());
    const isRelayAllowed = lobby.isRelayAllowed === true;
    const core = coreOf(game, { deps, transport, code, isRelayAllowed });
    if (!isRelayAllowed && deps.trace?.paths.get('relay') !== 'none') deps.trace?.path('relay', 'not-allowed');
    const arrival = await arrive(game, {
      ...options,
      deps,
      transport,
      code,
      to: lobby.peerId,
      relay: relayTicketOf(core),
      guest,
      onPulse: (next) => (pulse = next),
    });
    const room = new SessionRoom({ core, deps, transport, guest, isFair: false, isRecording: false }, { asGuest: arrival });
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

function coreOf(
  game: AnyGame,
  {
    deps,
    transport,
    ...about
  }: { readonly deps: SessionDeps; readonly transport: Transport } & Pick<LobbyState, 'code' | 'isRelayAllowed'>,
): RoomCore {
  const onEnd = (): void => {
    transport.close();
    deps.ticker.stop();
  };
  return new RoomCore(game, { ...about, clock: deps.clock, onEnd });
}

/** Throws RangeError naming what cannot be. */
function lobbyStartOf(game: AnyGame, options: HostOptions): Omit<LobbyStart, 'code'> {
  const { playersMax = game.playersMax, spectatorsMax = SPECTATORS_MAX_DEFAULT, listing = {}, settings = {} } = options;
  if (!Number.isInteger(playersMax) || playersMax < 1 || playersMax > game.playersMax)
    throw new RangeError(`playersMax ${playersMax} must be 1 to the game's ${game.playersMax}`);
  if (!Number.isInteger(spectatorsMax) || spectatorsMax < 0 || spectatorsMax > PLAYERS_MAX)
    throw new RangeError(`spectatorsMax ${spectatorsMax} must be 0 to ${PLAYERS_MAX}`);
  const { name = '', isPublic = false, isRelayAllowed = true } = listing;
  return {
    playersMax,
    spectatorsMax,
    name,
    isPublic,
    isRelayAllowed,
    password: passwordOf(options.password ?? ''),
    settings: changedSettings(game.settings, game.defaultSettings, settings),
  };
}

/** Throws RangeError naming what cannot be. */
function guestOf(options: JoinOptions, deps: SessionDeps): Guest {
  const { name, takeOver = false, isSpectating = false, password = '' } = options;
  return { name, takeOver, isSpectating, password: passwordOf(password), identity: identityOf(options, deps) };
}

function identityOf({ identity }: { readonly identity?: string }, deps: SessionDeps): string {
  if (identity === undefined) return randomIdentity(deps);
  if (isIdentity(identity)) return identity;
  throw new RangeError(
    `identity '${String(identity).slice(0, IDENTITY_LENGTH_MAX)}' must be 1 to ${IDENTITY_LENGTH_MAX} printable ASCII characters`,
  );
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

/** Rejects as soon as the signal says so; what comes later is nobody's any more. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(failure('cancelled'));
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort));
  });
}

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

interface ArriveOptions extends Pick<JoinOptions, 'signal' | 'onStep'> {
  readonly deps: SessionDeps;
  readonly transport: Transport;
  readonly code: string;
  readonly to: PeerId;
  readonly relay: RelayTicket;
  readonly guest: Guest;
  readonly onPulse: (callback: () => void) => void;
}

/** Dials the host and says hello; if the lobby has another host by now, that one. */
async function arrive(game: AnyGame, options: ArriveOptions): Promise<Arrival> {
  const { deps, guest, onStep } = options;
  let { to } = options;
  for (let hop = 0; hop < HOPS_MAX; hop++) {
    onStep?.('Connecting to the host…');
    const link = await dial(to, options);
    onStep?.('Saying hello…');
    deps.trace?.begin('hello');
    const answer = await answerOf(new Greeting(link, game, { guest, nowMs: deps.clock.nowMs() }), options);
    deps.trace?.[answer.type === 'welcome' || answer.type === 'moved' ? 'done' : 'fail']('hello');
    if (answer.type === 'welcome') return { link, me: answer.me, rttMs: answer.rttMs };
    link.close();
    if (answer.type !== 'moved') throw failureFor(answer);
    to = answer.peerId;
  }
  throw failure('host-gone');
}

async function dial(peerId: PeerId, options: ArriveOptions): Promise<Link> {
  const { deps, transport, relay, signal } = options;
  const untilMs = deps.clock.nowMs() + HOST_BACK_MS;
  for (let to = peerId; ; to = await whereHostIs(options)) {
    throwIfAborted(signal);
    try {
      return await transport.connect(to, { timeoutMs: DIAL_TIMEOUT_MS, relay, trace: deps.trace, ...(signal !== undefined && { signal }) });
    } catch (error) {
      const isUnknown = error instanceof DialError && error.failure === 'peer-unknown';
      if (!isUnknown || deps.clock.nowMs() >= untilMs) throw fromDial(error);
    }
  }
}

/** What the directory says a moment later. */
async function whereHostIs({ deps, code, signal, onPulse }: ArriveOptions): Promise<PeerId> {
  const untilMs = deps.clock.nowMs() + HOST_RETRY_MS;
  await new Promise<void>((resolve) => {
    onPulse(() => {
      if (deps.clock.nowMs() >= untilMs || signal?.aborted === true) resolve();
    });
  });
  onPulse(() => undefined);
  const lobby = await deps.directory.resolveLobby(code);
  if (!lobby.ok && lobby.failure === 'unknown-code') throw failure('host-gone');
  return resolved(lobby).peerId;
}

/** The host's answer; whatever follows it stays in the link for the room. */
function answerOf(greeting: Greeting, { deps, signal, onPulse }: ArriveOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    onPulse(() => {
      const answer = signal?.aborted === true ? undefined : greeting.poll(deps.clock.nowMs());
      if (signal?.aborted !== true && answer === undefined) return;
      // The promise's reader runs a moment later; the next message is already the room's.
      onPulse(() => undefined);
      if (answer === undefined) reject(failure('cancelled'));
      else resolve(answer);
    });
  });
}

function failureFor(answer: Exclude<Answer, { type: 'welcome' | 'moved' }>): JoinError {
  switch (answer.type) {
    case 'refuse':
      return failure(answer.reason);
    case 'nonsense':
      return failure('protocol');
    case 'gone':
      return failure('host-gone');
    case 'silence':
      return failure('host-gone', 'The host was reached, but does not answer. Ask them to look at their tab, then try again.');
  }
}

/** 96 bits that tell this player from others. */
function randomIdentity(deps: SessionDeps): string {
  return [0, 0, 0].map(() => deps.randomU32().toString(36)).join('-');
}
