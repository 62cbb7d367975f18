/** How the game's page is built: from this folder to `dist/game`, everything from one origin and nothing inline, so that a strict CSP holds. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  build: {
    outDir: here('../dist/game'),
    emptyOutDir: true,
    target: 'es2022',
    // Assets as files: a data: URL would need an exception in the page's security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Phaser is one module of 1.3 MB, loaded after the menu and cached apart from the game.
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'phaser', test: /node_modules[\\/]phaser/ },
            // The door imports the browser's part on demand; here it comes with the page. Fetched at the first click instead,
            // it could be what fails when the server is out of reach, and not the attempt that explains itself.
            { name: 'netcode', test: /[\\/]netcode[\\/]|node_modules[\\/](peerjs|msgpackr)/ },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
});
