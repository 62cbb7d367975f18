/**
 * What a handful of people do in a lobby, drawn from a seed: they come, go, reload, are killed, thrown out, made the host; the broker dies
 * and comes back knowing nothing. It is told to a `Stage`, the simulator's or real browsers', one step at a time; after each, once
 * it is quiet, every page must show the same lobby and the same chat, and everybody must be where the rules say.
 */
import { expect } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import type { JoinFailure, JoinOptions } from '../../netcode/index.ts';
import { brokerDisagreement, disagreement, hostOf, type Live, type Person, refusalOf, TEA } from './random-lobby-rules.ts';
import type { Call, PersonPage, Seen, Stage } from './random-lobby-stage.ts';

type Act = () => Promise<unknown>;

/** Words that went wrong, of which a fourth would have to wait. */
const WRONG_WORDS_MAX = 3;

export class RandomLobby {
  readonly people: readonly Person[];
  /** Everything that was done, for the message of a failure. */
  readonly did: string[] = [];
  readonly #seed: number;
  readonly #stage: Stage;
  readonly #rng: Sfc32;
  #code = '';
  #wrongWords = 0;
  #lines = 0;
  /** In this step somebody may lose the room because an heir went at the last moment. */
  #mayBreak = false;

  constructor(seed: number, stage: Stage, pages: readonly PersonPage[]) {
    this.#seed = seed;
    this.#stage = stage;
    this.#rng = new Sfc32(seed);
    this.people = pages.map((page, index) => {
      const identity = `p${index}`;
      return { identity, name: identity.toUpperCase(), page, isStaying: false, heard: 0, said: [], ends: [], wasIn: false };
    });
  }

  /** Throws Error naming the step, and what was done last. */
  async tell(steps: number): Promise<void> {
    for (let step = 0; step <= steps; step++) {
      try {
        await (step === 0 ? this.#open() : this.#step());
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`seed ${this.#seed}, step ${step}: ${message}\nafter ${this.did.slice(-12).join(', ')}`, { cause: error });
      }
    }
  }

  async #open(): Promise<void> {
    await this.#hostAnew(this.people[0]!);
    for (const person of this.people.slice(1, this.#stage.places.playersMax)) await this.#join(person);
    await this.quiet();
  }

  /** Something happens, and it becomes quiet again. */
  async #step(): Promise<void> {
    const live = await this.live();
    if (live.length < 3) await this.#gather();
    else await this.#pick(this.#happenings())();
    await this.quiet();
  }

  async live(): Promise<Live[]> {
    const seen = await Promise.all(this.people.map(async (person) => ({ person, seen: await person.page.see() })));
    return seen.flatMap(({ person, seen: view }) => (view === undefined || view.end !== undefined ? [] : [{ person, seen: view }]));
  }

  /** Everybody says one more line: whoever has heard them all has heard everything before, too. */
  async quiet(): Promise<void> {
    const waiting = new Set((await this.live()).map(({ person }) => person));
    await this.#stage.settle(async () => {
      for (const person of waiting) if (await this.#say(person)) waiting.delete(person);
      const live = await this.live();
      const gone = await this.#wronglyGone();
      if (gone !== undefined) return gone;
      if (live.length === 0 && this.#mayBreak) return undefined;
      if (live.some(({ person }) => waiting.has(person))) return 'somebody may not speak yet';
      const host = hostOf(live);
      return disagreement(live) ?? (host && brokerDisagreement(host.seen, await this.#stage.lookUp(host.seen.lobby.code)));
    });
    await this.#remember();
  }

  #happenings(): readonly Act[] {
    const crowd = () => this.#crowd();
    const restart = () => this.#restartBroker();
    const refresh = () => this.#refresh();
    const rare = this.#stage.isPatient ? [() => this.#die(), () => this.#hostDies()] : [];
    const others = [() => this.#knock(), () => this.#knock(), () => this.#crash(), () => this.#ban(), () => this.#hostRefresh()];
    return [crowd, crowd, crowd, crowd, crowd, refresh, refresh, restart, restart, () => this.#pass(), ...others, ...rare];
  }

  /** Several people do something at once. */
  async #crowd(): Promise<void> {
    for (let n = this.#below(4); n >= 0; n--) {
      await this.#anything();
      if (this.#below(4) === 0) await this.#comeWhenever();
      await this.#stage.pause((count) => this.#below(count));
    }
  }

  async #anything(): Promise<void> {
    const live = await this.live();
    const host = hostOf(live);
    if (live.length === 0 || host === undefined) return;
    const { person, seen } = this.#pick(live);
    const other = this.#pick(live);
    const below = (count: number) => this.#below(count);
    const isPlaying = host.seen.lobby.phase === 'playing';
    const rename = `N${below(4)}`;
    const own: readonly Act[] = [
      () => this.#call(person, ['setName', (person.name = rename)]),
      () => this.#call(person, ['setColor', below(18)]),
      () => this.#call(person, ['setReady', below(2) === 0]),
      () => this.#call(person, ['setTeam', below(3)]),
      () => this.#call(person, ['setSpectating', below(2) === 0]),
      () => this.#call(person, ['setInput', { press: true }]),
      () => this.#say(person),
      async () => seen.role === 'guest' && live.length > 2 && this.#leave(person),
    ];
    const hosts: readonly Call[] = [
      ['setSettings', this.#stage.settings(below)],
      ['setLobby', { name: `L${below(3)}`, isPublic: below(2) === 0 }],
      ['setLobby', { isLocked: below(4) === 0, password: below(2) === 0 ? TEA : '' }],
      ['assign', other.seen.me, { team: below(2) }],
      ['assign', other.seen.me, { isSpectator: below(2) === 0 }],
      ['start', { countdownMs: isPlaying ? 0 : below(2) * 800 }],
      ['cancelStart'],
      ['toLobby'],
      ['toLobby'],
      ['passHost', other.seen.me],
      ['passHost', other.seen.me],
    ];
    const byHost = hosts.map((call) => () => this.#call(host.person, call));
    const out = (how: 'kick' | 'ban') => async () => other !== host && live.length > 2 && this.#throwOut(host.person, other, how);
    await this.#pick<Act>([...own, ...own, ...byHost, out('kick'), out('ban')])();
  }

  async #leave(person: Person): Promise<unknown> {
    person.ends.push('left');
    this.#mayBreak = true;
    return this.#call(person, ['leave']);
  }

  async #throwOut(host: Person, { person, seen }: Live, how: 'kick' | 'ban'): Promise<unknown> {
    person.ends.push(how === 'ban' ? 'banned' : 'kicked');
    this.#mayBreak = true;
    return this.#call(host, [how, seen.me]);
  }

  /** Somebody comes while others do things: whether they are let in depends on who is quicker. */
  async #comeWhenever(): Promise<void> {
    const person = await this.#someoneOut();
    if (person === undefined) return;
    const answer = await this.#join(person, { isSpectating: this.#below(3) === 0 });
    expect(['in', 'banned', 'locked', 'full', 'spectators-full', 'host-gone']).toContain(answer);
  }

  /** Somebody comes when it is quiet: what they are told is certain. */
  async #knock(): Promise<void> {
    const person = await this.#someoneOut();
    if (person === undefined) return this.#crowd();
    const { person: host } = hostOf(await this.live())!;
    await this.#call(host, ['setLobby', { isLocked: this.#below(3) === 0, password: this.#below(3) === 0 ? '' : TEA }]);
    const word = this.#wrongWords < WRONG_WORDS_MAX ? this.#pick([TEA, TEA, '', 'coffee']) : TEA;
    await this.#joinKnowing(person, { password: word, isSpectating: this.#below(3) === 0 });
  }

  async #refresh(): Promise<void> {
    const live = await this.live();
    const { person, seen } = this.#pick(live.filter(({ seen: { role } }) => role === 'guest'));
    const mine = seen.lobby.players.find(({ isMe }) => isMe)!;
    await this.#goAway(person, 'reload');
    const { isSpectator: isSpectating } = mine;
    const isIn = await this.#joinKnowing(person, { isSpectating, password: TEA }, mine.id);
    if (isIn) await this.#expectSeat(person, { ...mine, isReady: false });
  }

  /** The page dies and is opened again: the seat is still theirs, and they ask for it. */
  async #crash(): Promise<void> {
    const { person, seen } = this.#pick((await this.live()).filter(({ seen: { role } }) => role === 'guest'));
    const mine = seen.lobby.players.find(({ isMe }) => isMe)!;
    await this.#goAway(person, 'crash');
    const options = { takeOver: true, isSpectating: mine.isSpectator, password: TEA };
    const answer = await this.#join(person, options);
    // On a slow machine the seat is given up before the new page is there.
    const ifLate = refusalOf(hostOf(await this.live())!.seen.lobby, { ...options, identity: person.identity, was: mine.id, isKnown: true });
    expect(['in', ifLate]).toContain(answer);
    if (answer === 'in') await this.#expectSeat(person, { ...mine, isReady: false });
  }

  /** The page dies, and nobody comes back. */
  async #die(): Promise<void> {
    const { person } = this.#pick((await this.live()).filter(({ seen: { role } }) => role === 'guest'));
    await this.#goAway(person, 'crash');
    expect(['already-in', 'banned']).toContain(await this.#join(person));
  }

  /** A host that reloads has left: the lobby is over for everyone, and its code leads nowhere. They meet in a new one. */
  async #hostRefresh(): Promise<void> {
    const live = await this.live();
    const { person: host } = hostOf(live)!;
    await this.#goAway(host, 'reload');
    await this.#roomEnds(live, 'host-left');
    expect(await this.#join(this.people.find((person) => person !== host)!)).toBe('unknown-code');
    await this.#meetAnew(host);
  }

  async #hostDies(): Promise<void> {
    const live = await this.live();
    const { person: host } = hostOf(live)!;
    await this.#goAway(host, 'crash');
    await this.#roomEnds(live, 'host-lost');
    expect(await this.#join(this.people.find((person) => person !== host)!)).toBe('host-gone');
    await this.#meetAnew(host);
  }

  async #roomEnds(live: readonly Live[], end: 'host-left' | 'host-lost'): Promise<void> {
    const guests = live.filter(({ seen: { role } }) => role === 'guest').map(({ person }) => person);
    await this.#stage.settle(async () => {
      const ends = await Promise.all(guests.map(async ({ page }) => (await page.see())?.end));
      return ends.every((told) => told === end) ? undefined : `rooms ended: ${ends.join()}, not all ${end}`;
    });
  }

  async #meetAnew(host: Person): Promise<void> {
    await this.#remember();
    await this.#hostAnew(host);
    for (const person of this.people.filter((each) => each !== host).slice(1, this.#stage.places.playersMax))
      expect(await this.#join(person)).toBe('in');
  }

  /** Those who are in go on meanwhile; whoever comes afterwards finds them by the same code. */
  async #restartBroker(): Promise<void> {
    const before = await this.live();
    await this.#stage.stopBroker();
    const stranger = await this.#someoneOut();
    if (stranger !== undefined) expect(await this.#join(stranger)).toBe('broker-unreachable');
    for (let n = this.#below(3); n >= 0; n--) await this.#say(this.#pick(before).person);
    await this.#stage.startBroker((count) => this.#below(count));
    await this.quiet();
    const after = await this.live();
    expect(after.map(({ person, seen }) => [person.identity, seen.me, seen.lobby.code])).toEqual(
      before.map(({ person, seen }) => [person.identity, seen.me, this.#code]),
    );
    if (stranger !== undefined) await this.#joinKnowing(stranger, { password: TEA });
  }

  async #ban(): Promise<void> {
    const live = await this.live();
    const host = hostOf(live)!;
    const other = this.#pick(live.filter(({ seen: { role } }) => role === 'guest'));
    await this.#throwOut(host.person, other, 'ban');
    await this.#stage.settle(async () => ((await other.person.page.see())?.end === 'banned' ? undefined : 'they are not thrown out'));
    expect(await this.#join(other.person)).toBe('banned');
    const wanted = host.seen.lobby.bans.map(({ identity }) => identity);
    if (this.#below(2) === 0) await this.#call(host.person, ['unban', other.person.identity]);
    else wanted.push(other.person.identity);
    expect((await host.person.page.see())?.lobby.bans.map(({ identity }) => identity)).toEqual(wanted);
  }

  /** Nothing else happens meanwhile, so it must succeed where it may. */
  async #pass(): Promise<void> {
    const live = await this.live();
    const host = hostOf(live)!;
    const heir = this.#pick(live.filter(({ seen: { role } }) => role === 'guest'));
    if (host.seen.lobby.phase === 'playing') await this.#call(host.person, ['toLobby']);
    await this.#call(host.person, ['passHost', heir.seen.me]);
    await this.#stage.settle(async () => (hostOf(await this.live())?.person === heir.person ? undefined : 'the heir is not the host'));
    expect((await heir.person.page.see())?.lobby.bans).toEqual(host.seen.lobby.bans);
  }

  /** Too few are left for anything to happen between them. */
  async #gather(): Promise<void> {
    const host = hostOf(await this.live());
    if (host === undefined) return this.#meetAnew(this.#pick(this.people));
    await this.#call(host.person, ['setLobby', { isLocked: false }]);
    for (const { identity } of host.seen.lobby.bans) await this.#call(host.person, ['unban', identity]);
    await this.quiet();
    for (let person = await this.#someoneOut(); person !== undefined; person = await this.#someoneOut())
      if (!(await this.#joinKnowing(person, { password: TEA }))) return;
  }

  async #hostAnew(person: Person): Promise<void> {
    this.did.push(`${person.identity} hosts`);
    const { identity, name } = person;
    const password = this.#below(2) === 0 ? TEA : '';
    this.#wrongWords = 0;
    this.#code = await person.page.host({ identity, name, password, ...this.#stage.places });
  }

  async #join(person: Person, options: Omit<JoinOptions, 'name'> = {}): Promise<JoinFailure | 'in'> {
    const { identity, name } = person;
    const answer = await person.page.join(this.#code, { password: TEA, ...options, identity, name });
    this.did.push(`${identity} joins${JSON.stringify(options)}: ${answer}`);
    if (answer === 'wrong-password') this.#wrongWords++;
    if (answer === 'in') Object.assign(person, { isStaying: false, wasIn: true });
    return answer;
  }

  /**
   * Nothing is under way: the answer is known, but for those who left some time ago and whom the host may remember. `was`: the seat that
   * they have just left. Whether they are in.
   */
  async #joinKnowing(
    person: Person,
    options: { readonly password: string; readonly isSpectating?: boolean },
    was?: number,
  ): Promise<boolean> {
    const host = hostOf(await this.live())!;
    const { identity, wasIn } = person;
    const expected = [was !== undefined, was !== undefined || wasIn].map(
      (isKnown) => refusalOf(host.seen.lobby, { ...options, identity, was, isKnown }) ?? 'in',
    );
    const answer = await this.#join(person, options);
    // The goodbye was lost: they are asked whether it is them.
    const isAgain = answer === 'already-in' && was !== undefined;
    if (isAgain) expect(await this.#join(person, { ...options, takeOver: true })).toBe('in');
    else expect(expected).toContain(answer);
    return isAgain || answer === 'in';
  }

  async #goAway(person: Person, how: 'reload' | 'crash'): Promise<void> {
    this.did.push(`${person.identity}: ${how}`);
    person.isStaying = false;
    await person.page[how]();
  }

  /** They are whom they were. */
  async #expectSeat(person: Person, { id, name, color, team, isSpectator, isReady }: Seen['lobby']['players'][number]): Promise<void> {
    await this.quiet();
    const seat = (await person.page.see())?.lobby.players.find(({ isMe }) => isMe);
    const kept = { ...(name === person.name && { name }), ...(!isSpectator && { color }) };
    expect(seat).toMatchObject({ id, team, isSpectator, isReady, ...kept });
  }

  async #someoneOut(): Promise<Person | undefined> {
    const isIn = new Set((await this.live()).map(({ person }) => person));
    const out = this.people.filter((person) => !isIn.has(person));
    return out.length === 0 ? undefined : this.#pick(out);
  }

  async #say(person: Person): Promise<boolean> {
    const line = `line ${++this.#lines}`;
    const isSaid = (await person.page.call(['say', line])) === true;
    this.did.push(`${person.identity} ${isSaid ? 'says' : 'may not say'} '${line}'`);
    if (isSaid) person.said.push(line);
    return isSaid;
  }

  #call(person: Person, call: Call): Promise<unknown> {
    this.did.push(`${person.identity}.${call[0]}(${JSON.stringify(call.slice(1)).slice(1, -1)})`);
    return person.page.call(call);
  }

  /** Whoever's room has ended though nobody wanted that. */
  async #wronglyGone(): Promise<string | undefined> {
    for (const { identity, page, ends, isStaying } of this.people) {
      const end = isStaying ? (await page.see())?.end : undefined;
      if (end === undefined || ends.includes(end) || (this.#mayBreak && end.startsWith('host-'))) continue;
      return `the room of ${identity} ended: ${end}`;
    }
    return undefined;
  }

  /** What everybody has seen and heard by now is past. */
  async #remember(): Promise<void> {
    this.#mayBreak = false;
    for (const person of this.people) {
      const seen = await person.page.see();
      person.isStaying = seen !== undefined && seen.end === undefined;
      person.heard = seen?.chat.length ?? 0;
      person.said = [];
      person.ends = [];
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!;
  }

  #below(count: number): number {
    return this.#rng.below(count);
  }
}
