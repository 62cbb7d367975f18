/** Lanes over real WebRTC in a page. */
import { inject } from 'vitest';
import { createPeerTransport } from '../../netcode/transport/peerjs.ts';
import { laneContract } from './lane-contract.ts';

const clock = { nowMs: () => performance.now() };
laneContract('PeerJS in a browser', () => createPeerTransport({ brokerUrl: inject('brokerUrl'), ice: { iceServers: [] }, clock }));
