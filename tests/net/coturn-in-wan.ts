/** A TURN server on side a of the emulated WAN, beside the game's server. */
import { startProgram } from '../bench/wan/processes.ts';
import { WAN_ADDRESS, type Wan } from '../bench/wan/wan.ts';

export const TURN_PORT = 3478;
const SECRET = 'north-star-of-the-seas';

export interface CoturnInWan {
  readonly url: string;
  readonly secret: string;
  close(): Promise<void>;
}

export async function startCoturnIn(wan: Wan, path: string): Promise<CoturnInWan> {
  const settings = {
    'listening-ip': WAN_ADDRESS.a,
    'listening-port': TURN_PORT,
    'relay-ip': WAN_ADDRESS.a,
    realm: 'volley.test',
    'static-auth-secret': SECRET,
    'log-file': 'stdout',
    pidfile: '/dev/null',
  };
  // Without -n it would read the machine's own configuration. Private addresses are all there is here.
  const switches = ['-n', '--use-auth-secret', '--no-cli', '--no-tls', '--no-dtls', '--verbose'];
  const command = [path, ...switches, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
  const close = await startProgram({ wan, side: 'a', command, env: {}, ready: 'UDP listener opened' });
  return { url: `turn:${WAN_ADDRESS.a}:${TURN_PORT}?transport=udp`, secret: SECRET, close };
}
