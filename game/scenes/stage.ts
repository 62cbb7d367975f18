/**
 * The place where matches are drawn: one Phaser game for the whole visit, asleep while no match runs.
 * Loaded on demand. Phaser draws and nothing else: input, sound and time are not its business here.
 */
import { AUTO, CANVAS, Game, Scale } from 'phaser';
import type { EventOf } from '../../netcode/index.ts';
import type { arena } from '../rules/arena.ts';
import type { MatchPicture } from './match-picture.ts';
import { MatchScene } from './match-scene.ts';

export interface Stage {
  show(picture: MatchPicture): void;
  showEvent(event: EventOf<typeof arena>): void;
  hide(): void;
}

/** Sharper than this is not seen, but paid for with every pixel. */
const PIXEL_RATIO_MAX = 2;

interface Size {
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
}

function sizeOf(parent: HTMLElement): Size {
  const pixelRatio = Math.min(Math.max(devicePixelRatio, 1), PIXEL_RATIO_MAX);
  return {
    width: Math.max(Math.round((parent.clientWidth || innerWidth) * pixelRatio), 1),
    height: Math.max(Math.round((parent.clientHeight || innerHeight) * pixelRatio), 1),
    pixelRatio,
  };
}

/** How drivers that compute WebGL on the processor call themselves. */
const SOFTWARE_RENDERER = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** The graphics driver's name. Chromium hides it behind an extension; elsewhere asking for that extension logs a warning. */
function rendererOf(gl: WebGLRenderingContext): string {
  const name = String(gl.getParameter(gl.RENDERER));
  const extension = name === 'WebKit WebGL' ? gl.getExtension('WEBGL_debug_renderer_info') : null;
  return extension === null ? name : String(gl.getParameter(extension.UNMASKED_RENDERER_WEBGL));
}

/**
 * Whether WebGL is worth it. Computed on the processor it reaches a third of the frames that a plain canvas reaches
 * there, and the page's one thread, which has packets to handle too, waits for every frame. Browsers are meant to tell by
 * `failIfMajorPerformanceCaveat`; not all do.
 */
function isWebGLFast(): boolean {
  const gl = document.createElement('canvas').getContext('webgl', { failIfMajorPerformanceCaveat: true });
  if (gl === null) return false;
  const isFast = !SOFTWARE_RENDERER.test(rendererOf(gl));
  // Browsers keep only so many contexts: this one is not needed any more.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return isFast;
}

/** Starts Phaser inside an element and resolves when it can draw. */
export function createStage(parent: HTMLElement): Promise<Stage> {
  const scene = new MatchScene();
  const size = sizeOf(parent);
  return new Promise((resolve) => {
    const game = new Game({
      type: isWebGLFast() ? AUTO : CANVAS,
      parent,
      // The canvas has the screen's own pixels; Phaser's automatic modes would count CSS pixels and blur on phones.
      scale: { mode: Scale.NONE, width: size.width, height: size.height, zoom: 1 / size.pixelRatio, expandParent: false },
      backgroundColor: '#05060f',
      banner: false,
      disableContextMenu: true,
      audio: { noAudio: true },
      // With several textures to a batch, Phaser 4.2's shader tells them apart by comparing an interpolated number exactly;
      // renderers that interpolate with a rounding error (seen with SwiftShader) then draw half a ship.
      render: { maxTextures: 1 },
      input: { keyboard: false, mouse: false, touch: false, gamepad: false },
      callbacks: { postBoot: () => resolve(stageOn(game, scene, parent)) },
    });
  });
}

function stageOn(game: Game, scene: MatchScene, parent: HTMLElement): Stage {
  game.scene.add(MatchScene.KEY, scene);
  const resize = (): void => {
    const { width, height, pixelRatio } = sizeOf(parent);
    game.scale.setZoom(1 / pixelRatio);
    game.scale.resize(width, height);
    scene.setPixelRatio(pixelRatio);
  };
  const observer = new ResizeObserver(resize);
  return {
    show: (picture) => {
      game.loop.wake();
      resize();
      observer.observe(parent);
      game.scene.start(MatchScene.KEY, picture);
    },
    showEvent: (event) => scene.showEvent(event),
    hide: () => {
      observer.disconnect();
      game.scene.stop(MatchScene.KEY);
      game.loop.sleep();
    },
  };
}
