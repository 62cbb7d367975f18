/** Three people in a lobby of the squad game, on a bad network. */
import { expect } from 'vitest';
import { JoinError } from '../../netcode/session/room.ts';
import { TestSession } from './session.ts';
import { squadGame } from './squad-game.ts';

const LAGGY = { delayMs: 40, jitterMs: 10, lossPct: 5, reorder: true };

/** Why a join was refused. */
export async function reasonOf(joining: Promise<unknown>): Promise<string> {
  const error: unknown = await joining.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JoinError);
  return (error as JoinError).reason;
}

export async function trio(options: Parameters<TestSession['host']>[1] = {}) {
  const session = new TestSession(11);
  session.network.setDefaultConditions(LAGGY);
  const host = await session.host(squadGame, { name: 'Ada', identity: 'ada', ...options });
  const { code } = host.lobby;
  const { password } = options;
  const bob = await session.join(squadGame, code, { name: 'Bob', identity: 'bob', password });
  const cy = await session.join(squadGame, code, { name: 'Cy', identity: 'cy', password });
  await session.run(500);
  return { session, host, bob, cy, code };
}
