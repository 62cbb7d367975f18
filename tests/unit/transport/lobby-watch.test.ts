/** The watcher of public lobbies: believes nothing it is told, never grows without bound, and always comes back. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BrokerClient } from '../../../netcode/transport/broker-client.ts';
import { EventParser } from '../../../netcode/transport/lobby-watch.ts';
import { CODE_ALPHABET, DEFAULT_LOBBY_DETAILS, listingOf, type LobbyListing } from '../../../netcode/wire/lobby-api.ts';

/** Longer than any wait between two attempts. */
const RETRIED_MS = 20_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listing(code: string, createdAtMs = 0): LobbyListing {
  return listingOf({ ...DEFAULT_LOBBY_DETAILS, code, gameId: 'arena', createdAtMs });
}

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const snapshot = (...lobbies: readonly LobbyListing[]): string => event('snapshot', { lobbies });

/** A broker whose streams the test writes. */
function setUp() {
  const urls: string[] = [];
  const shown: string[][] = [];
  const lost: string[] = [];
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const broker = { answer: (body: ReadableStream<Uint8Array>): Response => new Response(body) };
  const fakeFetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    urls.push(String(url));
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
        init.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
      },
    });
    return broker.answer(body);
  };
  const client = new BrokerClient({ brokerUrl: 'https://play.example', fetch: fakeFetch });
  const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  const stop = client.watchLobbies(
    { gameId: 'arena', text: 'a&b' },
    { onLobbies: (lobbies) => shown.push(lobbies.map(({ code }) => code)), onLost: (why) => lost.push(why) },
  );
  const say = async (text: string): Promise<void> => {
    await settle();
    stream!.enqueue(new TextEncoder().encode(text));
    await settle();
  };
  const end = async (): Promise<void> => {
    stream!.close();
    await settle();
  };
  return { urls, shown, lost, broker, stop, say, end, settle };
}

test('it asks for what the filter says, and shows what it hears, newest first', async () => {
  const { urls, shown, say, stop } = setUp();
  await say(snapshot(listing('AAAAAA', 1), listing('CCCCCC', 2)));
  await say(event('lobby', listing('DDDDDD', 3)) + event('lobby', listing('AAAAAA', 4)));
  await say(event('gone', { code: 'CCCCCC' }));
  await say(snapshot(listing('EEEEEE')));
  expect(urls).toEqual(['https://play.example/api/lobbies/stream?gameId=arena&text=a%26b']);
  expect(shown).toEqual([
    ['CCCCCC', 'AAAAAA'],
    ['DDDDDD', 'CCCCCC', 'AAAAAA'],
    ['AAAAAA', 'DDDDDD', 'CCCCCC'],
    ['AAAAAA', 'DDDDDD'],
    ['EEEEEE'],
  ]);
  stop();
});

test('what makes no sense is passed over', async () => {
  const { shown, lost, say, stop } = setUp();
  await say(': a comment\n\nretry: 5\n\nid: 7\n\n');
  await say(event('lobby', { ...listing('AAAAAA'), name: 'a\nb' }) + event('lobby', null) + event('lobby', []));
  await say(event('gone', { code: '<b>' }) + event('gone', null) + event('made-up', listing('AAAAAA')));
  await say('event: lobby\ndata: {{{\n\n' + event('snapshot', { lobbies: [{}] }) + event('snapshot', { lobbies: 'all' }));
  await say(event('snapshot', { lobbies: Array.from({ length: 101 }, () => listing('AAAAAA')) }));
  expect(shown).toEqual([]);
  expect(lost).toEqual([]);
  await say(snapshot(listing('AAAAAA')));
  expect(shown).toEqual([['AAAAAA']]);
  stop();
});

test('it keeps the newest five hundred lobbies', async () => {
  const { shown, say, stop } = setUp();
  const codes = Array.from({ length: 600 }, (_, i) => `AAAA${CODE_ALPHABET[Math.floor(i / 25)]}${CODE_ALPHABET[i % 25]}`);
  await say(codes.map((code, i) => event('lobby', listing(code, i))).join(''));
  expect(shown.at(-1)).toEqual(codes.slice(100).toReversed());
  stop();
});

test('a stream that ends is asked for again, later with every failure, and soon again after it worked', async () => {
  const { urls, lost, broker, say, end, settle, stop } = setUp();
  await say(snapshot());
  await end();
  expect(lost).toHaveLength(1);
  await settle(1000);
  expect(urls).toHaveLength(2);
  const works = broker.answer;
  broker.answer = () => new Response('busy', { status: 503 });
  await end();
  await settle(120_000);
  expect(urls.length).toBeGreaterThan(8);
  expect(urls.length).toBeLessThan(25);
  expect(lost.at(-1)).toContain('503');
  broker.answer = works;
  await settle(RETRIED_MS);
  await say(snapshot());
  const asked = urls.length;
  await end();
  await settle(1000);
  expect(urls).toHaveLength(asked + 1);
  stop();
});

test('a stream that falls silent, or floods with what never ends, is given up and asked for again', async () => {
  const { urls, lost, say, settle, stop } = setUp();
  await say(snapshot());
  for (let i = 0; i < 10; i++) {
    await settle(15_000);
    await say(': still here\n\n');
  }
  expect(lost).toEqual([]);
  await settle(45_000);
  expect(lost).toHaveLength(1);
  expect(urls).toHaveLength(2);
  await say(`data: ${'x'.repeat(300_000)}`);
  expect(lost).toHaveLength(2);
  stop();
});

test('stopped, it asks for nothing and tells nothing any more', async () => {
  const { urls, shown, lost, say, settle, stop } = setUp();
  await say(snapshot());
  stop();
  await settle(RETRIED_MS);
  expect([urls.length, shown.length, lost.length]).toEqual([1, 1, 0]);
  expect(vi.getTimerCount()).toBe(0);
});

describe('the parser', () => {
  test('reads events however they are cut', () => {
    const text = 'retry: 5\r\n\r\nevent: a\r\ndata: {"x":\r\ndata: 1}\r\n\r\n: comment\n\nevent:b\ndata:"é"\n\n';
    for (let size = 1; size < text.length; size++) {
      const heard: string[] = [];
      const parser = new EventParser((name, data) => heard.push(`${name} ${data}`));
      for (let start = 0; start < text.length; start += size) expect(parser.push(text.slice(start, start + size))).toBe(true);
      expect(heard).toEqual(['a {"x":1}', 'b "é"']);
    }
  });

  test('gives up on lines and events without end', () => {
    const many = new EventParser(() => undefined);
    let isFine = true;
    for (let i = 0; i < 1000 && isFine; i++) isFine = many.push(`data: ${'x'.repeat(1000)}\n`);
    expect(isFine).toBe(false);
    expect(new EventParser(() => undefined).push('x'.repeat(300_000))).toBe(false);
  });
});
