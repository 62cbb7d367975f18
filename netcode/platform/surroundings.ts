/** What browsers and Node have alike: a monotonic clock and good random numbers (also on plain http, where much of `crypto` is missing). */
import type { Clock } from '../core/clock.ts';
import type { Game, KindMap } from '../define-game.ts';
import type { SessionDeps } from '../session/deps.ts';
import { hostRoom, joinRoom } from '../session/session.ts';
import { JoinError, type HostOptions, type JoinOptions, type Room } from '../session/room.ts';
import { BrokerClient } from '../transport/broker-client.ts';
import type { IceSettings } from '../transport/ice-keeper.ts';
import { explainJoin, joinReportText } from '../transport/join-report.ts';
import { JoinTrace } from '../transport/join-trace.ts';
import { DialError, type Transport } from '../transport/transport.ts';
import type { PeerTransportOptions } from '../transport/peerjs.ts';
import type { LobbyRoom } from '../voice/room-roster.ts';
import type { RoomVoice } from '../voice/voice.ts';
import type { FieldMap } from '../wire/schema.ts';
import type { SettingMap, SettingsOf } from '../wire/settings.ts';
import type { Ticker } from '../core/clock.ts';

const clock: Clock = { nowMs: () => performance.now() };

function randomU32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

export interface Surroundings {
  readonly createTicker: () => Ticker;
  readonly createTransport: (options: PeerTransportOptions) => Promise<Transport>;
  /** Undefined: no voice here. */
  readonly createVoice?: (room: LobbyRoom, transport: Transport, clock: Clock) => RoomVoice;
}

interface DepsOptions {
  readonly brokerUrl: string;
  readonly signal: AbortSignal | undefined;
  /** Of a join: notes what becomes of it. */
  readonly trace?: JoinTrace;
}

function depsFor({ brokerUrl, signal, trace }: DepsOptions, { createTicker, createTransport, createVoice }: Surroundings): SessionDeps {
  const directory = new BrokerClient({ brokerUrl });
  let unnoted = trace;
  const askForIce = async (): Promise<IceSettings> => {
    // Servers are asked for again when their credentials run out. That is no part of the join.
    const noting = unnoted;
    unnoted = undefined;
    noting?.begin('config');
    const config = await directory.getConfig();
    if (!config.ok) {
      noting?.fail('config');
      throw new DialError('broker-unreachable', config.message);
    }
    noting?.done('config');
    const { iceTransportPolicy = 'all', hasRelay = false, expiresInSeconds } = config.value;
    const iceServers = config.value.iceServers.map(({ urls, ...rest }) => ({ ...rest, urls: typeof urls === 'string' ? urls : [...urls] }));
    noting?.useServers(iceServers, iceTransportPolicy);
    if (!hasRelay) noting?.path('relay', 'none');
    return { iceServers, iceTransportPolicy, hasRelay, goodForMs: expiresInSeconds === undefined ? undefined : expiresInSeconds * 1000 };
  };
  return {
    clock,
    randomU32,
    directory,
    trace,
    createVoice: createVoice && ((room, transport) => createVoice(room, transport, clock)),
    ticker: createTicker(),
    async openTransport() {
      trace?.begin('broker');
      const transport = await createTransport({ brokerUrl, ice: askForIce, clock, ...(signal !== undefined && { signal }) });
      trace?.done('broker');
      return transport;
    },
  };
}

function requireBrokerUrl(brokerUrl: string | undefined): string {
  if (brokerUrl !== undefined && URL.canParse(brokerUrl)) return brokerUrl;
  throw new JoinError('broker-unreachable', `'${brokerUrl ?? ''}' is no address of a server. Pass brokerUrl, like https://play.example.`);
}

export async function hostWith<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  options: HostOptions<SettingsOf<S>>,
  surroundings: Surroundings,
): Promise<Room<I, E, V, R, S>> {
  const room = await hostRoom(
    game,
    options,
    depsFor({ brokerUrl: requireBrokerUrl(options.brokerUrl), signal: options.signal }, surroundings),
  );
  // The rooms work on any game; only here, where the game's types are known, are they given to it.
  return room as unknown as Room<I, E, V, R, S>;
}

export async function joinWith<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  join: JoinOptions & { readonly code: string },
  surroundings: Surroundings,
): Promise<Room<I, E, V, R, S>> {
  const trace = new JoinTrace(clock);
  try {
    const deps = depsFor({ brokerUrl: requireBrokerUrl(join.brokerUrl), signal: join.signal, trace }, surroundings);
    return (await joinRoom(game, join.code, join, deps)) as unknown as Room<I, E, V, R, S>;
  } catch (error) {
    if (error instanceof JoinError && trace.steps.length > 0) {
      error.explanation = explainJoin(trace, error);
      // Some of the server was reached: the message of a server that is out of reach would be untrue.
      if (error.reason === 'broker-unreachable' && trace.isDone('code')) error.message = error.explanation.what;
      error.report = joinReportText(trace, error);
    }
    throw error;
  }
}
