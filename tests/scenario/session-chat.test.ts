/** SPEC.md's CHAT rules. */
import { describe, expect, test } from 'vitest';
import { squadGame } from '../harness/squad-game.ts';
import { trio } from '../harness/squad-session.ts';

describe('chat', () => {
  test('[CHAT1] everyone hears what somebody says, the speaker too, in one order, as text', async () => {
    const { session, host, bob, cy } = await trio();
    const ears = [host, bob, cy].map((room) => session.listen(room));
    expect(bob.say('  <b>hi</b>\n\u202e all\u0000 ')).toBe(true);
    expect(host.say('hello')).toBe(true);
    await session.run(500);
    const lines = ears.map(({ chat }) => chat.map(({ from, name, text, isMine }) => ({ from, name, text, isMine })));
    expect(lines[2]).toEqual([
      { from: 1, name: 'Ada', text: 'hello', isMine: false },
      { from: 2, name: 'Bob', text: '<b>hi</b> all', isMine: false },
    ]);
    expect(lines[1]!.map(({ isMine }) => isMine)).toEqual([false, true]);
    expect(lines[0]!.map(({ text }) => text)).toEqual(['hello', '<b>hi</b> all']);
    expect(cy.chat.map(({ text }) => text)).toEqual(['hello', '<b>hi</b> all']);
    host.start();
    await session.run(500);
    expect(cy.say('in the match, too')).toBe(true);
    await session.run(500);
    expect(host.chat.at(-1)!.text).toBe('in the match, too');
  });

  test('[CHAT2] empty, too long or too fast is not said', async () => {
    const { session, host, bob } = await trio();
    for (const text of ['', ' \n ', '\u202e\u0007', 'x'.repeat(241), '🎮'.repeat(241)]) expect(bob.say(text)).toBe(false);
    expect(bob.say('🎮'.repeat(240))).toBe(true);
    expect([1, 2, 3, 4, 5, 6].map((n) => bob.say(`${n}`))).toEqual([true, true, true, true, false, false]);
    await session.run(1500);
    expect(bob.say('again')).toBe(true);
    expect(bob.say('again')).toBe(false);
    await session.run(500);
    expect(host.chat.map(({ text }) => text)).toEqual(['🎮'.repeat(240), '1', '2', '3', '4', 'again']);
  });

  test('[CHAT3] a guest that keeps no rule of these is kept to them by the host', async () => {
    const { session, host, bob } = await trio();
    const mallory = await session.stranger(host);
    mallory.hello(squadGame, { name: 'Mallory', identity: 'm' });
    await session.run(300);
    mallory.say({ type: 'chat', text: 'x'.repeat(300) });
    mallory.say({ type: 'chat', text: '\u0000\u202e' });
    mallory.say({ type: 'chat', text: 'a\u0000b\u2028c\u202ed' });
    for (let n = 0; n < 40; n++) mallory.say({ type: 'chat', text: `spam ${n}` });
    await session.run(1000);
    expect(bob.chat[0]!.text).toBe('ab cd');
    expect(bob.chat.length).toBeLessThanOrEqual(11);
    expect(bob.chat.every(({ from, name }) => from === 4 && name === 'Mallory')).toBe(true);
    // A longer line than a message may hold is none, and too many of them cost the seat.
    for (let n = 0; n < 9; n++) mallory.say({ type: 'chat', text: 'x'.repeat(481) });
    await session.run(1000);
    expect(host.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cy']);
  });

  test('[CHAT4] who is muted is not heard here, only here, until they go', async () => {
    const { session, host, bob, cy, code } = await trio();
    cy.mute(bob.me, true);
    cy.mute(cy.me, true);
    expect([cy.isMuted(bob.me), cy.isMuted(cy.me)]).toEqual([true, false]);
    bob.say('one');
    await session.run(400);
    expect([cy.chat.length, host.chat.length]).toEqual([0, 1]);
    cy.mute(bob.me, false);
    bob.say('two');
    await session.run(400);
    expect(cy.chat.map(({ text }) => text)).toEqual(['two']);
    cy.mute(bob.me, true);
    bob.leave();
    const di = await session.join(squadGame, code, { name: 'Di' });
    await session.run(400);
    expect([di.me, cy.isMuted(di.me)]).toEqual([2, false]);
  });

  test('[CHAT5] a room remembers a hundred lines', async () => {
    const { session, host, bob } = await trio();
    for (let n = 0; n < 104; n++) {
      expect(host.say(`${n}`)).toBe(true);
      await session.run(1500);
    }
    expect(bob.chat.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, n) => `${n + 4}`));
    expect(bob.chat).toHaveLength(host.chat.length);
  });
});
