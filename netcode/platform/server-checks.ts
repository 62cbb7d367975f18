/** The checks of page and server: what the page may do, whether the API answers, the signalling WebSocket, and the relay. */
import type { BrokerConfigResponse, CreateLobbyResponse } from '../wire/lobby-api.ts';
import { RELAY_PATH, RELAY_STATE, RELAY_VERSION, readRelayAnswer, type RelayHello, type RelayRefusal } from '../wire/relay.ts';
import { BrokerClient } from '../transport/broker-client.ts';
import {
  CHECK_TIMEOUT_MS,
  CheckEnded,
  failed,
  type Finding,
  msText,
  ok,
  randomHex,
  skipped,
  TEST_MESSAGE,
  until,
  warn,
} from './connection-check.ts';

/** No game has this name, so nobody finds the test's lobby in a list, which it is not in anyway. */
const TEST_GAME = 'connection-test';
const WHAT_BLOCKS_WEBSOCKETS =
  'A proxy, a firewall or a browser extension may block WebSockets: try another network or a private window. If nobody can join, tell whoever runs this server.';

export interface ServerFinding {
  readonly finding: Finding;
  /** Undefined when the server does not answer. */
  readonly config: BrokerConfigResponse | undefined;
}

export function checkSecureContext(): Finding {
  if (globalThis.isSecureContext) return ok('This page came over a secure connection, or from this computer.');
  return warn(
    'This page came over plain http. Games work, but speaking in voice chat and the share sheet do not: browsers keep them for https.',
    'Open the game by its https address, if it has one.',
  );
}

export async function checkServer(brokerUrl: string, ended: AbortSignal): Promise<ServerFinding> {
  const client = new BrokerClient({ brokerUrl, signal: ended, timeoutMs: CHECK_TIMEOUT_MS });
  const first = await client.getConfig();
  if (!first.ok)
    return { finding: failed(first.message, 'Check your connection; if other pages load, the server may be down.'), config: undefined };
  // The first answer may have waited for a connection; the second is about one round trip.
  const startMs = performance.now();
  const second = await client.getConfig();
  const tookMs = performance.now() - startMs;
  return {
    finding: second.ok ? ok(`It answers in ${msText(tookMs)}.`) : warn('It answered once, and then not again.'),
    config: first.value,
  };
}

/** Registers under a name of its own, as a game would, and leaves again. */
export async function checkSignalling(brokerUrl: string, ended: AbortSignal): Promise<Finding> {
  const startMs = performance.now();
  const socket = openSocket(brokerUrl, `peerjs?key=peerjs&id=${randomHex()}&token=${randomHex()}`);
  if (socket === undefined) return failed('This browser opens no WebSocket there.', WHAT_BLOCKS_WEBSOCKETS);
  try {
    const greeting = await until<string>(ended, (done) => {
      socket.addEventListener('message', ({ data }) => done(typeof data === 'string' ? data : ''));
      socket.addEventListener('close', () => done(''));
    });
    if (greeting.includes('"OPEN"')) {
      socket.send('{"type":"LEAVE"}');
      return ok(`Its WebSocket opened in ${msText(performance.now() - startMs)}.`);
    }
    if (greeting === '') return failed('Its WebSocket does not open.', WHAT_BLOCKS_WEBSOCKETS);
    return failed('It refused the WebSocket.', 'It may be full, or you opened too many tabs: try again in a minute.');
  } catch (error) {
    if (!(error instanceof CheckEnded)) throw error;
    return failed('Its WebSocket does not open in time.', WHAT_BLOCKS_WEBSOCKETS);
  } finally {
    socket.close();
  }
}

/** A lobby of the test's own, in no list and gone afterwards, and both ends of a pair in it. */
export async function checkRelay(brokerUrl: string, ended: AbortSignal): Promise<Finding> {
  const client = new BrokerClient({ brokerUrl, timeoutMs: CHECK_TIMEOUT_MS });
  const created = await client.createLobby({ peerId: `test-${randomHex()}`, gameId: TEST_GAME, isPublic: false, isRelayAllowed: true });
  if (!created.ok) return skipped(`No lobby could be opened to test it in. ${created.message}`);
  try {
    return await relayOwnData(brokerUrl, created.value, ended);
  } finally {
    void client.closeLobby(created.value.code, created.value.ownerToken);
  }
}

async function relayOwnData(brokerUrl: string, { code, ownerToken }: CreateLobbyResponse, ended: AbortSignal): Promise<Finding> {
  const startMs = performance.now();
  const pair = randomHex().slice(0, 22);
  const ends: WebSocket[] = [];
  const open = (hello: RelayHello): Promise<RelayEnd> => {
    const socket = openSocket(brokerUrl, RELAY_PATH.slice(1));
    if (socket === undefined) return Promise.resolve('closed');
    ends.push(socket);
    return enterPair(socket, hello, ended);
  };
  try {
    const outcomes = await Promise.all([
      open({ v: RELAY_VERSION, role: 'host', code, pair, ownerToken }),
      open({ v: RELAY_VERSION, role: 'guest', code, pair }),
    ]);
    // Every end is told; the one that was not let in says why.
    const refusal =
      outcomes.find((outcome) => outcome !== 'paired' && outcome !== 'closed' && outcome !== 'no-peer') ??
      outcomes.find((outcome) => outcome !== 'paired');
    if (refusal === 'closed') return skipped('This server has no relay, or does not let this page use it.');
    if (refusal !== undefined)
      return warn(`It refuses: ${REFUSAL_TEXTS[refusal]}.`, refusal === 'too-many' ? 'Try again in a minute.' : '');
    await passOne(ends, ended);
    return ok(`Data came through it; both ends and the data took ${msText(performance.now() - startMs)}.`);
  } catch (error) {
    if (!(error instanceof CheckEnded)) throw error;
    return failed('Its WebSocket opened, but no data came through in time.', 'Try again in a minute; a proxy may hold WebSockets up.');
  } finally {
    for (const socket of ends) socket.close();
  }
}

type RelayEnd = 'paired' | 'closed' | RelayRefusal;

const REFUSAL_TEXTS: Readonly<Record<RelayRefusal, string>> = {
  'bad-request': 'this page speaks another version of it than the server',
  'unknown-code': 'it does not know the lobby that was opened for this test',
  'not-owner': 'it does not take this page for the lobby’s owner',
  'not-allowed': 'the lobby allows no relay',
  busy: 'the test’s own pair is taken',
  'no-peer': 'the two ends did not meet',
  'too-many': 'too many use it right now',
  unavailable: 'it is not available right now',
};

function enterPair(socket: WebSocket, hello: RelayHello, ended: AbortSignal): Promise<RelayEnd> {
  socket.binaryType = 'arraybuffer';
  return until<RelayEnd>(ended, (done) => {
    socket.addEventListener('open', () => socket.send(JSON.stringify(hello)));
    socket.addEventListener('close', () => done('closed'));
    socket.addEventListener('message', ({ data }) => {
      const answer = typeof data === 'string' ? readRelayAnswer(data) : undefined;
      if (answer !== undefined) done(answer.type === 'paired' ? 'paired' : answer.reason);
    });
  });
}

/** A state frame from the first end to the second. */
async function passOne([from, to]: readonly WebSocket[], ended: AbortSignal): Promise<void> {
  const text = new TextEncoder().encode(TEST_MESSAGE);
  const frame = new Uint8Array(text.length + 1);
  frame[0] = RELAY_STATE;
  frame.set(text, 1);
  await until<void>(ended, (done) => {
    to?.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer && new TextDecoder().decode(data.slice(1)) === TEST_MESSAGE) done();
    });
    from?.send(frame);
  });
}

/** Undefined where the page's security policy or a privacy extension forbids it outright. */
function openSocket(brokerUrl: string, path: string): WebSocket | undefined {
  try {
    return new WebSocket(`${brokerUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/${path}`);
  } catch {
    return undefined;
  }
}
