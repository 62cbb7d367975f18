/** Notes in a join's trace what WebRTC tells of one connection. It changes nothing about the connection, and lets go when it closes. */
import type { JoinTrace } from './join-trace.ts';

/** Call right after the connection was made: candidates are told once. */
export function watchConnection(connection: RTCPeerConnection, trace: JoinTrace): void {
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null) trace.candidate('local', candidate.candidate);
  });
  connection.addEventListener('icecandidateerror', (event) => trace.iceError(event.errorCode));
  connection.addEventListener('icegatheringstatechange', () => trace.state('gathering', connection.iceGatheringState));
  connection.addEventListener('iceconnectionstatechange', () => {
    const { iceConnectionState } = connection;
    trace.state('ice', iceConnectionState);
    if (iceConnectionState === 'checking') watchDtls(connection, trace);
    if (iceConnectionState === 'connected' || iceConnectionState === 'completed') finishIce(trace);
    if (iceConnectionState === 'failed') trace.fail('ice');
  });
  connection.addEventListener('connectionstatechange', () => {
    const { connectionState } = connection;
    trace.state('connection', connectionState);
    if (connectionState === 'connected') {
      // Some engines tell of the whole before they tell of its parts.
      finishIce(trace);
      finishDtls(trace);
    }
    if (connectionState === 'failed') trace.fail(trace.isDone('ice') ? 'dtls' : 'ice');
  });
}

/** Before the descriptions are set there is no transport to ask; Node's WebRTC has none at all. */
function watchDtls(connection: RTCPeerConnection, trace: JoinTrace): void {
  const transport = connection.sctp?.transport;
  if (typeof transport?.addEventListener !== 'function') return;
  transport.addEventListener('statechange', () => {
    trace.state('dtls', transport.state);
    if (transport.state === 'connected') finishDtls(trace);
    if (transport.state === 'failed') trace.fail('dtls');
  });
}

function finishIce(trace: JoinTrace): void {
  if (trace.isDone('ice')) return;
  trace.done('ice');
  trace.begin('dtls');
}

function finishDtls(trace: JoinTrace): void {
  if (trace.isDone('dtls')) return;
  trace.done('dtls');
  trace.begin('channels');
}
