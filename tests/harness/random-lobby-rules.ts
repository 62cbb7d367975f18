/** What must hold in a lobby whenever it is quiet, and who is let in: said once more, apart from the code that is tested. */
import type { JoinFailure, LobbyState, RoomEnd } from '../../netcode/index.ts';
import type { PersonPage, Seen } from './random-lobby-stage.ts';

/** The password, where there is one. */
export const TEA = 'tea';

export interface Person {
  readonly identity: string;
  /** What their browser remembers. */
  name: string;
  readonly page: PersonPage;
  /** They were in the room when it was quiet last, and have been since. */
  isStaying: boolean;
  /** Lines of chat that were on their page then. */
  heard: number;
  /** What they have said since. */
  said: string[];
  /** How their room may have ended since. */
  ends: RoomEnd[];
  /** They were in some lobby: its host may remember them. */
  wasIn: boolean;
}

/** Somebody whose room is not over. */
export interface Live {
  readonly person: Person;
  readonly seen: Seen;
}

export const hostOf = (live: readonly Live[]): Live | undefined => live.find(({ seen }) => seen.role === 'host');

/** Why somebody who comes now is not let in. `was`: a seat that is shown and is free, for they had it; `isKnown`: the host remembers them. */
export function refusalOf(
  { bans, isLocked, players, playersMax, spectatorsMax, hasPassword }: LobbyState,
  who: {
    readonly identity: string;
    readonly password: string;
    readonly isSpectating?: boolean;
    readonly was?: number | undefined;
    readonly isKnown: boolean;
  },
): JoinFailure | undefined {
  if (bans.some(({ identity }) => identity === who.identity)) return 'banned';
  if (isLocked && !who.isKnown) return 'locked';
  const others = players.filter(({ id }) => id !== who.was);
  const watching = others.filter(({ isSpectator }) => isSpectator).length;
  if (who.isSpectating === true && watching >= spectatorsMax) return 'spectators-full';
  if (who.isSpectating !== true && others.length - watching >= playersMax) return 'full';
  if (!hasPassword || who.isKnown || who.password === TEA) return undefined;
  return who.password === '' ? 'password-needed' : 'wrong-password';
}

/** What is not as it must be once it is quiet; undefined: nothing. */
export function disagreement(live: readonly Live[]): string | undefined {
  const hosts = live.filter(({ seen }) => seen.role === 'host');
  if (hosts.length !== 1) return `${hosts.length} of ${live.length} are hosts`;
  const { seen: host } = hosts[0]!;
  if (host.isPassing) return 'the role is being passed on';
  if (host.lobby.countdownMs !== undefined) return 'a match is about to start';
  const lost = live.find(({ seen }) => !seen.isBrokerReachable);
  if (lost !== undefined) return `${lost.person.identity} has not found the broker again`;
  const truth = shown(host.lobby);
  for (const { person, seen } of live) {
    const lobby = shown(seen.lobby);
    if (lobby !== truth) return `${person.identity} sees\n${lobby}\nand the host\n${truth}`;
    const mine = seen.lobby.players.filter(({ isMe }) => isMe);
    if (mine.length !== 1 || mine[0]!.id !== seen.me || mine[0]!.isHost !== (seen === host)) return `${person.identity} is not who it is`;
    if (seen !== host && seen.lobby.bans.length > 0) return `${person.identity} sees who is banned`;
  }
  const seats = host.lobby.players.map(({ id }) => id);
  const here = live.map(({ seen: { me } }) => me).sort((a, b) => a - b);
  if (seats.join() !== here.join()) return `there are seats ${seats.join()}, but here are ${here.join()}`;
  return brokenRule(host.lobby) ?? chatDisagreement(live);
}

/** What the broker tells of the host's lobby by its code, and should not. */
export function brokerDisagreement({ lobby }: Seen, known: object | undefined): string | undefined {
  const { name, isPublic, isLocked, players } = lobby;
  const peerId = players.find(({ isHost }) => isHost)?.peerId;
  const shown = { peerId, name, isPublic, isLocked, players: players.filter(({ isSpectator }) => !isSpectator).length };
  const told = known && Object.fromEntries(Object.keys(shown).map((key) => [key, (known as Record<string, unknown>)[key]]));
  return JSON.stringify(told) === JSON.stringify(shown)
    ? undefined
    : `the broker knows ${JSON.stringify(told)}, not ${JSON.stringify(shown)}`;
}

/** The lobby as everybody should see it, without what is one page's own or still being measured. */
function shown(lobby: LobbyState): string {
  const { bans: _bans, countdownMs: _countdownMs, players, ...rest } = lobby;
  const others = players.map(({ isMe: _isMe, pingMs: _pingMs, ...player }) => sorted(player));
  return JSON.stringify({ ...sorted(rest), players: others });
}

/** Two pages may have the same in another order. */
const sorted = (object: object): object => Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function brokenRule({ players, playersMax, spectatorsMax }: LobbyState): string | undefined {
  const playing = players.filter(({ isSpectator }) => !isSpectator);
  if (playing.length > playersMax || players.length - playing.length > spectatorsMax) return 'there are too many';
  if (new Set(playing.map(({ color }) => color)).size < playing.length) return 'two have the same colour';
  if (new Set(players.map(({ name }) => name)).size < players.length) return 'two have the same name';
  const odd = players.find(({ team, isReady, isSpectator, isSilent }) => team > 1 || (isReady && isSpectator) || isSilent);
  return odd && `it cannot be: ${JSON.stringify(odd)}`;
}

/** Whoever has been here all the while has heard the same, in the same order, and nothing twice or not at all. */
function chatDisagreement(live: readonly Live[]): string | undefined {
  const staying = live.filter(({ person }) => person.isStaying);
  const heard = staying.map(({ person, seen }) => seen.chat.slice(person.heard).map(({ from, text }) => `${from}: ${text}`));
  const odd = heard.findIndex((lines) => lines.join('\n') !== heard[0]!.join('\n'));
  if (odd > 0) return `${staying[odd]!.person.identity} hears ${JSON.stringify(heard[odd])}, others ${JSON.stringify(heard[0])}`;
  for (const { person, seen } of staying)
    for (const text of person.said)
      if (heard[0]!.filter((line) => line === `${seen.me}: ${text}`).length !== 1)
        return `'${text}' of ${person.identity} is not heard once`;
  // Who came meanwhile hears what is said from then on: the last line of each is after that.
  const last = live.map(({ person }) => person.said.at(-1));
  for (const { person, seen } of live) {
    const missed = last.find((text) => text !== undefined && !seen.chat.some((line) => line.text === text));
    if (missed !== undefined) return `${person.identity} has not heard '${missed}'`;
  }
  return undefined;
}
