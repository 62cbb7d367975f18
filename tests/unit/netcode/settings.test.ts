/** Lobby settings: what a game may define, what a host may choose, and how it travels. */
import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { bool, choice, defineGame, type GameSettings, toggle, whole } from '../../../netcode/index.ts';
import {
  changedSettings,
  defaultSettings,
  namedSettings,
  packSettings,
  type SettingMap,
  unpackSettings,
} from '../../../netcode/wire/settings.ts';

const spec = {
  id: 'set',
  version: 1,
  input: { go: bool() },
  entities: { dot: { on: bool() } },
  step: () => undefined,
} as const;

const game = defineGame({
  ...spec,
  settings: {
    mode: choice(['duel', 'capture-the-flag'], 'duel', { labels: { duel: 'Duel' } }),
    pointsToWin: whole({ min: 5, max: 50, step: 5 }),
    isFriendly: toggle(true, { label: 'Friendly fire' }),
  },
  step(_world, _inputs, { settings }) {
    expectTypeOf(settings).toEqualTypeOf<{
      readonly mode: 'duel' | 'capture-the-flag';
      readonly pointsToWin: number;
      readonly isFriendly: boolean;
    }>();
  },
});

test('[SET1] all types are inferred, and a form has names, labels, choices and ranges to draw', () => {
  expectTypeOf<GameSettings<typeof game>['mode']>().toEqualTypeOf<'duel' | 'capture-the-flag'>();
  expect(game.settings).toEqual([
    {
      name: 'mode',
      type: 'choice',
      label: 'Mode',
      default: 'duel',
      options: [
        { value: 'duel', label: 'Duel' },
        { value: 'capture-the-flag', label: 'Capture the flag' },
      ],
    },
    { name: 'pointsToWin', type: 'whole', label: 'Points to win', min: 5, max: 50, step: 5, default: 5 },
    { name: 'isFriendly', type: 'toggle', label: 'Friendly fire', default: true },
  ]);
  expect(game.defaultSettings).toEqual({ mode: 'duel', pointsToWin: 5, isFriendly: true });
  expect(defineGame(spec).defaultSettings).toEqual({});
});

test('[SET2] what makes no sense is refused by name when the game is defined', () => {
  const define = (settings: SettingMap) => () => defineGame({ ...spec, settings });
  expect(define({ 'no spaces': toggle(true) })).toThrow("setting 'no spaces'");
  expect(define({ mode: choice([], 'x' as never) })).toThrow("setting 'mode' has 0 choices");
  expect(define({ mode: choice(['a', 'a'], 'a') })).toThrow("setting 'mode' has the same choice twice");
  expect(define({ mode: choice(['a'], 'b' as never) })).toThrow("default of setting 'mode' cannot be 'b': one of 'a'");
  expect(define({ limit: whole({ min: 5, max: 1 }) })).toThrow("setting 'limit' goes from 5 to 1 by 1");
  expect(define({ limit: whole({ min: 0, max: 10, step: 0.5 }) })).toThrow("setting 'limit' goes from 0 to 10 by 0.5");
  expect(define({ limit: whole({ min: 0, max: 10, step: 4, default: 3 }) })).toThrow("default of setting 'limit' cannot be 3");
  expect(define({ limit: whole({ min: 0, max: 2 ** 31 }) })).toThrow("setting 'limit'");
  expect(define({ mode: toggle(true, { label: 'a\nb' }) })).toThrow("setting 'mode' has the label");
  expect(define({ mode: choice(['a'], 'a', { labels: { a: '' } }) })).toThrow("setting 'mode' has the label ''");
  expect(define(Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`s${n}`, toggle(true)])))).toThrow('at most 32 settings, not 33');
  expect(() => defineGame({ ...spec, teams: 9 })).toThrow('teams 9 must be a whole number from 0 to 8');
});

test('[SET3] games whose settings or teams differ are another shape; labels and defaults are not', () => {
  const shapeOf = (settings: SettingMap, teams = 0) => defineGame({ ...spec, settings, teams }).shape;
  const base = shapeOf({ limit: whole({ min: 0, max: 10 }) });
  expect(shapeOf({ limit: whole({ min: 0, max: 10, label: 'Other', default: 4 }) })).toBe(base);
  expect(shapeOf({ limit: whole({ min: 0, max: 11 }) })).not.toBe(base);
  expect(shapeOf({ other: whole({ min: 0, max: 10 }) })).not.toBe(base);
  expect(shapeOf({ limit: whole({ min: 0, max: 10 }) }, 2)).not.toBe(base);
});

const aSetting = fc.oneof(
  fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 8 }).map((values) => choice(values, values.at(-1)!)),
  fc.boolean().map((initial) => toggle(initial)),
  fc
    .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1e6), fc.integer({ min: 1, max: 1000 }))
    .map(([min, span, step]) => whole({ min, max: min + span, step })),
);
const settingsOf = fc
  .array(aSetting, { maxLength: 32 })
  .map((list) => namedSettings(Object.fromEntries(list.map((setting, n) => [`s${n}`, setting]))));

test('[SET4] every choice comes back as it was told', () => {
  fc.assert(
    fc.property(settingsOf, fc.array(fc.nat(), { minLength: 32, maxLength: 32 }), (settings, draws) => {
      const values = Object.fromEntries(
        settings.map((setting, i) => {
          const draw = draws[i]!;
          if (setting.type === 'choice') return [setting.name, setting.options[draw % setting.options.length]!.value];
          if (setting.type === 'toggle') return [setting.name, draw % 2 === 0];
          const steps = Math.floor((setting.max - setting.min) / setting.step);
          return [setting.name, setting.min + setting.step * (draw % (steps + 1))];
        }),
      );
      const chosen = changedSettings(settings, defaultSettings(settings), values);
      expect(chosen).toEqual(values);
      expect(unpackSettings(settings, packSettings(settings, chosen))).toEqual(values);
      expect(Object.isFrozen(chosen)).toBe(true);
    }),
  );
});

test('[SET5] any numbers are settings that are possible, or none', () => {
  fc.assert(
    fc.property(settingsOf, fc.array(fc.integer(), { maxLength: 33 }), (settings, numbers) => {
      const values = unpackSettings(settings, numbers);
      if (values !== undefined) expect(changedSettings(settings, defaultSettings(settings), values)).toEqual(values);
    }),
  );
});
