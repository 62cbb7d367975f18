/** The parts of a lobby that stand alone: what may be done how often, the password gate, chat lines, and what an heir takes over. */
import { describe, expect, test } from 'vitest';
import type { PeerId, PlayerId } from '../../../netcode/core/ids.ts';
import { Allowance } from '../../../netcode/session/allowance.ts';
import { cleanChat, cleanLobbyName, cleanMode } from '../../../netcode/session/name.ts';
import { chatAllowance, sayable } from '../../../netcode/session/chat.ts';
import { LobbyModel } from '../../../netcode/session/lobby-model.ts';
import { PasswordGate } from '../../../netcode/session/password-gate.ts';
import { TellPace } from '../../../netcode/session/tell-pace.ts';
import { readLobbyUpdate } from '../../../netcode/wire/lobby-api.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { squadGame } from '../../harness/squad-game.ts';

test('[PASS1] the first slips cost nothing, then one, two and four seconds; a right word forgives', () => {
  const gate = new PasswordGate();
  let nowMs = 0;
  const waits: number[] = [];
  for (let n = 0; n < 7; n++) {
    const startMs = nowMs;
    while (!gate.isOpen(['as bob'], nowMs)) nowMs += 100;
    waits.push(nowMs - startMs);
    gate.refuse(['as bob'], nowMs);
  }
  expect(waits).toEqual([0, 0, 0, 1000, 2000, 4000, 4000]);
  expect(gate.isOpen(['at home', 'as bob'], nowMs)).toBe(false);
  expect(gate.isOpen(['at home'], nowMs)).toBe(true);
  gate.admit(['as bob']);
  expect(gate.isOpen(['as bob'], nowMs)).toBe(true);
});

test('[PASS2] all together have thirty guesses at once and one a second', () => {
  const gate = new PasswordGate();
  let guesses = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    const keys = [`as ${nowMs}`];
    if (!gate.isOpen(keys, nowMs)) continue;
    gate.refuse(keys, nowMs);
    guesses++;
  }
  expect(guesses).toBeGreaterThan(85);
  expect(guesses).toBeLessThanOrEqual(90);
});

test('[CHAT6] any text is cleaned to what says the same when cleaned again; joiners stay', () => {
  const rng = new Sfc32(12);
  for (let n = 0; n < 20_000; n++) {
    const points = Array.from({ length: rng.below(80) }, () => (rng.below(4) === 0 ? rng.below(0xd800) : rng.below(128)));
    const text = String.fromCodePoint(...points);
    const clean = cleanChat(text);
    expect(cleanChat(clean)).toBe(clean);
    for (const update of [{ name: cleanLobbyName(text) }, { mode: cleanMode(text) }]) expect(readLobbyUpdate(update)).toEqual(update);
  }
  expect(sayable('👨‍👩‍👧 می‌خواهم')).toBe('👨‍👩‍👧 می‌خواهم');
  expect(sayable('a\u0000\u202eb')).toBe('ab');
  expect(sayable(`a${'\u0301'.repeat(50)}`)).toHaveLength(3);
  expect(sayable('x'.repeat(1_000_000))).toBeUndefined();
});

test('[CHAT7] five lines at once and one in a second and a half; twice as many at once pass the host', () => {
  for (const [isAtHost, atOnce] of [
    [false, 5],
    [true, 10],
  ] as const) {
    const allowance = chatAllowance(0, { isAtHost });
    const said = Array.from({ length: 20 }, () => allowance.take(0)).filter(Boolean).length;
    expect(said).toBe(atOnce);
    expect([allowance.take(1400), allowance.take(1500), allowance.take(1600)]).toEqual([false, true, false]);
    expect(Array.from({ length: 20 }, () => allowance.take(1e6)).filter(Boolean)).toHaveLength(atOnce);
  }
});

describe('an allowance', () => {
  const takes = (allowance: Allowance, nowMs: number) => Array.from({ length: 20 }, () => allowance.take(nowMs)).filter(Boolean).length;

  test('is so many at once, one more after each while, and never more than at first', () => {
    const allowance = new Allowance({ atOnce: 3, msPerOne: 100, nowMs: 1_000 });
    expect([1_000, 1_099, 1_100, 1_350, 1_400, 99_999].map((nowMs) => takes(allowance, nowMs))).toEqual([3, 0, 1, 2, 1, 3]);
  });

  test('costs nothing to be asked for', () => {
    const allowance = new Allowance({ atOnce: 1, msPerOne: 100, nowMs: 0 });
    for (let n = 0; n < 10; n++) expect(allowance.has(0)).toBe(true);
    expect([allowance.take(0), allowance.has(0), allowance.has(99), allowance.has(100)]).toEqual([true, false, false, true]);
  });

  test('grows by no clock that goes back and forth: what was read late may have come early', () => {
    const allowance = new Allowance({ atOnce: 1, msPerOne: 100, nowMs: 500 });
    expect(allowance.take(500)).toBe(true);
    for (const nowMs of [0, 599, 0, 300, 599, -1e9, 599]) expect(allowance.take(nowMs)).toBe(false);
    expect(allowance.take(600)).toBe(true);
  });
});

test('[LOBBY24] twenty changes are told at once, 50 ms apart, then one in 250 ms; what the host tells besides delays, and costs nothing', () => {
  const pace = new TellPace();
  const told: number[] = [];
  for (let nowMs = 0; nowMs < 5_000; nowMs += 10) {
    if (!pace.take(nowMs)) continue;
    pace.told(nowMs);
    told.push(nowMs);
  }
  const gaps = told.slice(1).map((ms, index) => ms - told[index]!);
  expect(Math.min(...gaps)).toBe(50);
  expect(gaps.slice(30).every((ms) => ms >= 240 && ms <= 260)).toBe(true);
  expect(told.length).toBeLessThanOrEqual(20 + 5_000 / 250);
  for (let n = 0; n < 100; n++) pace.told(100_000);
  expect([pace.take(100_049), pace.take(100_050)]).toEqual([false, true]);
});

describe('an estate', () => {
  const model = new LobbyModel(squadGame, {
    code: 'K7QX2M',
    playersMax: 4,
    spectatorsMax: 8,
    name: 'Ours',
    isPublic: false,
    isRelayAllowed: true,
    password: 'tea',
    settings: squadGame.defaultSettings,
  });
  const come = (name: string) =>
    model.add({ name, identity: name, isHost: name === 'Ada', isSpectator: false, path: 'direct', peerId: name as PeerId });
  const [, bob] = ['Ada', 'Bob'].map(come);
  const estate = model.estate();

  test('[HOST23] is taken over as it is by whoever is in it', () => {
    const inherited = LobbyModel.inherit(squadGame, estate, [], bob!);
    expect(inherited?.players.map(({ name, team, isHost }) => [name, team, isHost])).toEqual([
      ['Ada', 0, false],
      ['Bob', 1, true],
    ]);
    expect(inherited).toMatchObject({ code: 'K7QX2M', playersMax: 4, password: 'tea', phase: 'lobby' });
    expect(LobbyModel.inherit(squadGame, estate, [], 30 as PlayerId)).toBeUndefined();
  });

  test.each([
    ['room for nobody', { playersMax: 0 }],
    ['more players than the game has', { playersMax: 5 }],
    ['a match under way', { phase: 'playing' as const }],
    ['settings that are none', { settings: [0, 7, 0] }],
    ['a password too long', { password: 'x'.repeat(65) }],
    ['a team that the game does not have', { seats: estate.seats.map((seat) => ({ ...seat, team: 2 })) }],
    ['a seat less: their own', { seats: estate.seats.slice(0, 1) }],
  ])('[HOST23] with %s is none', (_, lie) => {
    expect(LobbyModel.inherit(squadGame, { ...estate, ...lie }, [], bob!)).toBeUndefined();
  });
});
