/**
 * A player of the WAN bench in a Node process: the arena's rules and the netcode's Node door, with the bot at the keys 60 times a second.
 *
 *     node main.mjs URL host|guest CODE NAME
 *
 * Each line on stdin is an expression as JSON; each is answered by `{ result }` or `{ error }` on stdout. An expression sees what it
 * would see in the game's page: `window.volley`, as far as the bench asks for it, and `window.volleyRecorder`.
 */
import { createInterface } from 'node:readline';
import { createContext, runInContext } from 'node:vm';
import * as webRtc from 'node-datachannel/polyfill';
import { arena } from '../../../game/rules/arena.ts';
import { botInput } from '../../../game/rules/bot.ts';
import type { RoomFor, RoomStats } from '../../../netcode/index.ts';
import { host, join } from '../../../netcode/node.ts';
import type { LineReply } from './line-process.ts';
import { packetHash } from './packet-hash.ts';
import { installRecorder } from './recorder.ts';

const KEYS_INTERVAL_MS = 1000 / 60;

type ArenaRoom = RoomFor<typeof arena>;

/** What the bench reads of `window.volley` in a page. */
interface NodePage {
  status: 'connecting' | 'lobby' | 'playing' | 'results' | 'menu';
  code: string | undefined;
  error: string;
  stats(): RoomStats | undefined;
}

const page: NodePage = { status: 'connecting', code: undefined, error: '', stats: () => undefined };

/**
 * The recorder is a page's: it is lent what it needs of one. Its wrappers go to the polyfill's own classes, from which the netcode's are
 * made, and it is never hidden.
 */
function record(): object {
  const { RTCPeerConnection, RTCDataChannel } = webRtc;
  Object.assign(globalThis, { RTCPeerConnection, RTCDataChannel, document: { hidden: false }, window: globalThis });
  installRecorder(packetHash);
  const { volleyRecorder } = window;
  // Packages that look for a window to tell a browser by must find none.
  Reflect.deleteProperty(globalThis, 'window');
  return volleyRecorder;
}

/** Ready by itself; as host it starts as soon as two are in, as a page with `&autostart`. */
function play(room: ArenaRoom): void {
  let hasBecomeReady = false;
  let hasStarted = false;
  const follow = (): void => {
    const { phase, code, players } = room.lobby;
    page.status = phase;
    page.code = code;
    if (phase !== 'lobby') return;
    if (!hasBecomeReady) {
      hasBecomeReady = true;
      room.setReady(true);
    }
    if (!hasStarted && room.role === 'host' && players.length >= 2) {
      hasStarted = true;
      room.start();
    }
  };
  page.stats = () => room.stats();
  room.on('lobby', follow);
  room.on('closed', ({ message }) => {
    page.status = 'menu';
    page.error = message;
  });
  follow();
  setInterval(() => {
    if (page.status === 'playing') room.setInput(botInput(room.view(), room.me));
  }, KEYS_INTERVAL_MS);
}

function answer(context: object): void {
  const say = (reply: LineReply): unknown => process.stdout.write(`${JSON.stringify(reply)}\n`);
  const lines = createInterface(process.stdin);
  lines.on('line', (line) => {
    try {
      say({ result: runInContext(JSON.parse(line) as string, context) as unknown });
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
    }
  });
  // Whoever asks is gone: so is the bench.
  lines.once('close', () => process.exit());
}

async function main([url = '', role = '', code = '', name = '']: readonly string[]): Promise<void> {
  const volleyRecorder = record();
  answer(createContext({ window: { volley: page, volleyRecorder } }));
  const options = { name, brokerUrl: url };
  try {
    play(role === 'host' ? await host(arena, options) : await join(arena, code, options));
  } catch (error) {
    page.error = error instanceof Error ? error.message : String(error);
  }
}

await main(process.argv.slice(2));
