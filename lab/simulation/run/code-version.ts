/** Which code decides: the package's version and a hash of the sources of the scheduler and the simulator. */

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../../..');
const SOURCES = [
  'scheduler/**/*.ts',
  'lab/simulation/{engine,workload,run,result}/**/*.ts',
  'proto/api/*.ts',
];

/** `0.1.0+src.1a2b3c4d5e6f`, and the release of V8, whose Math the draws are made with. */
export function codeVersion(): string {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort()) {
    hash.update(`${file}\n`).update(readFileSync(path.join(ROOT, file)));
  }
  const v8 = process.versions.v8.split('.').slice(0, 2).join('.');
  return `${version}+src.${hash.digest('hex').slice(0, 12)}.v8.${v8}`;
}
