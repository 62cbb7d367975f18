/**
 * A match without a lobby, in virtual time: a host, its own player over loopback, guests over a conditioned network.
 * `run(ms)` is the only thing that makes time pass, so a scenario is repeatable bit for bit.
 */
import { StateChannel } from '../../netcode/channel/state-channel.ts';
import { Client } from '../../netcode/client/client.ts';
import { VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId, PlayerId } from '../../netcode/core/ids.ts';
import { Sfc32 } from '../../netcode/core/rng.ts';
import type { AnyGame } from '../../netcode/define-game.ts';
import { Host } from '../../netcode/host/host.ts';
import { Recorder } from '../../netcode/host/recording.ts';
import { ConditionedNetwork } from '../../netcode/transport/conditioned.ts';
import type { Conditions } from '../../netcode/transport/conditions.ts';
import { loopbackPair } from '../../netcode/transport/loopback.ts';
import { type Link, STATE_PACKET_BYTES_MAX } from '../../netcode/transport/transport.ts';

const PUMP_MS = 4;

export interface TestPlayer {
  readonly id: PlayerId;
  readonly client: Client;
  readonly link: Link;
  readonly channel: StateChannel;
  /** The host's end of the same link. */
  readonly hostLink: Link;
  readonly events: { readonly type: number; readonly tick: number; readonly isPredicted: boolean }[];
}

export class TestMatch {
  readonly clock = new VirtualClock();
  readonly host: Host;
  readonly players: TestPlayer[] = [];
  readonly recorder: Recorder;
  readonly network: ConditionedNetwork;
  /** Called for each player before every pump: what they press. */
  drive: ((player: TestPlayer, nowMs: number, rng: Sfc32) => void) | undefined;
  readonly #game: AnyGame;
  readonly #seed: number;
  readonly #rng: Sfc32;
  readonly #hostTransport;

  private constructor(game: AnyGame, seed: number) {
    this.#game = game;
    this.#seed = seed;
    this.#rng = new Sfc32(seed);
    this.network = new ConditionedNetwork(this.clock, seed);
    this.#hostTransport = this.network.createTransport('host' as PeerId);
    this.recorder = new Recorder(game, seed);
    this.host = new Host(game, { match: 1, seed, nowMs: 0, packetBytesMax: STATE_PACKET_BYTES_MAX, recorder: this.recorder });
  }

  static async start(game: AnyGame, options: { guests: number; seed: number; conditions?: Partial<Conditions> }): Promise<TestMatch> {
    const match = new TestMatch(game, options.seed);
    const [mine, hosts] = loopbackPair(match.clock);
    match.#add(1 as PlayerId, mine, hosts);
    for (let i = 0; i < options.guests; i++) await match.addGuest();
    if (options.conditions !== undefined) match.network.setDefaultConditions(options.conditions);
    return match;
  }

  /** A guest enters now, over a link that takes on the network's conditions. */
  async addGuest(): Promise<TestPlayer> {
    const id = (this.players.length + 1) as PlayerId;
    const dial = this.network.createTransport(`guest-${id}` as PeerId).connect('host' as PeerId, { timeoutMs: 60_000 });
    let link: Link | undefined;
    void dial.then((opened) => (link = opened));
    while (link === undefined) {
      this.clock.advance(PUMP_MS);
      this.network.pump();
      await Promise.resolve();
    }
    return this.#add(id, link, this.#hostTransport.accept()!);
  }

  #add(id: PlayerId, link: Link, hostLink: Link): TestPlayer {
    const events: TestPlayer['events'] = [];
    const isPaced = id !== 1;
    const channel = new StateChannel(link, { isPaced });
    const joinTick = this.host.addPlayer(id, new StateChannel(hostLink, { isPaced }));
    const client = new Client(this.#game, {
      channel,
      player: id,
      match: 1,
      seed: this.#seed,
      joinTick,
      rttMs: 50,
      onEvent: (event, isPredicted) => events.push({ type: event.type, tick: event.tick, isPredicted }),
    });
    const player = { id, client, link, channel, hostLink, events };
    this.players.push(player);
    return player;
  }

  run(ms: number, onPump?: () => void): void {
    const endMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < endMs) {
      this.clock.advance(PUMP_MS);
      this.network.pump();
      for (const player of this.players) {
        this.drive?.(player, this.clock.nowMs(), this.#rng);
        player.client.update(this.clock.nowMs());
      }
      this.host.update(this.clock.nowMs());
      onPump?.();
    }
  }
}
