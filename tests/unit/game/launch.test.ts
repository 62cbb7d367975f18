/** What an address or a pasted invitation asks for. */
import { describe, expect, test } from 'vitest';
import { inviteCodeFrom, inviteLink, launchFrom, tidyName } from '../../../game/launch.ts';

describe('the address', () => {
  test('alone leads to the menu', () => {
    expect(launchFrom('')).toEqual({
      action: 'menu',
      code: '',
      name: undefined,
      isAutostart: false,
      isWatching: false,
      isPublic: false,
      isBot: false,
      isFair: false,
    });
  });

  test('?host hosts, with the name and flags it gives', () => {
    expect(launchFrom('?host&name=Ada&autostart&bot')).toEqual({
      action: 'host',
      code: '',
      name: 'Ada',
      isAutostart: true,
      isWatching: false,
      isPublic: false,
      isBot: true,
      isFair: false,
    });
  });

  test('?join joins, in whatever case the code is', () => {
    expect(launchFrom('?join=k7q-x2m&name=Bob')).toMatchObject({ action: 'join', code: 'K7QX2M', name: 'Bob' });
  });

  test('&watch and &public are for who only watches and for who hosts for everyone', () => {
    expect(launchFrom('?join=K7QX2M&watch')).toMatchObject({ action: 'join', isWatching: true, isPublic: false });
    expect(launchFrom('?host&public')).toMatchObject({ action: 'host', isWatching: false, isPublic: true });
  });

  test('a code that can be none is kept, so that it can be shown and told', () => {
    expect(launchFrom('?join=nonsense!')).toMatchObject({ action: 'join', code: 'nonsense!' });
  });

  test('an empty name is no name', () => {
    expect(launchFrom('?host&name=%20').name).toBeUndefined();
  });
});

describe('an invitation', () => {
  test.each([
    'K7QX2M',
    ' k7q x2m ',
    'k7q-x2m',
    'http://10.0.0.5:8080/?join=k7qx2m',
    'https://play.example/?name=Bob&join=K7QX2M#top',
    'Come and play: https://play.example/?join=K7QX2M. See you!',
    '(https://play.example/?join=k7q-x2m), now',
    inviteLink('https://play.example', 'K7QX2M'),
  ])('is understood as %j', (typed) => expect(inviteCodeFrom(typed)).toBe('K7QX2M'));

  test.each(['', 'K7QX2', 'https://play.example/', 'x'.repeat(100_000), `?join=${'K'.repeat(100_000)}`])('is none in %.20j', (typed) => {
    expect(inviteCodeFrom(typed)).toBeUndefined();
  });
});

describe('a name', () => {
  test('is trimmed and cut at 20 characters, never inside one', () => {
    expect(tidyName('  Ada ')).toBe('Ada');
    expect(tidyName('🚀'.repeat(10_000))).toBe('🚀'.repeat(20));
  });
});
