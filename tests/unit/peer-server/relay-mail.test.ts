/** What brokers write to each other about relayed pairs: every word comes through, nothing else does, and whatever is missing ends the pair. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { RELAY_CONTROL, RELAY_STATE } from '../../../netcode/wire/relay.ts';
import { MAIL_BYTES_MAX, type MailItem, NAME_BYTES, readMail, writeItem, writeMail } from '../../../peer-server/relay/broker-mail.ts';
import { FarEnd } from '../../../peer-server/relay/far-end.ts';
import { LocalMeetingPlace, type RelayEnd } from '../../../peer-server/relay/meeting-place.ts';

const name = fc.uint8Array({ minLength: NAME_BYTES, maxLength: NAME_BYTES }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const number = fc.integer({ min: 0, max: 0xffff_ffff });
const frame = fc
  .tuple(fc.constantFrom(RELAY_CONTROL, RELAY_STATE), fc.uint8Array({ minLength: 1, maxLength: 300 }))
  .map(([kind, payload]) => Uint8Array.of(kind, ...payload));
const item: fc.Arbitrary<MailItem> = fc.oneof(
  fc.record({ type: fc.constantFrom('meet' as const, 'met' as const), seat: name, fromBroker: name, fromSeat: name }),
  fc.record({ type: fc.constant('frame' as const), seat: name, number, frame }),
  fc.record({ type: fc.constantFrom('credit' as const, 'alive' as const), seat: name, number }),
  fc.record({ type: fc.constant('gone' as const), seat: name }),
);
const encode = (items: readonly MailItem[]): Buffer => Buffer.from(writeMail(items.map(writeItem)));

describe('mail', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), (items) => {
        expect(readMail(encode(items))).toEqual(items);
      }),
    );
  });

  test('a message that is cut off is read not at all, or up to the end of an item', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), fc.nat(), (items, at) => {
        const message = encode(items);
        const cut = readMail(message.subarray(0, at % message.length));
        if (cut !== undefined) expect(items.slice(0, cut.length)).toEqual(cut);
      }),
    );
  });

  test('whatever comes, nothing is thrown, and what is read is an item again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        for (const message of [Buffer.from(bytes), Buffer.from([1, ...bytes])]) {
          const items = readMail(message);
          if (items !== undefined) expect(encode(items)).toEqual(message);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(readMail(Buffer.alloc(MAIL_BYTES_MAX + 1, 1))).toBeUndefined();
  });

  test('a frame that no socket would take is none', () => {
    const seat = Buffer.alloc(NAME_BYTES).toString('base64url');
    for (const bad of [Uint8Array.of(RELAY_STATE), new Uint8Array(1_200).fill(RELAY_STATE), Uint8Array.of(2, 1), Uint8Array.of(9, 1)])
      expect(readMail(encode([{ type: 'frame', seat, number: 1, frame: bad }]))).toBeUndefined();
  });
});

describe('an end at another broker', () => {
  const seat = Buffer.alloc(NAME_BYTES, 7).toString('base64url');
  let nowMs = 0;
  let place: LocalMeetingPlace;
  let far: FarEnd;
  let here: RelayEnd;
  let posted: MailItem[];
  let heard: string[];

  beforeEach(() => {
    nowMs = 0;
    posted = [];
    heard = [];
    place = new LocalMeetingPlace();
    here = {
      role: 'guest',
      name: 'K7QX2M:pair',
      onPaired: () => void heard.push('paired'),
      onFrame: (bytes) => void heard.push(`frame ${bytes[1]}`),
      onPeerGone: () => void heard.push('gone'),
    };
    far = new FarEnd({
      role: 'host',
      name: here.name,
      broker: seat,
      seat,
      nowMs: () => nowMs,
      post: (bytes) => posted.push(...readMail(Buffer.from(writeMail([bytes])))!),
      onArrived: (bytes) => place.pass(far, bytes),
      onGone: (isLost) => {
        heard.push(isLost ? 'lost' : 'left');
        place.leave(far);
      },
      onSuperseded: () => undefined,
    });
    place.seat(here);
    place.seat(far);
  });

  const say = (numberOf: number, byte: number): void =>
    far.hear({ type: 'frame', seat, number: numberOf, frame: Uint8Array.of(RELAY_CONTROL, byte) });

  test('hands on what it is told, and acknowledges it', async () => {
    say(1, 11);
    say(2, 12);
    await Promise.resolve();
    expect(heard).toEqual(['paired', 'frame 11', 'frame 12']);
    expect(posted).toEqual([{ type: 'credit', seat, number: 2 }]);
  });

  test.each([
    ['a frame is missing', 3],
    ['a frame comes twice', 1],
  ])('ends the pair when %s', (_why, next) => {
    say(1, 11);
    say(next, 12);
    say(2, 13);
    expect(heard).toEqual(['paired', 'frame 11', 'lost', 'gone']);
    expect(posted.at(-1)).toEqual({ type: 'gone', seat });
  });

  test('ends the pair when the last frame was lost, of which only a beat tells', () => {
    say(1, 11);
    far.hear({ type: 'alive', seat, number: 1 });
    expect(heard).toEqual(['paired', 'frame 11']);
    far.hear({ type: 'alive', seat, number: 2 });
    expect(heard.slice(2)).toEqual(['lost', 'gone']);
  });

  test('ends the pair within four seconds of silence, and not while it beats', () => {
    for (let second = 0; second < 10; second++) {
      nowMs += 1_000;
      far.hear({ type: 'alive', seat, number: 0 });
      far.beat();
    }
    expect(heard).toEqual(['paired']);
    for (let second = 0; second < 4; second++) {
      nowMs += 1_000;
      far.beat();
    }
    expect(heard).toEqual(['paired', 'lost', 'gone']);
  });

  test('says its last words before it goes, and numbers everything', () => {
    for (let i = 0; i < 100; i++) place.pass(here, new Uint8Array(1_000).fill(i).fill(RELAY_CONTROL, 0, 1));
    // Most of it waits for a credit.
    expect(posted.length).toBeLessThan(10);
    place.leave(here);
    const frames = posted.flatMap((one) => (one.type === 'frame' ? [one] : []));
    expect(frames.map((one) => [one.number, one.frame[1]])).toEqual(Array.from({ length: 100 }, (_, i) => [i + 1, i]));
    expect(posted.at(-1)).toEqual({ type: 'gone', seat });
  });

  test('ends the pair when it is credited what was never sent', () => {
    far.hear({ type: 'credit', seat, number: 1 });
    expect(heard).toEqual(['paired', 'lost', 'gone']);
  });

  test('ends the pair when the end has left it', () => {
    far.hear({ type: 'gone', seat });
    expect(heard).toEqual(['paired', 'left', 'gone']);
    expect(posted).toEqual([]);
  });
});
