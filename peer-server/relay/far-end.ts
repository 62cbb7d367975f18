/**
 * The other end of a pair when it sits at another broker: to this broker's meeting place an end like any other, which hands on what it
 * is given by mail. Between the two brokers frames are counted and acknowledged like those of a socket, so that a slow or frozen
 * Redis delays little and keeps the newest; and they are numbered: a number that is missing, or silence, ends the pair, for nobody can
 * tell what was lost.
 */
import { RELAY_STATE } from '../../netcode/wire/relay.ts';
import { RelayWindow } from '../../netcode/wire/relay-window.ts';
import { type MailItem, writeItem } from './broker-mail.ts';
import type { RelayEnd, RelayRole } from './meeting-place.ts';

/** Brokers say that they are there once a second; two may be late, and it is looked at once a second: within 4 s the pair ends. */
const SILENCE_MAX_MS = 3_000;

export interface FarEndOptions {
  readonly role: RelayRole;
  readonly name: string;
  /** Where it is, by the name of its seat there. */
  readonly broker: string;
  readonly seat: string;
  readonly nowMs: () => number;
  readonly post: (bytes: Uint8Array) => void;
  /** A frame from it. */
  readonly onArrived: (frame: Uint8Array) => void;
  /** It has left, or is lost. Once, unless `onPeerGone` was first. */
  readonly onGone: (isLost: boolean) => void;
  /** State that a newer one took the place of. */
  readonly onSuperseded: (frames: number) => void;
}

export class FarEnd implements RelayEnd {
  readonly role: RelayRole;
  readonly name: string;
  readonly broker: string;
  readonly seat: string;
  readonly #options: FarEndOptions;
  readonly #window = new RelayWindow();
  /** Frames sent and received, modulo 2^32. */
  #sent = 0;
  #received = 0;
  #heardAtMs: number;
  #isCreditDue = false;
  #superseded = 0;
  #isGone = false;

  constructor(options: FarEndOptions) {
    this.#options = options;
    this.role = options.role;
    this.name = options.name;
    this.broker = options.broker;
    this.seat = options.seat;
    this.#heardAtMs = options.nowMs();
  }

  onPaired(): void {}

  onFrame(frame: Uint8Array): void {
    if (this.#isGone) return;
    if (frame[0] === RELAY_STATE) this.#window.offerState(frame);
    else if (!this.#window.offerControl(frame)) return this.lose();
    this.#pump();
  }

  /** The end at this broker has left. */
  onPeerGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const frame of this.#window.takeControl()) this.#sendFrame(frame);
    this.#post({ type: 'gone', seat: this.seat });
  }

  /** From its broker. */
  hear(item: MailItem): void {
    if (this.#isGone) return;
    this.#heardAtMs = this.#options.nowMs();
    switch (item.type) {
      case 'frame':
        return this.#hearFrame(item.number, item.frame);
      case 'credit':
        if (!this.#window.acknowledge(item.number, this.#options.nowMs())) return this.lose();
        return this.#pump();
      case 'alive':
        if (item.number !== this.#received) this.lose();
        return;
      case 'gone':
        return this.#end(false);
      case 'meet':
      case 'met':
    }
  }

  /** About once a second: says that this end's broker is there, and looks whether the other one is. */
  beat(): void {
    if (this.#options.nowMs() - this.#heardAtMs >= SILENCE_MAX_MS) return this.lose();
    this.#post({ type: 'alive', seat: this.seat, number: this.#sent });
  }

  /** Its broker is gone, or something on the way was lost. */
  lose(): void {
    if (this.#isGone) return;
    this.#post({ type: 'gone', seat: this.seat });
    this.#end(true);
  }

  #end(isLost: boolean): void {
    this.#isGone = true;
    this.#options.onGone(isLost);
  }

  #hearFrame(number: number, frame: Uint8Array): void {
    if (number !== (this.#received + 1) >>> 0) return this.lose();
    this.#received = number;
    this.#planCredit();
    this.#options.onArrived(frame);
  }

  /** One for all frames of a message. */
  #planCredit(): void {
    if (this.#isCreditDue) return;
    this.#isCreditDue = true;
    queueMicrotask(() => {
      this.#isCreditDue = false;
      if (!this.#isGone) this.#post({ type: 'credit', seat: this.seat, number: this.#received });
    });
  }

  #pump(): void {
    const nowMs = this.#options.nowMs();
    for (let frame = this.#window.next(nowMs); frame !== undefined; frame = this.#window.next(nowMs)) this.#sendFrame(frame);
    const { supersededState } = this.#window.counters;
    if (supersededState > this.#superseded) this.#options.onSuperseded(supersededState - this.#superseded);
    this.#superseded = supersededState;
  }

  #sendFrame(frame: Uint8Array): void {
    this.#sent = (this.#sent + 1) >>> 0;
    this.#post({ type: 'frame', seat: this.seat, number: this.#sent, frame });
  }

  #post(item: MailItem): void {
    this.#options.post(writeItem(item));
  }
}
