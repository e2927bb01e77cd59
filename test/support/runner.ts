/** Runs test files with node:test, a process each, prints what happened, and counts. */

import type { EventData } from 'node:test';
import { run } from 'node:test';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test file that has not ended after this long has failed. */
const FILE_TIMEOUT_MS = 10 * 60_000;

/** Prints a line for each file, each failure in full, and each skipped test with its reason. */
export async function runFiles(files: readonly string[], concurrency: number): Promise<Totals> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  if (files.length === 0) return { passed, failed, skipped };
  const stream = run({ files: [...files], concurrency, timeout: FILE_TIMEOUT_MS });
  for await (const { type, data } of stream) {
    if (type === 'test:pass' && data.details.type !== 'suite') {
      if (data.skip === undefined || data.skip === false) passed += 1;
      else {
        skipped += 1;
        const reason = typeof data.skip === 'string' ? data.skip : 'no reason given';
        process.stdout.write(`- skipped: ${data.name}: ${reason}\n`);
      }
    } else if (type === 'test:fail' && data.details.type !== 'suite') {
      failed += 1;
      printFailure(data);
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      if (process.env.SKIFF_TEST_OUTPUT !== undefined) process.stdout.write(data.message);
    }
  }
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped in this suite\n`);
  return { passed, failed, skipped };
}

function printFailure(data: EventData.TestFail): void {
  const { error } = data.details;
  const cause = error.cause instanceof Error ? error.cause : error;
  process.stdout.write(`✗ ${data.file ?? ''}: ${data.name}\n${cause.stack ?? cause.message}\n`);
  if (cause.cause !== undefined) process.stdout.write(`  caused by ${String(cause.cause)}\n`);
}
