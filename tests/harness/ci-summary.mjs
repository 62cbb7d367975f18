/**
 * Reads Vitest's JSON report and judges it more strictly than Vitest does: every layer must have run tests, and on CI a
 * skipped test is a failed one. Names what failed and ends with `N passed, N failed`. Plain JavaScript: `.ci/run` calls it with Node alone.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LAYERS = ['tests/unit/', 'tests/contract/', 'tests/scenario/', 'tests/browser/', '.browser.test.ts'];

const [reportPath] = process.argv.slice(2);
if (reportPath === undefined) throw new Error('usage: node ci-summary.mjs REPORT.json');
const report = JSON.parse(readFileSync(reportPath, 'utf8'));

let passed = 0;
const failures = [];
const files = report.testResults.map((result) => ({ ...result, path: relative(process.cwd(), result.name).replaceAll('\\', '/') }));
for (const { path, status, message, assertionResults } of files) {
  for (const { status: outcome, fullName } of assertionResults) {
    if (outcome === 'passed') passed += 1;
    else if (outcome === 'failed' || process.env.CI === 'true') failures.push(`${path}: ${fullName} (${outcome})`);
  }
  if (status === 'failed' && assertionResults.every((result) => result.status !== 'failed'))
    failures.push(`${path}: ${message || 'the file failed'}`);
}
for (const layer of LAYERS) {
  const hasPassed = files.some(
    ({ path, assertionResults }) => path.includes(layer) && assertionResults.some((result) => result.status === 'passed'),
  );
  if (!hasPassed) failures.push(`no test of ${layer} passed`);
}
// Errors outside any test (an unhandled rejection, a failed global setup) fail the run without failing a test.
if (report.success !== true && failures.length === 0) failures.push('the run failed outside its tests');

for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
