/** Asks axe-core what is wrong with a page for people who use it by keyboard, screen reader or with poor sight. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
  readonly passes: readonly unknown[];
}

/** Violations of WCAG 2.2 A and AA and of axe's own good practice, one line each; empty if there are none. */
export async function offencesOn(page: Page): Promise<string[]> {
  await page.evaluate(SOURCE);
  const { violations, passes } = await page.evaluate<AxeResult>(
    // Best practices without the one about landmarks around everything: the notices are a live region of their own.
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { region: { enabled: false } } })",
  );
  if (passes.length === 0) throw new Error('axe-core has checked nothing');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  );
}
