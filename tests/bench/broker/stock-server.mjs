/** The stock PeerJS server as its README shows it, with room for the bench's clients. Its arguments: the port. */
import { PeerServer } from 'peer';

/** Beyond what the bench connects; the default is 5,000. */
const CLIENTS_MAX = 20_000;

PeerServer({ port: Number(process.argv[2]), host: '127.0.0.1', path: '/', concurrent_limit: CLIENTS_MAX }, () => console.log('ready'));
