/** Transports in virtual time for the contract: time passes in steps of a few milliseconds, as fast as it can be computed. */
import { VirtualClock } from '../../netcode/core/clock.ts';
import { ConditionedNetwork } from '../../netcode/transport/conditioned.ts';
import type { Conditions } from '../../netcode/transport/conditions.ts';
import { LoopbackNetwork } from '../../netcode/transport/loopback.ts';
import { STATE_LANES_MAX, type Transport } from '../../netcode/transport/transport.ts';
import { TwoPaths, withTicket } from './path-harness.ts';
import type { TransportHarness } from './transport-contract.ts';

const STEP_MS = 2;
/** Far beyond any rule's need, heavy loss included. */
const PATIENCE_MS = 120_000;
/** In memory nothing stalls: one lane is all there is. */
const LOOPBACK_LANES_MAX = 1;
const CONDITIONED_LANES_MAX = STATE_LANES_MAX;

export function loopbackHarness(): TransportHarness {
  const clock = new VirtualClock();
  const network = new LoopbackNetwork(clock);
  return virtualHarness(
    clock,
    () => network.createTransport(),
    () => undefined,
    { isPerfect: true, lanesMax: LOOPBACK_LANES_MAX },
  );
}

export function conditionedHarness(seed: number, conditions: Partial<Conditions>): TransportHarness {
  const clock = new VirtualClock();
  const network = new ConditionedNetwork(clock, seed);
  network.setDefaultConditions(conditions);
  const { lossPct = 0, duplicatePct = 0, reorder = false } = conditions;
  return virtualHarness(
    clock,
    () => network.createTransport(),
    () => network.pump(),
    { isPerfect: lossPct === 0 && duplicatePct === 0 && !reorder, lanesMax: CONDITIONED_LANES_MAX },
  );
}

/** Links over a direct and a relayed carrier, of which the direct one comes and goes. `lanesMax`: as long as it changes, lanes do too. */
export function pathHarness(seed: number, { isChanging, paths = 'all' }: PathHarnessOptions): TransportHarness {
  const world = new TwoPaths(seed);
  if (isChanging) world.changeAtRandom();
  return virtualHarness(
    world.clock,
    () => withTicket(world.createTransport(paths)),
    () => world.pump(),
    { isPerfect: false, lanesMax: CONDITIONED_LANES_MAX },
  );
}

export interface PathHarnessOptions {
  readonly isChanging: boolean;
  readonly paths?: 'all' | 'direct' | 'relay';
}

function virtualHarness(
  clock: VirtualClock,
  create: () => Transport,
  pump: () => void,
  promises: Pick<TransportHarness, 'isPerfect' | 'lanesMax'>,
): TransportHarness {
  const transports: Transport[] = [];
  const until = async (isTrue: () => boolean): Promise<void> => {
    const giveUpMs = clock.nowMs() + PATIENCE_MS;
    while (!isTrue()) {
      if (clock.nowMs() > giveUpMs) throw new Error(`still not so after ${PATIENCE_MS} ms of virtual time`);
      clock.advance(STEP_MS);
      pump();
      // Promise callbacks of what the pump settled.
      await Promise.resolve();
    }
  };
  return {
    ...promises,
    until,
    createTransport: async () => {
      const transport = create();
      transports.push(transport);
      return transport;
    },
    settled: async (promise) => {
      let isSettled = false;
      promise.then(
        () => (isSettled = true),
        () => (isSettled = true),
      );
      await until(() => isSettled);
      return promise;
    },
    dispose: async () => transports.forEach((transport) => transport.close()),
  };
}
