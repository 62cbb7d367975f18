/** One match as the host's room runs it: the authority, the link of the host's own player, and what is counted of both. */
import { StateChannel } from '../channel/state-channel.ts';
import type { Clock } from '../core/clock.ts';
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import { Host } from '../host/host.ts';
import { Recorder } from '../host/recording.ts';
import { loopbackPair } from '../transport/loopback.ts';
import { STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import { packSettings, type SettingValues } from '../wire/settings.ts';
import { DelayedLink, Handicap } from './handicap.ts';

export interface HostMatchOptions {
  readonly number: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly settings: SettingValues;
  /** Whether the host's own player is to see and act as late as the median guest. */
  readonly isFair: boolean;
  readonly isRecording: boolean;
}

export class HostMatch {
  readonly number: number;
  readonly seed: number;
  /** As every client is told. */
  readonly packedSettings: readonly number[];
  readonly host: Host;
  readonly recorder: Recorder | undefined;
  readonly handicap: Handicap;
  /** The player's end of the host's own channel, and the host's. */
  readonly ownChannel: StateChannel;
  readonly hostsChannel: StateChannel;
  readonly #msPerTick: number;

  constructor(game: AnyGame, { number, seed, clock, settings, isFair, isRecording }: HostMatchOptions) {
    this.number = number;
    this.seed = seed;
    this.packedSettings = packSettings(game.settings, settings);
    this.#msPerTick = 1000 / game.tickRate;
    this.recorder = isRecording ? new Recorder(game, seed, settings) : undefined;
    this.host = new Host(game, {
      match: number,
      seed,
      settings,
      nowMs: clock.nowMs(),
      packetBytesMax: STATE_PACKET_BYTES_MAX,
      ...(this.recorder !== undefined && { recorder: this.recorder }),
    });
    this.handicap = new Handicap(isFair);
    const delayMs = (): number => this.handicap.delayMs;
    const [own, hosts] = loopbackPair(clock);
    this.ownChannel = new StateChannel(new DelayedLink(own, clock, delayMs), { isPaced: false });
    this.hostsChannel = new StateChannel(new DelayedLink(hosts, clock, delayMs), { isPaced: false });
  }

  update(nowMs: number, me: PlayerId): void {
    this.host.update(nowMs);
    const { clients } = this.host;
    const viewDelayMs = (player: PlayerId): number => (clients.get(player)?.viewDelayTicks ?? 0) * this.#msPerTick;
    // Who only watches is nobody's measure; nor is the host's player who does.
    const players = [...clients.values()].filter(({ isSpectator }) => !isSpectator).map(({ player }) => player);
    const guests = players.filter((player) => player !== me);
    this.handicap.update(nowMs, viewDelayMs(me), players.includes(me) ? guests.map(viewDelayMs) : []);
  }

  /** Packets and inputs of all players that came to nothing. */
  counts(): { late: number; malformed: number; dropped: number; refusedClaims: number } {
    const counts = { late: 0, malformed: 0, dropped: 0, refusedClaims: 0 };
    for (const { inputs, malformedPackets } of this.host.clients.values()) {
      counts.late += inputs.lateInputs;
      counts.malformed += malformedPackets;
      counts.dropped += inputs.refusedInputs + inputs.changedInputs;
      counts.refusedClaims += inputs.refusedClaims;
    }
    return counts;
  }
}
