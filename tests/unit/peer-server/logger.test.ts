/** The log: what it says, in which form, and above all what it never says. */
import { expect, test } from 'vitest';
import { createLogger, type LoggerOptions, type PublicFields } from '../../../peer-server/logger.ts';

function logTo(lines: string[], options: Partial<LoggerOptions> = {}) {
  return createLogger({ level: 'info', format: 'json', write: (line) => void lines.push(line), ...options });
}

test('for machines: one JSON object a line', () => {
  const lines: string[] = [];
  logTo(lines).info({ port: 8080 }, 'Ready');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(lines[0]!)).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), port: 8080, msg: 'Ready' });
});

test('for a terminal: time, level, message and fields', () => {
  const lines: string[] = [];
  logTo(lines, { format: 'text' }).warn({ reason: 'away', count: 2 }, 'The store is away');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {3}The store is away reason=away count=2\n$/);
});

test('from info up, only the listed fields get through, whatever a caller passes', () => {
  for (const format of ['json', 'text'] as const) {
    const lines: string[] = [];
    const logger = logTo(lines, { level: 'debug', format });
    const careless = { address: '203.0.113.9', code: 'K7QX2M', peerId: 'ada', token: 'secret', reason: 'why' } as PublicFields;
    for (const level of ['info', 'warn', 'error'] as const) logger[level](careless, 'Something');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).toMatch('why');
    expect(lines.join('')).not.toMatch(/203\.0|K7QX2M|ada|secret/);
  }
});

test('of an error, only what our own code says: no properties that may hold what a client sent', () => {
  const lines: string[] = [];
  const error = Object.assign(new TypeError('broken'), { code: 'EBROKEN', body: '{"peerId":"ada"}' });
  logTo(lines).error({ error }, 'Request failed');
  expect(JSON.parse(lines[0]!)).toMatchObject({
    error: { name: 'TypeError', message: 'broken', code: 'EBROKEN', stack: expect.stringContaining('logger.test') },
  });
  expect(lines[0]).not.toMatch('ada');
});

test('debug names people, and is off by default', () => {
  const lines: string[] = [];
  logTo(lines).debug({ address: '203.0.113.9' }, 'Request');
  expect(lines).toEqual([]);
  logTo(lines, { level: 'debug' }).debug({ address: '203.0.113.9' }, 'Request');
  expect(lines[0]).toMatch('203.0.113.9');
  logTo(lines, { level: 'silent' }).error({}, 'Nobody hears this');
  expect(lines).toHaveLength(1);
});
