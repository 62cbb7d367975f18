/** Any bytes at all: a decoder gives something valid or says no. Seeds are fixed; a failing one is printed with its packet. */
import { expect, test } from 'vitest';
import { StateChannel } from '../../netcode/channel/state-channel.ts';
import { Client } from '../../netcode/client/client.ts';
import type { PlayerId, Tick } from '../../netcode/core/ids.ts';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { Host } from '../../netcode/host/host.ts';
import { PLAYER_COLORS } from '../../netcode/session/room.ts';
import { cleanName } from '../../netcode/session/name.ts';
import { decodeGuestMessage, decodeHostMessage, encodeControl } from '../../netcode/wire/control.ts';
import { normaliseCode } from '../../netcode/wire/lobby-api.ts';
import { TestMatch } from '../harness/match.ts';
import { skiffGame } from '../harness/skiff-game.ts';

/** One of the usual ways in which bytes go wrong. */
function mutate(bytes: Uint8Array, rng: Sfc32): Uint8Array {
  const copy = bytes.slice();
  switch (rng.below(5)) {
    case 0:
      return Uint8Array.from({ length: rng.below(1200) }, () => rng.below(256));
    case 1:
      return copy.slice(0, rng.below(copy.length + 1));
    case 2:
      return Uint8Array.from([...copy, ...Array.from({ length: rng.below(40) }, () => rng.below(256))]);
    default:
      for (let n = rng.below(6) + 1; n > 0 && copy.length > 0; n--) copy[rng.below(copy.length)] = rng.below(256);
      return copy;
  }
}

/** Real packets of a match, both ways. */
async function capture(): Promise<{ snapshots: Uint8Array[]; inputs: Uint8Array[] }> {
  const match = await TestMatch.start(skiffGame, { guests: 1, seed: 2, conditions: { delayMs: 30, lossPct: 5 } });
  const { link, hostLink } = match.players[1]!;
  const snapshots: Uint8Array[] = [];
  const inputs: Uint8Array[] = [];
  for (const [target, list] of [
    [hostLink, snapshots],
    [link, inputs],
  ] as const) {
    const send = target.sendState.bind(target);
    target.sendState = (bytes) => {
      list.push(bytes.slice());
      return send(bytes);
    };
  }
  match.drive = (player, _nowMs, rng) => {
    if (rng.float() < 0.05) player.client.setInput({ turn: rng.below(3) - 1, thrust: true, fire: true });
  };
  match.run(3000);
  return { snapshots, inputs };
}

test('[FUZZ1] a client survives 20,000 mutated snapshots: most are refused and counted, the rest are valid states', async () => {
  const { snapshots } = await capture();
  const rng = new Sfc32(99);
  const queue: { bytes: Uint8Array; atMs: number }[] = [];
  const link = {
    stateBufferedBytes: (lane = 0) => (lane === 0 ? 0 : Infinity),
    openLanes: () => undefined,
    sendState: () => true,
    receiveState: () => queue.shift(),
  };
  const channel = new StateChannel(link);
  const client = new Client(skiffGame, {
    channel,
    player: 2 as PlayerId,
    match: 1,
    seed: 2,
    joinTick: 0 as Tick,
    rttMs: 50,
    onEvent: () => undefined,
  });
  let nowMs = 0;
  for (let n = 0; n < 20_000; n++) {
    nowMs += 1;
    queue.push({ bytes: mutate(snapshots[rng.below(snapshots.length)]!, rng), atMs: nowMs });
    for (const entity of client.view(nowMs))
      if (entity.kind === 'skiff') expect(Number.isFinite((entity['pos'] as { x: number }).x)).toBe(true);
  }
  const { malformedPackets, stalePackets } = client.stats(nowMs);
  expect(malformedPackets + stalePackets + channel.malformedPackets + channel.strayPackets).toBeGreaterThan(3_000);
});

test('[FUZZ2] a host survives 20,000 mutated input packets, and its match stays pure', async () => {
  const { inputs } = await capture();
  const rng = new Sfc32(77);
  const queue: { bytes: Uint8Array; atMs: number }[] = [];
  const link = {
    stateBufferedBytes: (lane = 0) => (lane === 0 ? 0 : Infinity),
    openLanes: () => undefined,
    sendState: () => true,
    receiveState: () => queue.shift(),
  };
  const host = new Host(skiffGame, { match: 1, seed: 2, nowMs: 0, packetBytesMax: 1150 });
  const channel = new StateChannel(link);
  host.addPlayer(1 as PlayerId, channel);
  let nowMs = 0;
  for (let n = 0; n < 20_000; n++) {
    nowMs += 1;
    queue.push({ bytes: mutate(inputs[rng.below(inputs.length)]!, rng), atMs: nowMs });
    host.update(nowMs);
  }
  const { malformedPackets } = host.clients.get(1 as PlayerId)!;
  expect(host.tick).toBe(1200);
  expect(malformedPackets + channel.malformedPackets + channel.strayPackets).toBeGreaterThan(10_000);
});

test('[FUZZ3] control messages: 200,000 mutations give a valid message or none', () => {
  const rng = new Sfc32(55);
  const player = { id: 1 as PlayerId, name: 'Ada', color: 3, isReady: true, isHost: true, isSilent: false };
  const lobby = { code: 'K7QX2M', phase: 'lobby' as const, players: [player], playersMax: 8, isLocked: false, result: { a: [1, 2] } };
  const messages = [
    encodeControl({ type: 'hello', protocol: 1, game: 'skiff', version: 1, shape: 7, name: 'Ada', identity: 'x', takeOver: false }),
    encodeControl({ type: 'ready', isReady: true }),
    encodeControl({ type: 'lobby', lobby }),
    encodeControl({ type: 'match', match: 1, seed: 2, tick: 3 as Tick }),
  ];
  for (let n = 0; n < 200_000; n++) {
    const bytes = mutate(messages[rng.below(messages.length)]!, rng);
    const asGuest = decodeGuestMessage(bytes);
    if (asGuest?.type === 'name') expect(typeof asGuest.name).toBe('string');
    const asHost = decodeHostMessage(bytes);
    if (asHost?.type === 'lobby')
      for (const { id, color } of asHost.lobby.players) expect([Number.isInteger(id), Number.isInteger(color)]).toEqual([true, true]);
  }
  expect(PLAYER_COLORS).toBe(16);
});

test('[FUZZ4] any text is a name of 1 to 20 characters, and a code or none', () => {
  const rng = new Sfc32(33);
  for (let n = 0; n < 20_000; n++) {
    const text = String.fromCodePoint(
      ...Array.from({ length: rng.below(60) }, () => (rng.below(4) === 0 ? rng.below(0xd800) : rng.below(128))),
    );
    const name = cleanName(text);
    expect([...name].length).toBeGreaterThan(0);
    expect([...name].length).toBeLessThanOrEqual(20);
    expect(cleanName(name)).toBe(name);
    expect(normaliseCode(text) ?? 'K7QX2M').toMatch(/^[23456789ACDEFGHJKMNPQRTVWXY]{6}$/);
  }
});
