/** `npm run bench -- voice`: whether voice disturbs the game. State age with voice off and on, in turns, over emulated WANs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { whyNoWan } from '../wan/wan.ts';
import { measureVoice, type Phase, type VoiceCell, type VoiceResult } from './rig.ts';

export const VOICE_USAGE = `npm run bench -- voice [options]   (Linux, root, npm run build before)
  --profile NAME     only this network: ${Object.keys(WAN_PROFILES).join(', ')} (may be repeated)
  --voices N         with how many others the host talks, 1 to 7
  --rounds N         how often voice is turned on and off (3)
  --seconds N        of each turn (10)
  --seed N           of the network's dice (1)`;

/** A snapshot of a match with a handful of players. */
const STATE_BYTES = 200;
/** The narrowest uplinks that people have, and clean and lossy ones; a voice or a full room of them. */
const DEFAULT_CELLS: readonly Pick<VoiceCell, 'profile' | 'voices'>[] = [
  { profile: 'far', voices: 1 },
  { profile: 'far', voices: 7 },
  { profile: 'bursts-15', voices: 1 },
  { profile: 'cap-300', voices: 1 },
  { profile: 'uplink-1000', voices: 7 },
];

const OPTIONS = {
  profile: { type: 'string', multiple: true },
  voices: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '10' },
  seed: { type: 'string', default: '1' },
} as const;

export async function voice(args: readonly string[], resultsDir: string): Promise<number> {
  let cells: VoiceCell[];
  try {
    cells = cellsOf(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${VOICE_USAGE}`);
    return 2;
  }
  const why = whyNoWan();
  if (why !== undefined) {
    console.error(why);
    return 2;
  }
  const results: VoiceResult[] = [];
  console.log(`${STATE_BYTES} B of state at 60 Hz from a to b; age of the newest state that b holds, voice off and on in turns\n${HEAD}`);
  for (const cell of cells) {
    const result = await measureVoice(cell);
    results.push(result);
    console.log(rowOf(result));
  }
  mkdirSync(resultsDir, { recursive: true });
  const path = join(resultsDir, 'voice.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`);
  console.log(`written: ${path}`);
  return 0;
}

function cellsOf(args: readonly string[]): VoiceCell[] {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const number = (name: 'voices' | 'rounds' | 'seconds' | 'seed', max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > max)
      throw new RangeError(`--${name} ${values[name]} is no number from 1 to ${max}`);
    return value;
  };
  const rest = { rounds: number('rounds', 100), seconds: number('seconds', 600), seed: number('seed', 2 ** 31), bytes: STATE_BYTES };
  const voices = values.voices === undefined ? undefined : number('voices', 7);
  const unknown = values.profile?.find((name) => !(name in WAN_PROFILES));
  if (unknown !== undefined) throw new RangeError(`there is no network '${unknown}'`);
  const chosen =
    values.profile?.map((profile) => ({ profile: profile as WanProfileName, voices: voices ?? 1 })) ??
    DEFAULT_CELLS.filter((cell) => voices === undefined || cell.voices === voices);
  return chosen.map((cell) => ({ ...cell, ...rest }));
}

const HEAD = `${'network'.padEnd(12)} voices │ ${'off p50 / p99 ms'.padEnd(18)} ${'on p50 / p99 ms'.padEnd(18)} ${'ratio'.padEnd(13)} │ a sends kbit/s │ queue ms │ one voice            │ gaps │ late`;

function rowOf({ cell, off, on, voiceKbit, voicePacketsPerSecond }: VoiceResult): string {
  const ages = ({ p50Ms, p99Ms }: Phase): string => `${p50Ms.toFixed(0)} / ${p99Ms.toFixed(0)}`.padEnd(18);
  const pair = (of: (phase: Phase) => number, digits = 0): string => `${of(off).toFixed(digits)} -> ${of(on).toFixed(digits)}`;
  const ratio = `x${(on.p50Ms / off.p50Ms).toFixed(2)} x${(on.p99Ms / off.p99Ms).toFixed(2)}`;
  return [
    `${cell.profile.padEnd(12)} ${String(cell.voices).padEnd(6)}`,
    `${ages(off)} ${ages(on)} ${ratio.padEnd(13)}`,
    pair(({ kbitFromA }) => kbitFromA).padEnd(14),
    pair(({ queueMsP50 }) => queueMsP50).padEnd(8),
    `${voiceKbit.toFixed(0)} kbit/s, ${voicePacketsPerSecond.toFixed(0)} packets/s`,
    pair(({ gaps }) => gaps),
    pair(({ lateShare }) => lateShare * 100, 1),
  ].join(' │ ');
}
