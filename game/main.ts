/**
 * The composition root: reads the address, puts the parts together and lets the page begin.
 * Phaser is loaded later, while a lobby gathers, so that the menu is there at once.
 */
import { watchLobbies } from '../netcode/index.ts';
import { App } from './app.ts';
import { launchFrom } from './launch.ts';
import { rememberedName } from './memory.ts';
import { exposePage } from './page-api.ts';
import { arena } from './rules/arena.ts';
import { Shell } from './ui/shell.ts';

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

const launch = launchFrom(location.search);
const app = new App(launch);
exposePage(app);
const stageElement = byId('stage');
const shell = new Shell({
  app,
  root: byId('app'),
  toasts: byId('toasts'),
  stageElement,
  watchLobbies: (events) => watchLobbies({ gameId: arena.id, gameVersion: arena.version }, events),
  loadStage: async () => (await import('./scenes/stage.ts')).createStage(stageElement),
});
shell.start();

const name = launch.name ?? rememberedName();
if (name !== '' && launch.action === 'host') void app.open({ kind: 'host', name });
if (name !== '' && launch.action === 'join') void app.open({ kind: 'join', name, code: launch.code, isSpectating: launch.isWatching });
