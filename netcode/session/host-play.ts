/** The matches of a host's room, one after the other: who is let in, what comes of them, and what was counted. */
import type { PlayerId } from '../core/ids.ts';
import type { Place } from '../host/host.ts';
import type { Recording } from '../host/recording.ts';
import { packValue } from '../wire/control.ts';
import type { SettingValues } from '../wire/settings.ts';
import type { SessionDeps } from './deps.ts';
import type { Guests } from './guests.ts';
import { HostMatch } from './host-match.ts';
import type { Member } from './member.ts';
import type { RoomCore } from './room-core.ts';
import type { RoomStats } from './room-stats.ts';

export interface HostPlayOptions {
  readonly deps: Pick<SessionDeps, 'clock' | 'randomU32'>;
  /** Keeps every match's recording for `recording()`. */
  readonly isRecording: boolean;
  readonly isFair: boolean;
}

/** Of a result as msgpack: it travels with the lobby and, to an heir, with everybody's identities, in one control message. */
const RESULT_BYTES_MAX = 8_192;

export class HostPlay {
  readonly #core: RoomCore;
  readonly #options: HostPlayOptions;
  /** Kept after its end, for the recording and the figures, until the next one or the lobby. */
  #match: HostMatch | undefined;
  #matchCount = 0;
  #malformed = 0;
  #dropped = 0;

  constructor(core: RoomCore, options: HostPlayOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Begins a match; `enter` is to let everyone in. */
  begin(settings: SettingValues, place: Place): void {
    this.#forget();
    const { deps, isFair, isRecording } = this.#options;
    const { game, me } = this.#core;
    const match = new HostMatch(game, {
      number: ++this.#matchCount,
      seed: deps.randomU32(),
      clock: deps.clock,
      settings,
      isFair,
      isRecording,
    });
    this.#match = match;
    const tick = match.host.addPlayer(me, match.hostsChannel, place);
    this.#core.enterMatch({ channel: match.ownChannel, player: me, match: match.number, seed: match.seed, tick, rttMs: 0, settings });
  }

  letIn(member: Member, place: Place): void {
    const match = this.#match;
    // A listener of the lobby's change may have started the match, and let everyone in, before it comes to this.
    if (match === undefined || member.player === undefined || match.host.clients.has(member.player)) return;
    const tick = match.host.addPlayer(member.player, member.channel, place);
    member.say({ type: 'match', match: match.number, seed: match.seed, tick, settings: match.packedSettings });
  }

  remove(player: PlayerId): void {
    this.#match?.host.removePlayer(player);
  }

  setPlace(player: PlayerId, place: Place): void {
    this.#match?.host.setPlace(player, place);
  }

  /** Goes on with the match; its result once it is over. */
  update(nowMs: number, guests: Guests): { readonly value: unknown } | undefined {
    const match = this.#match;
    if (match === undefined) return undefined;
    match.update(nowMs, this.#core.me);
    for (const member of guests.seated) member.tellAdvantage(match.handicap.advantageMs, nowMs);
    const { result } = match.host;
    if (result === undefined) return undefined;
    this.#core.leaveMatch();
    return { value: tellable(result.value) };
  }

  end(): void {
    this.#core.leaveMatch();
    this.#forget();
  }

  recording(): Recording | undefined {
    return this.#match?.recorder?.recording();
  }

  stats(guests: Guests, isBrokerReachable: boolean): RoomStats {
    const counts = this.#match?.counts();
    let malformed = this.#malformed + guests.malformed + (counts?.malformed ?? 0);
    let dropped = this.#dropped + guests.dropped + (counts?.dropped ?? 0);
    const members = [...guests.all];
    for (const { link, malformedMessages } of members) {
      malformed += malformedMessages + link.counters.malformedDropped;
      dropped += link.counters.stateInboxDropped + link.counters.stateSendRefused;
    }
    return this.#core.stats(
      members.map(({ channel }) => channel),
      {
        role: 'host',
        ...(this.#match !== undefined && { hostTick: this.#match.host.tick }),
        connectedPeers: guests.seated.length,
        isBrokerReachable,
        lateInputs: counts?.late ?? 0,
        refusedClaims: counts?.refusedClaims ?? 0,
        hostAdvantageMs: this.#match?.handicap.advantageMs ?? 0,
        skippedTicks: this.#match?.host.skippedTicks ?? 0,
        droppedEvents: this.#match?.host.droppedEvents ?? 0,
        stateChannel: members.find(({ link }) => link.stateChannel !== undefined)?.link.stateChannel,
        malformed,
        dropped,
      },
    );
  }

  #forget(): void {
    const counts = this.#match?.counts();
    this.#malformed += counts?.malformed ?? 0;
    this.#dropped += counts?.dropped ?? 0;
    this.#match = undefined;
  }
}

/** The match is over in any case; a result that cannot be told is none. */
function tellable(result: unknown): unknown {
  try {
    const { byteLength } = packValue(result);
    if (byteLength <= RESULT_BYTES_MAX) return result;
    console.error(`the match's result of ${byteLength} B exceeds ${RESULT_BYTES_MAX} B: nobody is told`);
  } catch (error) {
    console.error("the match's result cannot be told", error);
  }
  return null;
}
