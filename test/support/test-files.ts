/** Which files belong to which suite: by their folder under test/. */

import { globSync } from 'node:fs';

/** `integration/` and `e2e/` need a machine; every other `*.test.ts` is a unit test, without I/O. */
export function testFiles(suite: 'unit' | 'integration' | 'e2e'): readonly string[] {
  const all = globSync('test/**/*.test.ts').sort();
  if (suite !== 'unit') return all.filter((file) => file.startsWith(`test/${suite}/`));
  return all.filter((file) => !/^test\/(integration|e2e)\//.test(file));
}
