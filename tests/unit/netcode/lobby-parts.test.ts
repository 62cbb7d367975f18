/** The parts of a lobby that stand alone: the password gate, chat lines, notices, and the host's desk at the broker. */
import { expect, test } from 'vitest';
import { cleanChat, cleanLobbyName, cleanMode } from '../../../netcode/session/name.ts';
import { ChatAllowance, sayable } from '../../../netcode/session/chat.ts';
import { PasswordGate } from '../../../netcode/session/password-gate.ts';
import { readLobbyUpdate } from '../../../netcode/wire/lobby-api.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';

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
    const allowance = new ChatAllowance(0, isAtHost);
    const said = Array.from({ length: 20 }, () => allowance.take(0)).filter(Boolean).length;
    expect(said).toBe(atOnce);
    expect([allowance.take(1400), allowance.take(1500), allowance.take(1600)]).toEqual([false, true, false]);
    expect(Array.from({ length: 20 }, () => allowance.take(1e6)).filter(Boolean)).toHaveLength(atOnce);
  }
});
