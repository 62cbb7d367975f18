/**
 * The checks of WebRTC: a connection within the page, each STUN and TURN server on its own, and what kind of NAT stands before this browser.
 * Addresses are looked at and compared, but never told.
 */
import { CheckEnded, failed, type Finding, type IceServer, msText, ok, skipped, TEST_MESSAGE, until, warn } from './connection-check.ts';

/** RFC 8489, 14.8: credentials refused; and WebRTC's own for a server without an answer. */
const UNAUTHORIZED = 401;
const NO_ANSWER = 701;
const WHAT_BLOCKS_WEBRTC =
  'A browser extension, a VPN or a policy seems to block WebRTC: switch it off for this page, or try another browser.';
const WHAT_BLOCKS_UDP = 'UDP may be blocked on your network: try another one (a phone’s hotspot, say).';

/** One server, as a candidate showed it. */
interface Mapped {
  /** Of this machine, or '' where the browser keeps it back. */
  readonly base: string;
  readonly address: string;
  readonly port: number;
}

interface Gathered {
  readonly found: RTCIceCandidate | undefined;
  readonly all: readonly RTCIceCandidate[];
  readonly errors: readonly number[];
  /** The browser has finished looking: every server has answered or refused. */
  readonly isComplete: boolean;
  readonly tookMs: number;
}

export function checkWebRtc(): Finding {
  if (typeof RTCPeerConnection === 'function') return ok('This browser has WebRTC.');
  return failed(
    'This browser has no WebRTC, or it is switched off.',
    'Use a current Chrome, Edge, Firefox or Safari, and allow WebRTC in its settings.',
  );
}

/** Two connections of this page with each other: says whether the browser itself lets WebRTC work. */
export async function checkLoopback(ended: AbortSignal): Promise<Finding> {
  const startMs = performance.now();
  try {
    const version = await talk({ iceServers: [] }, ended);
    return ok(`A connection within this page opened in ${msText(performance.now() - startMs)}${version === '' ? '' : `, ${version}`}.`);
  } catch (error) {
    if (!(error instanceof CheckEnded) && !(error instanceof DOMException)) throw error;
    return failed('A connection within this page did not open.', WHAT_BLOCKS_WEBRTC);
  }
}

export async function checkStun(url: string, ended: AbortSignal): Promise<Finding> {
  const { found, errors, isComplete, tookMs } = await gather({ iceServers: [{ urls: url }] }, 'srflx', ended);
  if (found !== undefined) return ok(`It answered in ${msText(tookMs)}.`);
  // What it said is the browser's own address, which no candidate repeats.
  if (isComplete && errors.length === 0) return ok(`It answered within ${msText(tookMs)}: there is no NAT before you.`);
  return failed('It did not answer.', WHAT_BLOCKS_UDP);
}

/** An address at the TURN server, and then data through it and back. */
export async function checkTurn(server: IceServer, ended: AbortSignal): Promise<Finding> {
  const configuration: RTCConfiguration = { iceServers: [toRtc(server)], iceTransportPolicy: 'relay' };
  const { found, errors, tookMs } = await gather(configuration, 'relay', ended);
  if (found === undefined) {
    if (errors.includes(UNAUTHORIZED))
      return failed('It refused the credentials.', 'Whoever runs this game’s server must give it and the TURN server the same secret.');
    return failed(
      errors.some((code) => code !== NO_ANSWER) ? 'It gave no address.' : 'It did not answer.',
      'It may be down, or your network blocks it: try another network.',
    );
  }
  try {
    await talk(configuration, ended);
  } catch (error) {
    if (!(error instanceof CheckEnded) && !(error instanceof DOMException)) throw error;
    return warn(
      `It gave an address in ${msText(tookMs)}, but data from there to itself did not come back.`,
      'Some TURN servers forbid just that; then all is well.',
    );
  }
  return ok(`It gave an address in ${msText(tookMs)}, and data came back through it.`);
}

/** `urls`: STUN servers that answer. One socket, seen from two of them. */
export async function checkNat(urls: readonly string[], ended: AbortSignal): Promise<Finding> {
  if (urls.length === 0) return skipped('No STUN server answered, so nobody could say.');
  const { all, errors } = await gather({ iceServers: urls.map((url) => ({ urls: url })) }, undefined, ended);
  const mapped = all.filter(({ type, protocol }) => type === 'srflx' && protocol === 'udp').map(mappedOf);
  if (mapped.length === 0) return ok('There is no NAT before you: your browser has a public address.');
  if (isSymmetric(mapped)) {
    return warn(
      'Your router gives you another port for each partner (a symmetric NAT). Direct connections to players whose router does the same do not open.',
      'A TURN server or the relay helps. So does another network.',
    );
  }
  if (urls.length === 1 || errors.length > 0)
    return skipped('It takes two STUN servers that answer to tell the kind of NAT, and there is one.');
  return ok('Your router keeps one port for all partners: direct connections should open.');
}

/** Of one socket's mappings: whether two differ in nothing but the port. */
export function isSymmetric(mapped: readonly Mapped[]): boolean {
  return mapped.some((one, n) =>
    mapped.slice(n + 1).some((other) => one.base === other.base && one.address === other.address && one.port !== other.port),
  );
}

function mappedOf({ address, port, relatedAddress, relatedPort }: RTCIceCandidate): Mapped {
  // Chromium says 0.0.0.0 and 0 while it keeps this machine's addresses back; it has one socket then.
  const isKept = relatedAddress === null || relatedPort === null || relatedPort === 0;
  return { base: isKept ? '' : `${relatedAddress} ${relatedPort}`, address: address ?? '', port: port ?? 0 };
}

export function toRtc({ urls, ...rest }: IceServer): RTCIceServer {
  return { ...rest, urls: typeof urls === 'string' ? urls : [...urls] };
}

/** Looks for candidates until one of this type is there, all are, or the time is up. */
async function gather(configuration: RTCConfiguration, type: RTCIceCandidateType | undefined, ended: AbortSignal): Promise<Gathered> {
  const connection = new RTCPeerConnection(configuration);
  const startMs = performance.now();
  const all: RTCIceCandidate[] = [];
  const errors: number[] = [];
  const gathered = (isComplete: boolean): Gathered => {
    const found = type === undefined ? undefined : all.find((candidate) => candidate.type === type);
    return { found, all, errors, isComplete, tookMs: performance.now() - startMs };
  };
  try {
    return await until<Gathered>(ended, (done, fail) => {
      connection.addEventListener('icecandidateerror', ({ errorCode }) => errors.push(errorCode));
      connection.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate !== null && candidate.candidate !== '') all.push(candidate);
        if (candidate === null || candidate.type === type) done(gathered(candidate === null));
      });
      connection.createDataChannel('test');
      connection.setLocalDescription().catch(fail);
    });
  } catch (error) {
    if (!(error instanceof CheckEnded)) throw error;
    return gathered(false);
  } finally {
    connection.close();
  }
}

/** A message there and back between two connections of this page. Resolves to the version of DTLS, if the browser tells. */
async function talk(configuration: RTCConfiguration, ended: AbortSignal): Promise<string> {
  const [caller, callee] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  try {
    const answered = until<void>(ended, (done) => {
      const channel = caller.createDataChannel('test');
      channel.addEventListener('open', () => channel.send(TEST_MESSAGE));
      channel.addEventListener('message', ({ data }) => {
        if (data === TEST_MESSAGE) done();
      });
      callee.addEventListener('datachannel', ({ channel: mirror }) =>
        mirror.addEventListener('message', ({ data }) => mirror.send(data as string)),
      );
    });
    // It may be over before anything awaits it.
    answered.catch(() => undefined);
    await exchange(caller, callee);
    await answered;
    return await dtlsVersionOf(caller);
  } finally {
    caller.close();
    callee.close();
  }
}

async function exchange(caller: RTCPeerConnection, callee: RTCPeerConnection): Promise<void> {
  const described = describe(caller, callee);
  const hand = (from: RTCPeerConnection, to: RTCPeerConnection): void =>
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null) return;
      // One that comes after the end finds its connection closed.
      described.then(() => to.addIceCandidate(candidate)).catch(() => undefined);
    });
  hand(caller, callee);
  hand(callee, caller);
  await described;
}

async function describe(caller: RTCPeerConnection, callee: RTCPeerConnection): Promise<void> {
  await caller.setLocalDescription();
  await callee.setRemoteDescription(caller.localDescription as RTCSessionDescription);
  await callee.setLocalDescription();
  await caller.setRemoteDescription(callee.localDescription as RTCSessionDescription);
}

/** As WebRTC's statistics write the versions of (D)TLS. */
const DTLS_VERSIONS: Readonly<Record<string, string>> = { FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' };

async function dtlsVersionOf(connection: RTCPeerConnection): Promise<string> {
  const entries = [...(await connection.getStats()).values()] as readonly Readonly<Record<string, unknown>>[];
  const version = entries.find(({ type }) => type === 'transport')?.['tlsVersion'];
  return (typeof version === 'string' && DTLS_VERSIONS[version.toUpperCase()]) || '';
}
