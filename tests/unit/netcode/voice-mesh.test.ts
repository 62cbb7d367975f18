/** The mesh in virtual time: who calls whom, who is answered, what happens when calls break, and how many fit. */
import { describe, expect, test } from 'vitest';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { VOICE_PLAYERS_MAX } from '../../../netcode/voice/voice.ts';
import { CALL_TIMEOUT_MS, RECALL_MS_MAX, RING_MS } from '../../../netcode/voice/voice-mesh.ts';
import { Exchange, inVoice, SETTLED_MS, type VoiceTestPage } from '../../harness/voice-exchange.ts';

describe('the mesh', () => {
  test('everybody in voice hears everybody else, by one call a pair, made by the smaller address', async () => {
    const { exchange, pages } = await inVoice('b', 'd', 'a', 'c');
    for (const page of pages) expect(page.heard).toEqual(['a', 'b', 'c', 'd'].filter((name) => name !== page.peerId));
    expect(exchange.calls).toHaveLength(2 * 6);
    for (const [index, call] of exchange.calls.entries()) if (index % 2 === 0) expect(call.other!.remoteId < call.remoteId).toBe(true);
  });

  test('nothing is asked, called or answered by who is not in voice', async () => {
    const { exchange } = await inVoice('a', 'b');
    const cy = exchange.enter('c');
    await exchange.run(SETTLED_MS);
    expect(cy.microphonesAsked).toBe(0);
    expect(cy.heard).toEqual([]);
    expect(cy.pulse).toBeUndefined();
    expect(exchange.calls).toHaveLength(2);
    expect(cy.voice.players.map(({ id, isConnected }) => [id, isConnected])).toEqual([
      [1, false],
      [2, false],
    ]);
  });

  test('a caller whom the host shows too late is answered then; one who is never shown is not', async () => {
    const exchange = new Exchange();
    const [ada, bob] = [exchange.enter('a'), exchange.enter('b')];
    await exchange.run(100);
    await bob.voice.join({ mode: 'open' });
    await exchange.run(SETTLED_MS);
    // In the lobby, and nobody has said that they are in voice: they would listen unseen.
    ada.voice.close();
    const call = exchange.connect(ada, bob.peerId, 'a')!;
    await exchange.run(RING_MS - 500);
    expect([call.isEnded, call.other!.isEnded, bob.heard]).toEqual([false, false, []]);
    exchange.setInVoice(ada, true);
    await exchange.run(500);
    expect(bob.heard).toEqual(['a']);
    exchange.setInVoice(ada, false);
    await exchange.run(500);
    expect(bob.heard).toEqual([]);
    const second = exchange.connect(ada, bob.peerId, 'a')!;
    await exchange.run(RING_MS + 500);
    expect(second.other!.isEnded).toBe(true);
    expect(bob.heard).toEqual([]);
  });

  test('a call from a larger address is refused: it is not theirs to make', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    const call = exchange.connect(pages[1]!, pages[0]!.peerId, 'b')!;
    await exchange.run(SETTLED_MS);
    expect(call.other!.isEnded).toBe(true);
    expect(pages[0]!.heard).toEqual(['b']);
  });

  test('a pair without a path is tried again ever more rarely, and connects when there is one', async () => {
    const exchange = new Exchange();
    exchange.blocked.add('a b');
    const [ada, bob] = [exchange.enter('a'), exchange.enter('b')];
    await exchange.run(100);
    for (const page of [ada, bob]) await page.voice.join({ mode: 'open' });
    await exchange.run(10 * 60_000);
    const tries = exchange.calls.length / 2;
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThanOrEqual(7 + (10 * 60_000) / (CALL_TIMEOUT_MS + RECALL_MS_MAX));
    expect(exchange.calls.filter(({ isEnded }) => !isEnded).length).toBeLessThanOrEqual(2);
    expect(ada.voice.players.map(({ isConnected }) => isConnected)).toEqual([true, false]);
    exchange.blocked.clear();
    await exchange.run(CALL_TIMEOUT_MS + RECALL_MS_MAX + SETTLED_MS);
    expect([ada.heard, bob.heard]).toEqual([['b'], ['a']]);
  });

  test('a call rings for members of the lobby alone, and only while voice is on', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    const cy = exchange.enter('c');
    await exchange.run(100);
    const [ada, bob] = pages as [VoiceTestPage, VoiceTestPage];
    expect([ada.ringsFor(bob.peerId), ada.ringsFor(cy.peerId), ada.ringsFor('stranger' as PeerId), ada.ringsFor(ada.peerId)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(cy.ringsFor(ada.peerId)).toBe(false);
    ada.voice.leave();
    expect(ada.ringsFor(bob.peerId)).toBe(false);
  });

  test('a pair that has connected is as quick to call again as at first, whatever was before', async () => {
    const exchange = new Exchange();
    exchange.blocked.add('a b');
    const [ada, bob] = [exchange.enter('a'), exchange.enter('b')];
    await exchange.run(100);
    for (const page of [ada, bob]) await page.voice.join({ mode: 'open' });
    await exchange.run(5 * 60_000);
    exchange.blocked.clear();
    await exchange.run(CALL_TIMEOUT_MS + RECALL_MS_MAX + SETTLED_MS);
    exchange.calls.at(-1)!.close();
    await exchange.run(SETTLED_MS);
    expect([ada.heard, bob.heard]).toEqual([['b'], ['a']]);
  });

  test('a call that broke on one side only is replaced by the next one', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    exchange.breakEnd(exchange.calls[0]!);
    await exchange.run(SETTLED_MS);
    expect(pages.map(({ heard }) => heard)).toEqual([['b'], ['a']]);
    expect(exchange.calls).toHaveLength(4);
    expect(exchange.calls[1]!.isEnded).toBe(true);
  });

  test('a broker that is away delays calls and ends none', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    exchange.isBrokerUp = false;
    const cy = exchange.enter('c');
    await exchange.run(100);
    await cy.voice.join({ mode: 'open' });
    await exchange.run(60_000);
    expect([pages[0]!.heard, pages[1]!.heard, cy.heard]).toEqual([['b'], ['a'], []]);
    exchange.isBrokerUp = true;
    await exchange.run(RECALL_MS_MAX + SETTLED_MS);
    expect(cy.heard).toEqual(['a', 'b']);
  });

  test.each([11, 12, 13, 14, 15])('whatever is joined, left and broken, all hear all once it is quiet (seed %i)', async (seed) => {
    const rng = new Sfc32(seed);
    const exchange = new Exchange();
    exchange.rosterMs = 20 + rng.below(400);
    const pages = ['m', 'k', 'z', 'b', 'q'].map((address) => exchange.enter(address));
    await exchange.run(500);
    for (let step = 0; step < 60; step++) {
      const page = pages[rng.below(pages.length)]!;
      const what = rng.below(5);
      if (what <= 1) page.voice.join({ mode: rng.below(2) === 0 ? 'open' : 'listen' }).catch(() => undefined);
      else if (what === 2) page.voice.leave();
      else if (what === 3) exchange.isBrokerUp = rng.below(3) > 0;
      else for (const call of exchange.calls) if (rng.below(8) === 0) exchange.breakEnd(call);
      await exchange.run(20 * rng.below(60));
    }
    exchange.isBrokerUp = true;
    await exchange.run(2 * (CALL_TIMEOUT_MS + RECALL_MS_MAX));
    const inside = pages.filter(({ voice }) => voice.state === 'on');
    for (const page of pages) {
      const others = inside.filter((other) => other !== page).map(({ peerId }) => peerId);
      const heard = page.heard.map((sound) => sound.replace('nothing of ', ''));
      expect(heard.toSorted(), page.peerId).toEqual(inside.includes(page) ? others.toSorted() : []);
      expect(page.isShown).toBe(inside.includes(page));
      expect(page.microphonesOpen).toBe(page.voice.state === 'on' && page.voice.mode !== 'listen' ? 1 : 0);
    }
  });
});

describe('the limit', () => {
  const names = Array.from({ length: VOICE_PLAYERS_MAX }, (_, n) => `p${n}`);

  test('one more than fit is told so, without being asked for a microphone', async () => {
    const { exchange, pages } = await inVoice(...names);
    expect(pages[0]!.heard).toHaveLength(VOICE_PLAYERS_MAX - 1);
    const late = exchange.enter('late');
    await exchange.run(100);
    await expect(late.voice.join({ mode: 'push' })).rejects.toThrow(/Voice is full/);
    expect(late.voice.unavailableReason).toMatch(/full/);
    expect(late.microphonesAsked).toBe(0);
    pages[3]!.voice.leave();
    await exchange.run(500);
    await late.voice.join({ mode: 'push' });
    await exchange.run(SETTLED_MS);
    expect(late.heard).toHaveLength(VOICE_PLAYERS_MAX - 1);
  });

  test('of two who take the last place at once one gets it, and the other is told', async () => {
    const { exchange } = await inVoice(...names.slice(1));
    const late = [exchange.enter('x'), exchange.enter('y')];
    await exchange.run(100);
    await Promise.all(late.map(({ voice }) => voice.join({ mode: 'open' })));
    await exchange.run(SETTLED_MS);
    expect(late.map(({ voice }) => voice.state)).toEqual(['on', 'unavailable']);
    expect(late[1]!.voice.unavailableReason).toMatch(/full/);
    expect([late[1]!.microphonesOpen, late[1]!.heard]).toEqual([0, []]);
    expect(late[0]!.heard).toHaveLength(VOICE_PLAYERS_MAX - 1);
  });
});
