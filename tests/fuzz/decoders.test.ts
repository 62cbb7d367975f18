/** Any bytes at all: a decoder gives something valid or says no. Seeds are fixed; a failing one is printed with its packet. */
import { expect, test } from 'vitest';
import { StateChannel } from '../../netcode/channel/state-channel.ts';
import { Client } from '../../netcode/client/client.ts';
import type { PeerId, PlayerId, Tick } from '../../netcode/core/ids.ts';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { Host } from '../../netcode/host/host.ts';
import { PLAYER_COLORS } from '../../netcode/session/lobby-state.ts';
import { cleanName } from '../../netcode/session/name.ts';
import { decodeGuestMessage, decodeHostMessage, encodeControl } from '../../netcode/wire/control.ts';
import { normaliseCode } from '../../netcode/wire/lobby-api.ts';
import { TestMatch } from '../harness/match.ts';
import { skiffGame } from '../harness/skiff-game.ts';

/** One of the usual ways in which bytes go wrong. */
function mutate(bytes: Uint8Array, rng: Sfc32): Uint8Array {
  // Not `slice`, which of a Buffer gives the same bytes: all would be ruined after a while.
  const copy = new Uint8Array(bytes);
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
  const states = { isReady: true, isHost: true, isSpectator: false, isSilent: false, isInVoice: true };
  const player = {
    id: 1 as PlayerId,
    name: 'Ada',
    color: 3,
    team: 1,
    ...states,
    pingMs: 40,
    path: 'direct' as const,
    peerId: 'p' as PeerId,
  };
  const facts = { code: 'K7QX2M', phase: 'lobby' as const, playersMax: 8, spectatorsMax: 4, isLocked: false, result: { a: [1, 2] } };
  const listing = { name: 'Friday', isPublic: true, isRelayAllowed: true, settings: [1, 0, 5] };
  const lobby = { ...facts, ...listing, players: [player], hasPassword: true, countdownMs: 3000 };
  const estate = { ...facts, ...listing, seats: [{ ...player, identity: 'ada' }], password: 'x' };
  const hello = { game: 'skiff', version: 1, shape: 7, name: 'Ada', identity: 'x', takeOver: false, password: 'y', isSpectating: true };
  const messages = [
    encodeControl({ type: 'hello', protocol: 1, ...hello }),
    encodeControl({ type: 'ready', isReady: true }),
    encodeControl({ type: 'team', team: 2 }),
    encodeControl({ type: 'chat', text: 'Hello, <b>all</b>' }),
    encodeControl({ type: 'inherited', revision: 7 }),
    encodeControl({ type: 'lobby', lobby }),
    encodeControl({ type: 'match', match: 1, seed: 2, tick: 3 as Tick, settings: [1, 2] }),
    encodeControl({ type: 'chat', from: 3 as PlayerId, text: 'Hello' }),
    encodeControl({ type: 'bans', bans: [{ identity: 'mallory', name: 'Mallory' }] }),
    encodeControl({ type: 'inherit', revision: 7, ownerToken: 't', lobby: estate }),
    encodeControl({ type: 'moved', peerId: 'heir' as PeerId, heard: 3 }),
  ];
  const seen = new Set<string>();
  for (let n = 0; n < 200_000; n++) {
    const bytes = mutate(messages[rng.below(messages.length)]!, rng);
    const asGuest = decodeGuestMessage(bytes);
    if (asGuest?.type === 'name') expect(typeof asGuest.name).toBe('string');
    const asHost = decodeHostMessage(bytes);
    for (const message of [asGuest, asHost]) if (message !== undefined) seen.add(message.type);
    const players = asHost?.type === 'lobby' ? asHost.lobby.players : asHost?.type === 'inherit' ? asHost.lobby.seats : [];
    for (const { id, color, team, pingMs = 0 } of players) {
      const areWhole = [id, color, team, pingMs].every(Number.isInteger);
      expect(areWhole && id >= 1 && id <= 31 && color < PLAYER_COLORS && team < 8, JSON.stringify({ id, color, team, pingMs })).toBe(true);
    }
    // What was read can be told on, and says the same then.
    if (asHost !== undefined && asHost.type !== 'welcome') expect(decodeHostMessage(encodeControl(asHost))?.type).toBe(asHost.type);
  }
  // Some of each kind survived.
  expect(seen.size).toBe(10);
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
