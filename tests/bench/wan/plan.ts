/** What a run measures: which networks, matches and streams, from the command line's options. */
import { parseArgs } from 'node:util';
import { CROWD_KINDS } from './crowd.ts';
import type { MatchPlan } from './match.ts';
import { PLAYER_KINDS, type PlayerKind } from './player.ts';
import { WAN_PROFILES, type WanProfileName } from './profiles.ts';
import { type Payload, STREAM_KINDS, type StreamKind } from './stream-kinds.ts';

const PROFILES = Object.keys(WAN_PROFILES) as WanProfileName[];
/** By default. A narrow uplink is nothing to two players. */
const PROFILES_OF: Readonly<Record<2 | 8, readonly WanProfileName[]>> = {
  2: PROFILES.filter((profile) => profile !== 'uplink-1000'),
  8: ['loss-5', 'bursts-15', 'uplink-1000'],
};
const QUICK_PROFILES: readonly WanProfileName[] = ['loss-5', 'bursts-15', 'cap-300', 'outage'];
/** Eight bots have their ten kills in half a minute. */
const SECONDS = { quick: 10, full: { 2: 30, 8: 15 } };
const LANES = 4;

const COMMON: readonly StreamKind[] = ['ideal', 'bare', 'websocket', 'peerjs-reliable', 'peerjs-unreliable'];
/** Where nothing is lost and nothing is narrow all streams are alike. */
const HARMLESS: readonly WanProfileName[] = ['lan', 'far'];
const LARGE_BYTES = 1_000;
const LARGE_ON: readonly WanProfileName[] = ['loss-5', 'bursts-15'];
/** The network that must not fail once in many runs; what its further runs are compared with. */
const REPEATED: WanProfileName = 'bursts-15';
const REPEATED_STREAMS: readonly StreamKind[] = ['ideal', 'bare'];

export const WAN_USAGE = `npm run bench -- wan [options]        Linux, root: the real game in two browsers with an emulated WAN between them
  --quick            four networks, 10 s each, fewer streams: about three minutes (without it: all, 30 s each, about ten; eight players: 15 s)
  --players N        2 (default) or 8
  --profiles A,B,…   of ${PROFILES.join(', ')}
  --pair HOST-GUEST  what they play in: ${PLAYER_KINDS.join(', ')}; chromium-chromium by default
  --crowd NAME       what the other six of eight play in: ${CROWD_KINDS.join(' (hidden tabs), ')}; chromium by default
  --seconds N        of each match and stream
  --seeds N,N,…      of the networks' dice: everything once for each; 1 by default
  --runs N           ${REPEATED} with N seeds
  --streams A,B,…    to compare with, of ${STREAM_KINDS.join(', ')}; or none
  --bytes N,N,…      sizes of streams besides the game's own; by default ${LARGE_BYTES}, and only on ${LARGE_ON.join(' and ')}
  --lanes N          streams measured side by side, ${LANES} by default (matches are played one by one)
  --no-build         plays the game as it was built last`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  players: { type: 'string', default: '2' },
  profiles: { type: 'string' },
  pair: { type: 'string', default: 'chromium-chromium' },
  crowd: { type: 'string', default: 'chromium' },
  seconds: { type: 'string' },
  seeds: { type: 'string', default: '1' },
  runs: { type: 'string', default: '1' },
  streams: { type: 'string' },
  bytes: { type: 'string' },
  lanes: { type: 'string', default: String(LANES) },
  'no-build': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** A stream to be sent on a match's network, with its seed. */
export interface StreamPlan {
  readonly kind: StreamKind;
  readonly payload: Payload;
}

export interface Plan {
  readonly matches: readonly (MatchPlan & { readonly streams: readonly StreamPlan[] })[];
  readonly lanes: number;
  readonly isBuilding: boolean;
  readonly isHelp: boolean;
}

/** Throws RangeError or TypeError for what makes no sense. */
export function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const players: 2 | 8 | undefined = values.players === '2' ? 2 : values.players === '8' ? 8 : undefined;
  if (players === undefined) throw new RangeError(`--players '${values.players}' is neither 2 nor 8`);
  const profiles = chosen('profile', values.profiles, PROFILES) ?? (values.quick && players === 2 ? QUICK_PROFILES : PROFILES_OF[players]);
  const kinds = values.streams === 'none' ? [] : chosen('stream', values.streams, STREAM_KINDS);
  const seconds = values.seconds === undefined ? (values.quick ? SECONDS.quick : SECONDS.full[players]) : wholeNumber(values.seconds);
  const seeds = values.seeds.split(',').map(wholeNumber);
  const sizes = values.bytes?.split(',').map(wholeNumber);
  const runs = wholeNumber(values.runs);
  const pair = pairOf(values.pair);
  const crowd = chosen('crowd', values.crowd, CROWD_KINDS)?.[0] ?? 'chromium';
  const matches = profiles.flatMap((profile) => {
    const own = profile === REPEATED && runs > seeds.length ? Array.from({ length: runs }, (_, n) => n + 1) : seeds;
    return own.map((seed, n) => {
      const streams = streamsOf(profile, { isQuick: values.quick, isFurther: n >= seeds.length, kinds, sizes });
      return { profile, seed, seconds, players, pair, crowd, streams };
    });
  });
  return { matches, lanes: wholeNumber(values.lanes), isBuilding: !values['no-build'], isHelp: values.help };
}

interface Choice {
  readonly isQuick: boolean;
  /** One of many runs on the same network. */
  readonly isFurther: boolean;
  /** The caller's own. */
  readonly kinds: readonly StreamKind[] | undefined;
  readonly sizes: readonly number[] | undefined;
}

function streamsOf(profile: WanProfileName, { isQuick, isFurther, kinds, sizes }: Choice): StreamPlan[] {
  const usual = isFurther ? REPEATED_STREAMS : HARMLESS.includes(profile) ? COMMON.slice(0, 1) : COMMON;
  const usualSizes = !isQuick && !isFurther && LARGE_ON.includes(profile) ? [LARGE_BYTES] : [];
  const ofPayload = (payload: Payload): StreamPlan[] => {
    // The game itself is our stream of its own size.
    const all = payload === 'game' ? usual : [...usual, 'ours' as const];
    return (kinds ?? all.filter((kind) => !isQuick || kind !== 'peerjs-unreliable')).map((kind) => ({ kind, payload }));
  };
  return ['game' as const, ...(sizes ?? usualSizes)].flatMap(ofPayload);
}

function pairOf(text: string): readonly [PlayerKind, PlayerKind] {
  const [host, guest, ...more] = text.split('-').map((name) => PLAYER_KINDS.find((kind) => kind === name));
  if (host === undefined || guest === undefined || more.length > 0) throw new RangeError(`there is no pair '${text}'`);
  return [host, guest];
}

function chosen<T extends string>(what: string, text: string | undefined, known: readonly T[]): readonly T[] | undefined {
  const names = text?.split(',');
  const unknown = names?.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new RangeError(`there is no ${what} '${unknown}'`);
  return names === undefined ? undefined : known.filter((one) => names.includes(one));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new RangeError(`'${text}' is no whole number above 0`);
  return Number(text);
}
