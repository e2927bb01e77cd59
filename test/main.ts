/**
 * Runs the tests: `node test/main.ts [check|unit|integration|e2e …] [--only TEXT]`; without
 * arguments, all of them, after installing what they need. `./skiff test` and `.ci/run` call this.
 *
 * The last line is the summary, `N passed, N failed, N skipped`; the exit code is 1 when anything
 * failed. `--only TEXT` takes just the files whose path contains the text.
 */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commandOf, processesWithEnv } from '../lab/proc.ts';
import { runFiles, type Totals } from './support/runner.ts';
import { installTestTools } from './support/setup.ts';
import { testFiles } from './support/test-files.ts';

enableCompileCache();

const SUITES = ['check', 'unit', 'integration', 'e2e'] as const;
type Suite = (typeof SUITES)[number];

/** How many test files of a suite run at a time: labs are heavy, two cores are usual. */
const CONCURRENCY: Readonly<Record<Exclude<Suite, 'check'>, number>> = {
  unit: 2,
  integration: 2,
  e2e: 2,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' } },
});
const unknown = positionals.find((name) => !SUITES.some((suite) => suite === name));
if (unknown !== undefined) {
  process.stderr.write(`skiff test: "${unknown}" is not a suite: use ${SUITES.join(', ')}\n`);
  process.exit(2);
}
const suites = SUITES.filter((suite) => positionals.length === 0 || positionals.includes(suite));

process.chdir(path.join(import.meta.dirname, '..'));
// Every process that the tests start inherits this, so that one left behind is found.
const RUN_ID = randomBytes(8).toString('hex');
process.env.SKIFF_TEST_RUN = RUN_ID;
let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
if (suites.includes('integration') || suites.includes('e2e')) installTestTools();
for (const suite of suites) {
  process.stdout.write(`\n== ${suite}\n`);
  const result = suite === 'check' ? runChecks() : await runSuite(suite);
  totals = add(totals, result);
}
totals = add(totals, checkNothingRuns());
process.stdout.write(
  `\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

function add(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Counted as one test: no process that the run has started is left. */
function checkNothingRuns(): Totals {
  const left = processesWithEnv(`SKIFF_TEST_RUN=${RUN_ID}`).filter((pid) => pid !== process.pid);
  for (const pid of left) process.stdout.write(`✗ left running: ${pid} ${commandOf(pid)}\n`);
  const isClean = left.length === 0;
  return { passed: isClean ? 1 : 0, failed: isClean ? 0 : 1, skipped: 0 };
}

function runSuite(suite: Exclude<Suite, 'check'>): Promise<Totals> {
  const files = testFiles(suite).filter((file) => file.includes(values.only ?? ''));
  return runFiles(files, CONCURRENCY[suite]);
}

/** Types and lint, each counted as a test. */
function runChecks(): Totals {
  const results = [
    runTool('types', process.execPath, ['node_modules/typescript/bin/tsc']),
    // The program itself: the wrapper package names platforms that a registry may not have.
    runTool('lint', `node_modules/@biomejs/cli-linux-${process.arch}/biome`, ['check', '.']),
  ];
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

function runTool(name: string, command: string, args: readonly string[]): boolean {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  const isPassed = result.status === 0;
  process.stdout.write(`${isPassed ? '✓' : '✗'} ${name}\n`);
  return isPassed;
}
