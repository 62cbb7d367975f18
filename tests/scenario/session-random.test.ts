/**
 * Whatever people do in a lobby, in whatever order, on a bad network: once it is quiet, all pages show the same lobby and the same chat, and its
 * rules hold. A hundred stories, each named by its seed; a dozen of the same kind are told by real browsers in `browser/random-lobbies.test.ts`.
 */
import { describe, expect, test } from 'vitest';
import { JoinError, type JoinFailure } from '../../netcode/session/room.ts';
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import { HeldRoom } from '../harness/held-room.ts';
import { RandomLobby } from '../harness/random-lobby.ts';
import type { Call, PersonPage, Seen, Stage } from '../harness/random-lobby-stage.ts';
import { TestSession } from '../harness/session.ts';
import { squadGame } from '../harness/squad-game.ts';

const LAGGY = { delayMs: 40, jitterMs: 20, lossPct: 8, reorder: true };
const SEEDS = 100;
const STEPS = 7;
const PEOPLE = 7;
/** A page takes a moment to load. */
const LOAD_MS = 300;
const LOOK_MS = 50;
/** Long enough for a seat to be given up, and for whatever follows. */
const PATIENCE_MS = 30_000;

class SimulatedPage implements PersonPage {
  readonly #session: TestSession;
  readonly #held = new HeldRoom();
  #room: SessionRoom | undefined;

  constructor(session: TestSession) {
    this.#session = session;
  }

  async host(options: Parameters<PersonPage['host']>[0]): Promise<string> {
    const room = await this.#session.host(squadGame, { ...options, isRecording: false } as typeof options);
    this.#enter(room);
    return room.lobby.code;
  }

  async join(code: string, options: Parameters<PersonPage['join']>[1]): Promise<JoinFailure | 'in'> {
    try {
      this.#enter(await this.#session.join(squadGame, code, options));
      return 'in';
    } catch (error) {
      if (error instanceof JoinError) return error.reason;
      throw error;
    }
  }

  async call(call: Call): Promise<unknown> {
    return this.#held.call(call);
  }

  async see(): Promise<Seen | undefined> {
    return this.#held.see();
  }

  async reload(): Promise<void> {
    this.#room?.leave();
    await this.#load();
  }

  async crash(): Promise<void> {
    if (this.#held.isOpen) this.#session.kill(this.#room!);
    await this.#load();
  }

  async #load(): Promise<void> {
    this.#enter(undefined);
    await this.#session.run(LOAD_MS);
  }

  #enter(room: SessionRoom | undefined): void {
    this.#room = room;
    this.#held.enter(room);
  }
}

function simulator(session: TestSession): Stage {
  return {
    isPatient: true,
    places: { playersMax: 4, spectatorsMax: 2 },
    lookUp: async (code) => session.directory.lobbies.get(code),
    stopBroker: async () => session.stopBroker(),
    async startBroker(draw) {
      await session.run(1_000 + draw(7_000));
      session.startBroker();
    },
    settings: (below) => ({ limit: 10 * (1 + below(9)) }),
    async pause(below) {
      if (below(2) === 0) await session.run(below(400));
    },
    async settle(complaint) {
      const untilMs = session.clock.nowMs() + PATIENCE_MS;
      for (let why = await complaint(); why !== undefined; why = await complaint()) {
        if (session.clock.nowMs() > untilMs) throw new Error(why);
        await session.run(LOOK_MS);
      }
    },
  };
}

describe('[LOBBY18] all pages agree once it is quiet', () => {
  test.each(Array.from({ length: SEEDS }, (_, seed) => [seed + 1]))('seed %i', async (seed) => {
    const session = new TestSession(seed);
    session.network.setDefaultConditions(LAGGY);
    const pages = Array.from({ length: PEOPLE }, () => new SimulatedPage(session));
    const story = new RandomLobby(seed, simulator(session), pages);
    await story.tell(STEPS);
    expect(story.did.length).toBeGreaterThan(STEPS);
  });
});
