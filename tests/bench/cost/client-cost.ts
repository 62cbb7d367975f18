/**
 * Where the time of a guest's frame goes. A guest's page runs no host, and an engine makes code slower that serves more than
 * one world; so what a guest received is recorded in a whole match first, and then replayed to a client in a fresh instance
 * of all modules, to which nothing else ever happened.
 */
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { StateLink } from '../../../netcode/channel/state-link.ts';
import { Client } from '../../../netcode/client/client.ts';
import type { PlayerId, Tick } from '../../../netcode/core/ids.ts';
import { defineGame } from '../../../netcode/index.ts';
import type { Received } from '../../../netcode/transport/transport.ts';
import { crowdGame } from './crowd.ts';
import { CostMatch, type CostPlan, WARM_UP_TICKS } from './match.ts';
import { type Times, timesOf } from './times.ts';

/** The delay at which a guest replays so many ticks is looked for from here, in ms one way. */
const FIRST_DELAY_MS = 70;
const TRIES = 12;
/** How far the next try is for each tick that is too many or too few: less than the half tick that it should take, not to leap over the mark. */
const STEP_MS = 3;
const TRIED_TICKS = 60;
const GUEST = 2 as PlayerId;

/** In ms a frame in which a snapshot came and so many ticks were replayed. */
export interface ClientCost {
  readonly frames: number;
  readonly replayedTicks: number;
  readonly delayMs: number;
  readonly total: Times;
  readonly decode: Times;
  /** From the first step to the last, copies of states between them included. */
  readonly replay: Times;
  /** The game's rules alone. */
  readonly rules: Times;
  readonly view: Times;
}

/** What came to a guest and what they pressed, by tick of the guest's own. */
export interface GuestRecording {
  readonly bullets: number;
  readonly seed: number;
  readonly joinTick: Tick;
  readonly delayMs: number;
  readonly received: readonly (readonly Received[])[];
  readonly pressed: readonly (Readonly<Record<string, unknown>> | undefined)[];
  readonly replayedTicks: readonly number[];
}

/** Plays a guest's part again. To be called on a fresh instance of this module. */
export type ReplayGuest = (recording: GuestRecording, replayedTicks: number) => ClientCost;

/** Records a guest who replays exactly so many ticks in most frames. Throws RangeError if no delay leads to that. */
export function recordGuest(plan: CostPlan, replayedTicks: number): GuestRecording {
  let delayMs = FIRST_DELAY_MS;
  for (let i = 0; i < TRIES; i++) {
    const usual = timesOf(recordAt({ ...plan, ticks: TRIED_TICKS }, delayMs).replayedTicks).p50;
    if (usual === replayedTicks) return recordAt(plan, delayMs);
    delayMs += (replayedTicks - usual) * STEP_MS;
  }
  throw new RangeError(`no delay makes a client replay ${replayedTicks} ticks`);
}

function recordAt({ game, players, ticks, seed, bullets }: CostPlan, delayMs: number): GuestRecording {
  const received: Received[][] = [];
  const pressed: (Readonly<Record<string, unknown>> | undefined)[] = [];
  const replayedTicks: number[] = [];
  const keep = (packet: Received | undefined): void => {
    if (packet !== undefined) received.at(-1)?.push({ bytes: packet.bytes.slice(), atMs: packet.atMs });
  };
  const match = new CostMatch({ hostGame: game, guestGame: game, players, delayMs, seed, onGuestPacket: keep });
  const joinTick = match.host.tick;
  for (let tick = 0; tick < WARM_UP_TICKS + ticks; tick++) {
    received.push([]);
    match.next((nowMs) => {
      pressed.push(match.pressed.get(GUEST));
      for (const client of match.clients) client.update(nowMs);
      match.host.update(nowMs);
      if (tick >= WARM_UP_TICKS) replayedTicks.push(match.clients[0]!.stats(nowMs).predictedTicks);
    });
  }
  return { bullets, seed, joinTick, delayMs, received, pressed, replayedTicks };
}

export const replayGuest: ReplayGuest = (recording, replayedTicks) => {
  const { seed, joinTick, delayMs, received, pressed } = recording;
  const game = crowdGame(recording.bullets);
  const { spec } = game;
  let [rules, firstStepAt, lastStepAt, decode, packetAt] = [0, 0, 0, 0, 0];
  const timed = defineGame({
    ...spec,
    step(world, inputs, ctx) {
      const at = performance.now();
      if (firstStepAt === 0) firstStepAt = at;
      spec.step(world, inputs, ctx);
      lastStepAt = performance.now();
      rules += lastStepAt - at;
    },
  });
  const waiting: Received[] = [];
  const link: StateLink = {
    stateBufferedBytes: () => 0,
    openLanes: () => undefined,
    sendState: () => true,
    receiveState() {
      const at = performance.now();
      // The packet of the call before has been taken in.
      if (packetAt > 0) decode += at - packetAt;
      const packet = waiting.shift();
      packetAt = packet === undefined ? 0 : performance.now();
      return packet;
    },
  };
  const guest = new Client(timed, {
    channel: new StateChannel(link, { isPaced: false }),
    player: GUEST,
    match: 1,
    seed,
    joinTick,
    rttMs: 2 * delayMs,
    onEvent: () => undefined,
  });
  const frames: { total: number; decode: number; replay: number; rules: number; view: number }[] = [];
  for (let tick = 0; tick < received.length; tick++) {
    const nowMs = (tick + 1) * (1000 / game.tickRate);
    const input = pressed[tick];
    if (input !== undefined) guest.setInput(input);
    waiting.push(...received[tick]!);
    [rules, firstStepAt, lastStepAt, decode, packetAt] = [0, 0, 0, 0, 0];
    const startAt = performance.now();
    guest.update(nowMs);
    const updatedAt = performance.now();
    guest.view(nowMs);
    const endAt = performance.now();
    const isCounted = tick >= WARM_UP_TICKS && received[tick]!.length > 0 && guest.stats(nowMs).predictedTicks === replayedTicks;
    if (isCounted) frames.push({ total: endAt - startAt, decode, replay: lastStepAt - firstStepAt, rules, view: endAt - updatedAt });
  }
  const of = (part: 'total' | 'decode' | 'replay' | 'rules' | 'view'): Times => timesOf(frames.map((frame) => frame[part]));
  return {
    frames: frames.length,
    replayedTicks,
    delayMs,
    total: of('total'),
    decode: of('decode'),
    replay: of('replay'),
    rules: of('rules'),
    view: of('view'),
  };
};
