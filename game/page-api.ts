/**
 * `window.volley`: what the page tells scripts, demos and tests about itself. Reading it changes nothing.
 */
import { atan2, type RoomStats } from '../netcode/index.ts';
import type { App, PageStatus } from './app.ts';
import type { ArenaView } from './frames.ts';

/** Something on the screen now, in pixels of the arena and radians. */
export interface DrawnEntity {
  readonly id: number;
  readonly kind: 'ship' | 'bullet';
  /** The seat of its player; see also `isMine`. */
  readonly owner: number;
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly isMine: boolean;
}

export interface VolleyPage {
  readonly status: PageStatus;
  /** Undefined outside a room, as are `code` and `stats()`. */
  readonly role: 'host' | 'guest' | undefined;
  /** The invite code, in capitals. */
  readonly code: string | undefined;
  /** The last message shown as an error; empty if there was none since the last attempt. */
  readonly error: string;
  /** The room's figures as plain JSON. */
  stats(): RoomStats | undefined;
  /** The ships and bullets on the screen now: during a match, fresh objects at every call. Wrecks are not drawn. */
  view(): DrawnEntity[];
}

declare global {
  interface Window {
    readonly volley: VolleyPage;
  }
}

function drawn(entity: ArenaView): DrawnEntity | undefined {
  if (entity.kind !== 'bullet' && (entity.kind !== 'ship' || entity.life === 'dead')) return undefined;
  const { id, kind, owner, isMine } = entity;
  const angle = entity.kind === 'ship' ? entity.angle : atan2(entity.vel.y, entity.vel.x);
  return { id, kind, owner, x: entity.pos.x, y: entity.pos.y, angle, isMine };
}

/** Puts `volley` on the window. */
export function exposePage(app: App): void {
  const page: VolleyPage = {
    get status() {
      return app.state.status;
    },
    get role() {
      return app.room?.role;
    },
    get code() {
      return app.room?.lobby.code;
    },
    get error() {
      return app.lastError;
    },
    stats: () => app.room?.stats(),
    view: () => (app.frames?.latest() ?? []).map(drawn).filter((entity) => entity !== undefined),
  };
  Object.defineProperty(window, 'volley', { value: page, enumerable: true });
}
