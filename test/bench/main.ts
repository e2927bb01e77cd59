/**
 * Runs a bench: `npm run bench -- NAME [ARGS]`. Each bench is a file beside this one that exports
 * `bench(args)`; what it returns is printed as the last line, one JSON object.
 */

import { globSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import path from 'node:path';

enableCompileCache();

export type Bench = (args: readonly string[]) => Promise<object>;

const [name = '', ...args] = process.argv.slice(2);
const names = globSync(path.join(import.meta.dirname, '*.ts'))
  .map((file) => path.basename(file, '.ts'))
  .filter((one) => one !== 'main')
  .sort();
if (!names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME, with one of ${names.join(', ')}\n`);
  process.exit(2);
}
const { bench } = (await import(`./${name}.ts`)) as { readonly bench: Bench };
const result = await bench(args);
process.stdout.write(`${JSON.stringify(result)}\n`);
