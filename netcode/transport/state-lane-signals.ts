/**
 * What the two ends of a link say to each other to open further state lanes: text messages on the control channel, whose binary ones
 * are the netcode's. So a lane needs no broker, and belongs to the link beyond doubt.
 *
 *     lanes 4                                                               accepting side: open four in all, please
 *     lane {"kind":"offer","n":1,"attempt":1,"sdp":"v=0…"}                  dialling side
 *     lane {"kind":"answer","n":1,"attempt":1,"sdp":"v=0…"}                 accepting side
 *     lane {"kind":"candidate","n":1,"attempt":1,"candidate":{…}}           both
 *     lane {"kind":"gone","n":1,"attempt":1}                                both: it broke, or never opened
 *
 * The other end is as much a stranger as the broker is: what it says is read here in full, and comes out with the known fields only.
 */
import { type Candidate, isDataSdp, isObject, readCandidate } from './peerjs-signals.ts';
import { CONTROL_MESSAGE_BYTES_MAX, STATE_LANES_MAX } from './transport.ts';

/** Attempts are counted from 1 and never start again; nobody gets this far. */
const ATTEMPT_MAX = 0x7fff_ffff;

const ASKS = 'lanes ';
const SAYS = 'lane ';

/** Which lane (1 to 3; lane 0 is the link's own), and the how many-eth time it is tried. */
interface LaneAttempt {
  readonly n: number;
  readonly attempt: number;
}

export type LaneOffer = LaneAttempt & { readonly kind: 'offer'; readonly sdp: string };
/** What is said about an attempt that an offer began. */
export type LaneSignal =
  | (LaneAttempt & { readonly kind: 'answer'; readonly sdp: string })
  | (LaneAttempt & { readonly kind: 'candidate'; readonly candidate: Candidate })
  | (LaneAttempt & { readonly kind: 'gone' });

export type LaneText = { readonly kind: 'lanes'; readonly count: number } | LaneOffer | LaneSignal;

export function writeLaneText(said: LaneText): string {
  return said.kind === 'lanes' ? `${ASKS}${said.count}` : `${SAYS}${JSON.stringify(said)}`;
}

/** Undefined when it is none that Volley says. Never throws. */
export function readLaneText(text: string): LaneText | undefined {
  if (text.length > CONTROL_MESSAGE_BYTES_MAX) return undefined;
  if (text.startsWith(ASKS)) return readCount(text.slice(ASKS.length));
  if (!text.startsWith(SAYS)) return undefined;
  try {
    return readLaneSignal(JSON.parse(text.slice(SAYS.length)));
  } catch {
    return undefined;
  }
}

function readCount(digits: string): LaneText | undefined {
  const count = Number(digits);
  return /^\d$/.test(digits) && count > 1 && count <= STATE_LANES_MAX ? { kind: 'lanes', count } : undefined;
}

function readLaneSignal(value: unknown): LaneOffer | LaneSignal | undefined {
  if (!isObject(value)) return undefined;
  const { kind, n, attempt } = value;
  if (!isCount(n, STATE_LANES_MAX - 1) || !isCount(attempt, ATTEMPT_MAX)) return undefined;
  switch (kind) {
    case 'offer':
    case 'answer':
      return isDataSdp(value['sdp']) ? { kind, n, attempt, sdp: value['sdp'] } : undefined;
    case 'candidate': {
      const candidate = readCandidate(value['candidate']);
      return candidate && { kind, n, attempt, candidate };
    }
    case 'gone':
      return { kind, n, attempt };
    default:
      return undefined;
  }
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}
