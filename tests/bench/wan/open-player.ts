/** A player of any kind. Apart from `player.ts`, since those who build players need its types. */
import { openChromiumPlayer } from './chromium-player.ts';
import { openFirefoxPlayer } from './firefox-player.ts';
import { openNodePlayer } from './node-player.ts';
import type { Player, PlayerKind, PlayerSetup } from './player.ts';

/** Resolves when the player is on its way in; `code` and `playing` say when it has arrived. */
export function openPlayer(kind: PlayerKind, setup: PlayerSetup): Promise<Player> {
  switch (kind) {
    case 'chromium':
      return openChromiumPlayer(setup);
    case 'firefox':
      return openFirefoxPlayer(setup);
    case 'node':
      return openNodePlayer(setup);
  }
}
