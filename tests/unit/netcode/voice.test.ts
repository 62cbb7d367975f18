/** Voice in virtual time: the microphone, what each page sets for itself, and what players are told. */
import { describe, expect, test } from 'vitest';
import { noVoice } from '../../../netcode/voice/no-voice.ts';
import { rosterOf } from '../../../netcode/voice/room-roster.ts';
import { VoiceError } from '../../../netcode/voice/voice.ts';
import { voiceError } from '../../../netcode/voice/voice-messages.ts';
import { Exchange, inVoice, SETTLED_MS, type VoiceTestPage } from '../../harness/voice-exchange.ts';

describe('the microphone', () => {
  test('is asked for on join only, and given back on leaving', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    await exchange.run(100);
    expect([ada.voice.state, ada.microphonesAsked]).toEqual(['off', 0]);
    const joining = ada.voice.join({ mode: 'push' });
    expect(ada.voice.state).toBe('asking');
    await joining;
    expect([ada.voice.state, ada.microphonesOpen]).toEqual(['on', 1]);
    ada.voice.leave();
    expect([ada.voice.state, ada.microphonesOpen, ada.pulse]).toEqual(['off', 0, undefined]);
    await exchange.run(500);
    expect(ada.isShown).toBe(false);
  });

  test('is closed again if the player has left while the browser asked', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    let allow = (): void => undefined;
    ada.permission = new Promise((done) => (allow = done));
    const joining = ada.voice.join({ mode: 'open' });
    ada.voice.leave();
    allow();
    await expect(joining).rejects.toMatchObject({ reason: 'cancelled' });
    expect([ada.voice.state, ada.microphonesOpen]).toEqual(['off', 0]);
    expect(ada.announced).toEqual([]);
  });

  test.each(['push', 'listen'] as const)('[VOICE8] joined by %s and left in the same moment, nothing stays open', async (mode) => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    const joining = ada.voice.join({ mode });
    ada.voice.leave();
    await expect(joining).rejects.toMatchObject({ reason: 'cancelled' });
    await exchange.run(500);
    expect([ada.voice.state, ada.microphonesOpen, ada.pulse, ada.isShown]).toEqual(['off', 0, undefined, false]);
    expect(ada.announced).toEqual([]);
  });

  test('[VOICE8] a listener may leave in the very moment of joining, and the player can join again', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    const stop = ada.voice.on('voice', ({ state }) => {
      if (state === 'asking') ada.voice.leave();
    });
    await expect(ada.voice.join({ mode: 'push' })).rejects.toMatchObject({ reason: 'cancelled' });
    expect([ada.voice.state, ada.microphonesOpen]).toEqual(['off', 0]);
    stop();
    await ada.voice.join({ mode: 'push' });
    expect([ada.voice.state, ada.microphonesOpen]).toEqual(['on', 1]);
  });

  test('is asked for once when the button is pressed twice', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    await Promise.all([ada.voice.join({ mode: 'open' }), ada.voice.join({ mode: 'open' })]);
    expect([ada.microphonesAsked, ada.microphonesOpen]).toEqual([1, 1]);
  });

  test('refused, the reason is there to be shown, and asking again is possible', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    ada.permission = Promise.reject(voiceError('denied'));
    await expect(ada.voice.join({ mode: 'open' })).rejects.toBeInstanceOf(VoiceError);
    expect([ada.voice.state, ada.voice.canUse, ada.voice.unavailableReason]).toEqual(['unavailable', true, voiceError('denied').message]);
    ada.permission = Promise.resolve();
    await ada.voice.join({ mode: 'open' });
    expect([ada.voice.state, ada.voice.unavailableReason]).toEqual(['on', '']);
  });

  test('that is gone ends voice with a reason', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    pages[0]!.isMicrophoneGone = true;
    await exchange.run(SETTLED_MS);
    expect([pages[0]!.voice.state, pages[0]!.voice.unavailableReason]).toEqual(['unavailable', voiceError('lost').message]);
    expect(pages.map(({ heard }) => heard)).toEqual([[], []]);
    expect(pages[0]!.isShown).toBe(false);
  });

  test('that cannot be asked for keeps nobody from listening', async () => {
    const exchange = new Exchange();
    const [ada, bob] = [exchange.enter('a'), exchange.enter('b')];
    await exchange.run(100);
    ada.microphoneObstacle = voiceError('insecure');
    await expect(ada.voice.join({ mode: 'push' })).rejects.toMatchObject({ reason: 'insecure' });
    expect([ada.voice.canUse, ada.microphonesAsked]).toEqual([false, 0]);
    await ada.voice.join({ mode: 'listen' });
    await bob.voice.join({ mode: 'open' });
    await exchange.run(SETTLED_MS);
    expect([ada.heard, ada.microphonesAsked]).toEqual([['b'], 0]);
    await expect(ada.voice.setMode('listen')).resolves.toBeUndefined();
    ada.voice.leave();
    expect([ada.voice.state, ada.voice.unavailableReason]).toEqual(['unavailable', voiceError('insecure').message]);
  });

  test('is live in mode open, or while the key is held in mode push, and never otherwise', async () => {
    const { exchange, pages } = await inVoice('a');
    const [ada] = pages as [VoiceTestPage];
    expect(ada.isMicrophoneLive).toBe(true);
    await ada.voice.setMode('push');
    expect(ada.isMicrophoneLive).toBe(false);
    ada.voice.setTalking(true);
    expect(ada.isMicrophoneLive).toBe(true);
    await ada.voice.setMode('push');
    expect(ada.isMicrophoneLive).toBe(false);
    ada.voice.setTalking(true);
    ada.voice.setTalking(false);
    expect(ada.isMicrophoneLive).toBe(false);
    await ada.voice.setMode('listen');
    ada.voice.setTalking(true);
    expect(ada.isMicrophoneLive).toBe(false);
    ada.voice.leave();
    ada.voice.setTalking(true);
    await ada.voice.join({ mode: 'push' });
    expect(ada.isMicrophoneLive).toBe(false);
    await exchange.run(100);
  });

  test('is taken and given back by a change between listening and speaking, in the same calls', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    const [ada, bob] = pages as [VoiceTestPage, VoiceTestPage];
    await ada.voice.setMode('listen');
    expect(ada.microphonesOpen).toBe(0);
    expect(exchange.calls.map(({ sent }) => sent)).toEqual(['nothing of a', 'b']);
    await ada.voice.setMode('open');
    expect(exchange.calls.map(({ sent }) => sent)).toEqual(['a', 'b']);
    ada.permission = Promise.reject(voiceError('denied'));
    await ada.voice.setMode('listen');
    await expect(ada.voice.setMode('open')).rejects.toMatchObject({ reason: 'denied' });
    expect([ada.voice.state, ada.voice.mode]).toEqual(['on', 'listen']);
    expect(bob.voice.state).toBe('on');
    await expect(exchange.enter('c').voice.setMode('open')).rejects.toThrow(/join/);
  });
});

describe('what each page sets for itself', () => {
  test('mute and volume reach the loudspeaker, outlive a new call, and are told', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    const [ada, bob] = pages as [VoiceTestPage, VoiceTestPage];
    let told = 0;
    ada.voice.on('voice', () => (told += 1));
    ada.voice.mute(bob.id, true);
    ada.voice.setVolume(bob.id, 0.3);
    expect(told).toBe(2);
    expect([...ada.playing]).toEqual([{ sound: 'b', volume: 0.3, isMuted: true }]);
    exchange.calls[0]!.close();
    await exchange.run(SETTLED_MS);
    expect([...ada.playing]).toEqual([{ sound: 'b', volume: 0.3, isMuted: true }]);
    expect(ada.voice.players[1]).toEqual({ id: bob.id, isMe: false, isMuted: true, volume: 0.3, isConnected: true });
    expect([...bob.playing]).toEqual([{ sound: 'a', volume: 1, isMuted: false }]);
    expect(() => ada.voice.setVolume(bob.id, 1.1)).toThrow(/1\.1.*0 to 1/);
    expect(() => ada.voice.setVolume(bob.id, Number.NaN)).toThrow(RangeError);
  });

  test('they are forgotten with the seat: the next one in it is a stranger', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    const [ada, bob] = pages as [VoiceTestPage, VoiceTestPage];
    ada.voice.mute(bob.id, true);
    exchange.pages.splice(1, 1);
    exchange.tell();
    await exchange.run(500);
    const next = exchange.enter('c');
    expect(next.id).toBe(bob.id);
    await exchange.run(500);
    await next.voice.join({ mode: 'open' });
    await exchange.run(SETTLED_MS);
    expect([...ada.playing]).toEqual([{ sound: 'c', volume: 1, isMuted: false }]);
  });

  test('levels are those of everybody in voice; the muted have none; a word lasts a moment longer', async () => {
    const { exchange, pages } = await inVoice('a', 'b', 'c');
    const [ada, bob, cy] = pages as [VoiceTestPage, VoiceTestPage, VoiceTestPage];
    ada.voice.mute(cy.id, true);
    expect([...ada.voice.levels()]).toEqual([
      [ada.id, 0.5],
      [bob.id, 0.5],
      [cy.id, 0],
    ]);
    expect([ada, bob, cy].map(({ id }) => ada.voice.isTalking(id))).toEqual([true, true, false]);
    bob.loudness = 0.1;
    await exchange.run(200);
    expect(ada.voice.isTalking(bob.id)).toBe(true);
    await exchange.run(200);
    expect(ada.voice.isTalking(bob.id)).toBe(false);
    ada.voice.leave();
    expect([...ada.voice.levels()]).toEqual([]);
  });
});

describe('a room', () => {
  test('whose seat was taken over by this page is told that voice is off here', async () => {
    const exchange = new Exchange();
    const ada = exchange.enter('a');
    exchange.setInVoice(ada, true);
    await exchange.run(SETTLED_MS);
    expect(ada.isShown).toBe(false);
  });

  test('whose new host knows nothing of it is told again', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    exchange.setInVoice(pages[0]!, false);
    await exchange.run(SETTLED_MS);
    expect(pages.map(({ isShown }) => isShown)).toEqual([true, true]);
    await exchange.run(SETTLED_MS);
    expect(pages.map(({ heard }) => heard)).toEqual([['b'], ['a']]);
  });

  test('that is over ends voice for good', async () => {
    const { exchange, pages } = await inVoice('a', 'b');
    pages[0]!.voice.close();
    await exchange.run(500);
    expect([pages[0]!.voice.state, pages[0]!.microphonesOpen, pages[1]!.heard]).toEqual(['off', 0, []]);
    await expect(pages[0]!.voice.join({ mode: 'open' })).rejects.toMatchObject({ reason: 'cancelled' });
    expect(pages[0]!.microphonesOpen).toBe(0);
  });

  test('where there is no voice says so, shows who else is in, and asks for nothing', async () => {
    const { exchange } = await inVoice('a', 'b');
    let tell = (): void => undefined;
    const announced: boolean[] = [];
    const room = {
      lobby: { players: exchange.pages.map(({ id, peerId, isShown }) => ({ id, peerId, isInVoice: isShown, isMe: false })) },
      on: (_type: 'lobby', listener: () => void) => {
        tell = listener;
        return () => undefined;
      },
      setInVoice: (isInVoice: boolean) => void announced.push(isInVoice),
    };
    const voice = noVoice(rosterOf(room), exchange.clock);
    let told = 0;
    voice.on('voice', () => (told += 1));
    expect([voice.state, voice.canUse, voice.unavailableReason]).toEqual(['unavailable', false, voiceError('unsupported').message]);
    expect(voice.players.map(({ id }) => id)).toEqual([1, 2]);
    await expect(voice.join({ mode: 'listen' })).rejects.toMatchObject({ reason: 'unsupported' });
    room.lobby = { players: room.lobby.players.slice(1) };
    told = 0;
    tell();
    expect([told, voice.players.map(({ id }) => id)]).toEqual([1, [2]]);
    expect(announced).toEqual([]);
  });
});
