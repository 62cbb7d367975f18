/**
 * One signalling client's WebSocket as the PeerJS server sees it: `on`, `send` and `close`, nothing else.
 * It stands between the two so that only checked frames go in, so that what goes out is bounded, and so that `close`
 * takes effect at once: the PeerJS server frees an id on the 'close' event, which a real WebSocket emits only after
 * a closing handshake that a vanished client never answers.
 */
import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';

/** Bytes waiting for a client that does not read; frames beyond are dropped, so that flooding a slow peer costs no memory. */
const SEND_BUFFER_BYTES_MAX = 1_048_576;

export class SignalSocket extends EventEmitter {
  readonly #webSocket: WebSocket;
  readonly #onDropped: () => void;
  #isClosed = false;

  /** `onDropped` is called for every frame not sent because the client does not read. */
  constructor(webSocket: WebSocket, onDropped: () => void) {
    super();
    this.#webSocket = webSocket;
    this.#onDropped = onDropped;
    webSocket.on('close', () => this.#end());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(text: string): void {
    if (this.#isClosed) return;
    if (this.#webSocket.bufferedAmount > SEND_BUFFER_BYTES_MAX) {
      this.#onDropped();
      return;
    }
    // A socket that dies meanwhile reports 'close' by itself; the callback keeps ws from throwing.
    this.#webSocket.send(text, () => undefined);
  }

  /** Hands a checked frame to the PeerJS server. */
  deliver(text: Buffer): void {
    if (!this.#isClosed) this.emit('message', text);
  }

  close(code = 1000, reason = ''): void {
    this.#webSocket.close(code, reason);
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.emit('close');
  }
}
