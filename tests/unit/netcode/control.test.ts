/** Control messages: what is told comes back, and a host that tells what cannot be is not believed. */
import { expect, test } from 'vitest';
import { CONTROL_MESSAGE_BYTES_MAX } from '../../../netcode/transport/transport.ts';
import type { PeerId, PlayerId } from '../../../netcode/core/ids.ts';
import { BANS_MAX, type LobbyEstate, type WireLobby, type WirePlayer } from '../../../netcode/wire/control-lobby.ts';
import {
  decodeGuestMessage,
  decodeHostMessage,
  encodeControl,
  type GuestMessage,
  type HostMessage,
} from '../../../netcode/wire/control.ts';

const PLAYER: WirePlayer = {
  id: 1 as PlayerId,
  name: 'Ada',
  color: 15,
  team: 7,
  isReady: true,
  isHost: true,
  isSpectator: false,
  isSilent: false,
  isInVoice: true,
  pingMs: undefined,
  path: 'local',
  peerId: 'p1' as PeerId,
};
const BOB: WirePlayer = { ...PLAYER, id: 31 as PlayerId, name: 'Bob', isHost: false, isSpectator: true, pingMs: 20_000, path: 'relay' };
const FACTS = { code: 'K7QX2M', phase: 'results', playersMax: 31, spectatorsMax: 8, isLocked: true, name: 'Ours' } as const;
const LOBBY: WireLobby = {
  ...FACTS,
  isPublic: true,
  isRelayAllowed: false,
  settings: [0, -5, 2 ** 31 - 1],
  result: { winner: 1 },
  players: [PLAYER, BOB],
  hasPassword: true,
  countdownMs: 60_000,
};
const { players: _players, hasPassword: _hasPassword, countdownMs: _countdownMs, ...REST } = LOBBY;
const ESTATE: LobbyEstate = {
  ...REST,
  password: 'tea',
  seats: [
    { ...PLAYER, identity: 'ada' },
    { ...BOB, identity: '' },
  ],
};

test('[CTRL1] every message comes back as it was told', () => {
  const guest: readonly GuestMessage[] = [
    { type: 'team', team: 7 },
    { type: 'spectate', isSpectating: true },
    { type: 'voice', isOn: false },
    { type: 'chat', text: '🎮'.repeat(240) },
    { type: 'inherited', revision: 7 },
  ];
  for (const message of guest) expect(decodeGuestMessage(encodeControl(message))).toEqual(message);
  const host: readonly HostMessage[] = [
    { type: 'lobby', lobby: LOBBY },
    { type: 'lobby', lobby: { ...LOBBY, countdownMs: undefined } },
    { type: 'inherit', revision: 3, ownerToken: 'secret', lobby: ESTATE },
    { type: 'bans', bans: [{ identity: 'm', name: 'Mal' }] },
    { type: 'moved', peerId: 'p2' as PeerId, heard: 5 },
    { type: 'chat', from: 3 as PlayerId, text: 'hi' },
  ];
  for (const message of host) expect(decodeHostMessage(encodeControl(message))).toEqual(message);
});

test('[CTRL2] a lobby that cannot be is none: ids twice, no host or two, numbers out of range, texts too long', () => {
  const tell = (change: object) => decodeHostMessage(encodeControl({ type: 'lobby', lobby: { ...LOBBY, ...change } }));
  const withPlayer = (change: object) => tell({ players: [PLAYER, { ...BOB, ...change }] });
  expect(tell({})).toBeDefined();
  for (const change of [
    { players: [] },
    { players: [PLAYER, PLAYER] },
    { players: [BOB] },
    { players: Array.from({ length: 32 }, () => PLAYER) },
    { countdownMs: 60_001 },
  ])
    expect(tell(change), JSON.stringify(change)).toBeUndefined();
  for (const change of [
    { phase: 'over' },
    { playersMax: 32 },
    { spectatorsMax: -1 },
    { name: 'x'.repeat(49) },
    { settings: [0.5] },
    { settings: Array(33).fill(0) },
  ])
    expect(tell(change), JSON.stringify(change)).toBeUndefined();
  for (const change of [
    { id: 0 },
    { id: 32 },
    { id: 1 },
    { isHost: true },
    { color: 16 },
    { team: 8 },
    { pingMs: 1e9 + 0.5, path: 'x' },
    { peerId: '' },
    { name: 'x'.repeat(161) },
  ])
    expect(withPlayer(change), JSON.stringify(change)).toBeUndefined();
});

test('[CTRL3] an estate without an identity a seat, or with ones that are none, is none', () => {
  const tell = (lobby: unknown) =>
    decodeHostMessage(encodeControl({ type: 'inherit', revision: 1, ownerToken: 't', lobby: lobby as LobbyEstate }));
  const seat = ESTATE.seats[0]!;
  expect(tell(ESTATE)).toBeDefined();
  for (const identity of ['x'.repeat(65), 'ä', 'a b', 7, undefined])
    expect(tell({ ...ESTATE, seats: [{ ...seat, identity }] })).toBeUndefined();
  expect(tell({ ...ESTATE, password: 'x'.repeat(161) })).toBeUndefined();
});

test('[CTRL4] the largest lobby, estate and list of bans fit into a message', () => {
  const name = '🎮'.repeat(20);
  const identity = 'x'.repeat(64);
  const players = Array.from({ length: 31 }, (_, i) => ({
    ...BOB,
    id: (i + 1) as PlayerId,
    isHost: i === 0,
    name,
    peerId: 'x'.repeat(64) as PeerId,
  }));
  const settings = Array.from({ length: 32 }, () => 2 ** 31 - 1);
  const rest = { ...REST, name: 'ä'.repeat(48), settings };
  const lobby: HostMessage = { type: 'lobby', lobby: { ...LOBBY, ...rest, players } };
  const seats = players.map((player) => ({ ...player, identity }));
  const inherit: HostMessage = {
    type: 'inherit',
    revision: 2 ** 40,
    ownerToken: 'x'.repeat(64),
    lobby: { ...rest, seats, password: '🎮'.repeat(64) },
  };
  const bans: HostMessage = { type: 'bans', bans: Array.from({ length: BANS_MAX }, () => ({ identity, name })) };
  const sizes = [lobby, inherit, bans].map((message) => encodeControl(message).byteLength);
  for (const size of sizes) expect(size).toBeLessThan(CONTROL_MESSAGE_BYTES_MAX);
  expect([lobby, inherit, bans].every((message) => decodeHostMessage(encodeControl(message)) !== undefined)).toBe(true);
  // Room is left for what a game shows as its result.
  expect(Math.max(...sizes.slice(0, 2))).toBeLessThan(10_000);
});
