/** What browsers and Node have alike: a monotonic clock and good random numbers (also on plain http, where much of `crypto` is missing). */
import type { Clock } from '../core/clock.ts';
import type { Game, KindMap } from '../define-game.ts';
import type { SessionDeps } from '../session/deps.ts';
import { hostRoom, joinRoom } from '../session/session.ts';
import { JoinError, type HostOptions, type JoinOptions, type Room } from '../session/room.ts';
import { BrokerClient } from '../transport/broker-client.ts';
import { DialError, type Transport } from '../transport/transport.ts';
import type { PeerTransportOptions } from '../transport/peerjs.ts';
import type { FieldMap } from '../wire/schema.ts';
import type { Ticker } from '../core/clock.ts';

const clock: Clock = { nowMs: () => performance.now() };

function randomU32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

export interface Surroundings {
  readonly createTicker: () => Ticker;
  readonly createTransport: (options: PeerTransportOptions) => Promise<Transport>;
}

function depsFor(brokerUrl: string, { createTicker, createTransport }: Surroundings, signal: AbortSignal | undefined): SessionDeps {
  const directory = new BrokerClient({ brokerUrl });
  return {
    clock,
    randomU32,
    directory,
    ticker: createTicker(),
    async openTransport() {
      const config = await directory.getConfig();
      if (!config.ok) throw new DialError('broker-unreachable', config.message);
      const iceServers = config.value.iceServers.map(({ urls, ...rest }) => ({
        ...rest,
        urls: typeof urls === 'string' ? urls : [...urls],
      }));
      const { iceTransportPolicy = 'all' } = config.value;
      return createTransport({ brokerUrl, iceServers, iceTransportPolicy, clock, ...(signal !== undefined && { signal }) });
    },
  };
}

function requireBrokerUrl(brokerUrl: string | undefined): string {
  if (brokerUrl !== undefined && URL.canParse(brokerUrl)) return brokerUrl;
  throw new JoinError('broker-unreachable', `'${brokerUrl ?? ''}' is no address of a server. Pass brokerUrl, like https://play.example.`);
}

export async function hostWith<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: HostOptions,
  surroundings: Surroundings,
): Promise<Room<I, E, V, R>> {
  const room = await hostRoom(game, options, depsFor(requireBrokerUrl(options.brokerUrl), surroundings, options.signal));
  // The rooms work on any game; only here, where the game's types are known, are they given to it.
  return room as unknown as Room<I, E, V, R>;
}

export async function joinWith<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  join: JoinOptions & { readonly code: string },
  surroundings: Surroundings,
): Promise<Room<I, E, V, R>> {
  const room = await joinRoom(game, join.code, join, depsFor(requireBrokerUrl(join.brokerUrl), surroundings, join.signal));
  return room as unknown as Room<I, E, V, R>;
}
