/** Where a page goes to play by itself: the game's own address parameters (game/README.md). */
import type { PlayerSetup } from './player.ts';

export function gameAddress({ url, role, code = '', name, isWaiting = false }: Omit<PlayerSetup, 'wan' | 'side'>): string {
  const way = role === 'host' ? 'host' : `join=${encodeURIComponent(code)}`;
  return `${url}/?${way}&name=${encodeURIComponent(name)}&bot${isWaiting ? '' : '&autostart'}`;
}
