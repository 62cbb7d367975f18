/**
 * "Test my connection": looks at everything that a join needs, one thing after the other, without a host. Each check takes seconds at most and
 * says what was found and what to do; the whole can be copied as text into a bug report, and names no address, code or person.
 */
import {
  type CheckName,
  type CheckResult,
  type ConnectionReport,
  type ConnectionTestOptions,
  reportText,
  summaryOf,
} from '../transport/connection-report.ts';
import { bounded, CheckEnded, failed, type Finding, type IceServer, skipped } from './connection-check.ts';
import { checkLoopback, checkNat, checkStun, checkTurn, checkWebRtc } from './ice-checks.ts';
import { checkRelay, checkSecureContext, checkServer, checkSignalling } from './server-checks.ts';

/** ICE servers looked at of each kind: browsers are slowed down by more, and each that is silent takes seconds. */
const SERVERS_MAX = 4;
const URL_LENGTH_MAX = 120;

/** Never rejects for what network, browser or server do. */
export async function testConnection(options: ConnectionTestOptions): Promise<ConnectionReport> {
  const test = new ConnectionTest(options);
  await test.run();
  const { results } = test;
  const summary = summaryOf(results);
  return { results, summary, asText: () => reportText({ results, summary, browser: navigator.userAgent }) };
}

class ConnectionTest {
  readonly results: CheckResult[] = [];
  readonly #options: ConnectionTestOptions;

  constructor(options: ConnectionTestOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { brokerUrl } = this.#options;
    await this.#check('secure-context', 'This page', async () => checkSecureContext());
    const webRtc = await this.#check('webrtc', 'WebRTC', async () => checkWebRtc());
    const servers = await this.#askServer();
    await this.#check('signalling', "The server's signalling", async (ended) => {
      const finding = await checkSignalling(brokerUrl, ended);
      // Where the whole server is out of reach, nothing in particular is to be blamed.
      return servers === undefined ? { ...finding, advice: '' } : finding;
    });
    if (webRtc.state === 'ok') {
      await this.#check('loopback', 'WebRTC within this page', checkLoopback);
      if (servers !== undefined) await this.#askIceServers(servers);
    }
    await this.#check('relay', "The server's relay", (ended) => checkRelay(brokerUrl, ended));
  }

  async #askServer(): Promise<readonly IceServer[] | undefined> {
    let servers: readonly IceServer[] | undefined;
    await this.#check('server', 'The server', async (ended) => {
      const { finding, config } = await checkServer(this.#options.brokerUrl, ended);
      servers = config?.iceServers;
      return finding;
    });
    return servers;
  }

  async #askIceServers(servers: readonly IceServer[]): Promise<void> {
    const each = servers.flatMap(splitServer);
    const stun = each.filter(({ url }) => /^stuns?:/.test(url)).slice(0, SERVERS_MAX);
    const turn = each.filter(({ url }) => /^turns?:/.test(url)).slice(0, SERVERS_MAX);
    const answering: string[] = [];
    for (const { url } of stun) {
      const { state } = await this.#check('stun', `STUN server ${nameOf(url)}`, (ended) => checkStun(url, ended));
      if (state === 'ok') answering.push(url);
    }
    if (stun.length === 0)
      await this.#check('stun', 'STUN', async () => skipped('This server names none: only players on one network can meet directly.'));
    for (const { url, server } of turn)
      await this.#check('turn', `TURN server ${nameOf(url)}`, (ended) => checkTurn({ ...server, urls: url }, ended));
    if (turn.length === 0) await this.#check('turn', 'TURN', async () => skipped('This server names none.'));
    await this.#check('nat', 'Your router', (ended) => checkNat(answering, ended));
  }

  async #check(check: CheckName, title: string, look: (ended: AbortSignal) => Promise<Finding>): Promise<CheckResult> {
    const { onResult, onStep } = this.#options;
    if (!this.#isCancelled()) onStep?.(title);
    const startMs = performance.now();
    const finding = await this.#look(look);
    const result = { check, title, ...finding, tookMs: Math.round(performance.now() - startMs) };
    this.results.push(result);
    onResult?.(result);
    return result;
  }

  #isCancelled(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #look(look: (ended: AbortSignal) => Promise<Finding>): Promise<Finding> {
    if (this.#isCancelled()) return skipped('Cancelled.');
    try {
      const finding = await bounded(this.#options.signal, look);
      // What was cut short found nothing out.
      return this.#isCancelled() && finding.state !== 'ok' ? skipped('Cancelled.') : finding;
    } catch (error) {
      if (error instanceof CheckEnded) return failed('It did not answer in time.');
      return failed(`This browser could not try it (${error instanceof Error ? error.name : 'unknown'}).`);
    }
  }
}

function splitServer(server: IceServer): { readonly url: string; readonly server: IceServer }[] {
  const { urls } = server;
  return (typeof urls === 'string' ? [urls] : urls).map((url) => ({ url, server }));
}

/** `turn:turn.example:3478?transport=udp` as `turn.example:3478 (udp)`. */
function nameOf(url: string): string {
  const [, , address = url, transport] = /^(stuns?|turns?):([^?]+)(?:\?transport=(\w+))?/.exec(url.slice(0, URL_LENGTH_MAX)) ?? [];
  return transport === undefined ? address : `${address} (${transport})`;
}
