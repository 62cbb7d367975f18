/**
 * The real game in some browser's page, whatever drives that browser: all that is asked of it is to evaluate an expression.
 * `RECORDER_SCRIPT` ran in the page before its own scripts.
 */
import type { Player, PlayerLog, PlayerStats } from './player.ts';
import { untilThereIs } from './polling.ts';
import { type FlatLog, playerLogOf } from './recorder.ts';

export interface PagePlayerDriver {
  /** The value of an expression, which is a string. */
  evaluate(expression: string): Promise<string>;
  close(): Promise<void>;
}

const PRESS_START = `(() => {
  const button = [...document.querySelectorAll('button')].find(({ textContent, disabled }) => textContent === 'Start match' && !disabled);
  button?.click();
  return button !== undefined;
})()`;

export class PagePlayer implements Player {
  readonly #driver: PagePlayerDriver;
  readonly #name: string;

  constructor(name: string, driver: PagePlayerDriver) {
    this.#driver = driver;
    this.#name = name;
  }

  code(): Promise<string> {
    return untilThereIs(`${this.#name}'s invite code`, async () => {
      const [code, error] = (await this.#ask('[window.volley?.code ?? null, window.volley?.error ?? ""]')) as [string | null, string];
      if (error !== '') throw new Error(`${this.#name} cannot play: ${error}`);
      return code ?? undefined;
    });
  }

  async start(): Promise<void> {
    await untilThereIs(`${this.#name} to start the match`, async () => ((await this.#ask(PRESS_START)) === true ? true : undefined));
  }

  async playing(): Promise<void> {
    await untilThereIs(`${this.#name} to play`, async () => {
      const [status, error] = (await this.#ask('[window.volley?.status ?? null, window.volley?.error ?? ""]')) as [string | null, string];
      if (error !== '') throw new Error(`${this.#name} cannot play: ${error}`);
      return status === 'playing' ? true : undefined;
    });
  }

  async stats(): Promise<PlayerStats> {
    return (await this.#ask('window.volley.stats() ?? {}')) as PlayerStats;
  }

  async begin(): Promise<void> {
    await this.#ask('(window.volleyRecorder.begin(), null)');
  }

  async log(): Promise<PlayerLog> {
    return playerLogOf((await this.#ask('window.volleyRecorder.log()')) as FlatLog);
  }

  close(): Promise<void> {
    return this.#driver.close();
  }

  /** As JSON, which every driver hands over alike. */
  async #ask(expression: string): Promise<unknown> {
    return JSON.parse(await this.#driver.evaluate(`JSON.stringify(${expression})`));
  }
}
