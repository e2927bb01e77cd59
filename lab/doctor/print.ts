/** Prints what the doctor found, a line a check. */

import type { CheckResult } from './checks.ts';

const MARKS = { ok: '✓', warning: '!', missing: '✗' } as const;

/** What is not in order says how to get it. */
export function formatChecks(results: readonly CheckResult[]): readonly string[] {
  const width = Math.max(...results.map(({ name }) => name.length));
  return results.flatMap(({ name, status, found, purpose, remedy }) => {
    const line = `${MARKS[status]} ${name.padEnd(width)}  ${found}  (for ${purpose})`;
    return status === 'ok' ? [line] : [line, `  ${' '.repeat(width)}  → ${remedy}`];
  });
}

/** One line that names the first thing missing, for commands that need all of it. */
export function firstMissing(results: readonly CheckResult[]): string | undefined {
  const result = results.find(({ status }) => status === 'missing');
  if (result === undefined) return undefined;
  return `${result.name} is missing (${result.purpose}): ${result.remedy}`;
}
