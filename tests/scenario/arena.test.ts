/** The demo's own rules on bad networks, played by its bots in virtual time. */
import { expect, test } from 'vitest';
import { arena } from '../../game/rules/arena.ts';
import { botInput } from '../../game/rules/bot.ts';
import { findDivergence } from '../../netcode/host/recording.ts';
import { TestMatch } from '../harness/match.ts';

const NETWORKS = {
  'a good network': { delayMs: 20, jitterMs: 2 },
  '5 % loss': { delayMs: 60, jitterMs: 15, lossPct: 5 },
  '30 % loss in bursts': { delayMs: 75, jitterMs: 20, lossPct: 30, burstLength: 3 },
} as const;

async function play(conditions: object, ms: number): Promise<TestMatch> {
  const match = await TestMatch.start(arena, { guests: 3, seed: 21, conditions });
  match.drive = ({ client, id }, nowMs) => {
    // Bots look and decide as often as a screen is drawn.
    if (nowMs % 16 === 0) client.setInput({ ...botInput(client.view(nowMs) as never, id) });
  };
  match.run(ms);
  return match;
}

for (const [name, conditions] of Object.entries(NETWORKS)) {
  test(`[SIM3] on ${name}, a match of bots goes on, is fought, and replays to the same hash at every tick`, async () => {
    const match = await play(conditions, 20_000);
    const explosions = match.players.map(({ events }) =>
      events.filter(({ type }) => arena.eventTypes[type]!.name === 'explode').map(({ tick }) => tick),
    );
    expect(explosions[0]!.length).toBeGreaterThan(0);
    match.drive = undefined;
    match.run(2000);
    for (const { client } of match.players) expect(client.stats(match.clock.nowMs())).toMatchObject({ malformedPackets: 0 });
    const recording = structuredClone(match.recorder.recording());
    expect(recording.ticks.length).toBeGreaterThan(1300);
    expect(findDivergence(arena, recording)).toBeUndefined();
  });
}

test('[SIM4] a recording that was tampered with is found out at the very tick', async () => {
  const match = await play(NETWORKS['a good network'], 3000);
  const recording = structuredClone(match.recorder.recording());
  const ticks = [...recording.ticks];
  ticks[100] = { ...ticks[100]!, changed: [{ player: 2 as never, row: Array.from(arena.input.initial, (_, i) => (i === 0 ? 1 : 0)) }] };
  expect(findDivergence(arena, { ...recording, ticks })?.tick).toBe(101);
});
