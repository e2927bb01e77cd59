/** The form of the code: which folder may import which, and how long a file may be. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const FILE_LINES_MAX = 400;

/** What each folder may import besides itself; the longest matching folder counts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  proto: [],
  client: ['proto', 'base'],
  apiserver: ['proto', 'base'],
  scheduler: ['client', 'proto', 'base'],
  controllers: ['client', 'proto', 'base'],
  agent: ['client', 'proto', 'base'],
  'agent/runtime': ['proto', 'base'],
  cli: ['client', 'proto', 'base'],
  /** Examples are written as a user writes them: against the published types only. */
  policies: [],
  lab: ['apiserver', 'scheduler', 'agent', 'agent/runtime', 'cli', 'client', 'proto', 'base'],
};

/** Where each run-time package may be imported. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  koffi: ['agent/runtime/syscalls'],
  '@grpc/grpc-js': ['proto', 'agent', 'lab'],
  '@grpc/proto-loader': ['proto'],
  etcd3: ['apiserver/storage/etcd'],
  yaml: ['proto', 'apiserver', 'cli', 'lab', 'client', 'agent/runtime/image/registry'],
  commander: ['cli', 'lab'],
  ws: ['apiserver', 'agent', 'client', 'cli'],
  jose: ['apiserver'],
  'fast-json-patch': ['apiserver', 'proto'],
  'skiff/policy': ['policies', 'scheduler/policy', 'cli/manifests'],
  'skiff/policy/gpu': ['policies', 'scheduler/policy'],
  'skiff/policy/testing': ['policies', 'scheduler/policy', 'cli/manifests'],
  highs: ['lab/simulation/bounds'],
};

const files = Object.keys(MAY_IMPORT)
  .filter((folder) => !folder.includes('/'))
  .flatMap((folder) => globSync(`${folder}/**/*.ts`))
  .filter((file) => !file.includes('/gen/'))
  .sort();

describe('tidy', () => {
  it('finds the code', () => assert.ok(files.length > 5));

  it('has no file that nobody imports, besides entry points and what is generated', () => {
    const imported = new Set<string>();
    for (const file of [...files, ...globSync('test/**/*.ts')]) {
      const text = readFileSync(file, 'utf8');
      for (const [, target = ''] of text.matchAll(/'(\.[^']+\.ts)'/g)) {
        imported.add(path.join(path.dirname(file), target));
      }
    }
    const published = Object.values(exportsOf()).map((file) => path.normalize(file));
    for (const file of published) imported.add(file);
    const unused = files.filter((f) => !imported.has(f) && path.basename(f) !== 'main.ts');
    assert.deepEqual(unused, []);
  });

  it('takes the time from base/clock.ts only', () => {
    const clocks = /\bDate\.now\(|\bnew Date\(\)|(?<![.\w])set(?:Timeout|Interval)\(/;
    const found = files.filter((file) => clocks.test(readFileSync(file, 'utf8')));
    assert.deepEqual(
      found.filter((file) => file !== 'base/clock.ts'),
      [],
    );
  });

  for (const file of files) {
    const text = readFileSync(file, 'utf8');

    it(`${file} imports only what its folder may`, () => {
      const from = folderOf(file);
      for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        const to = folderOf(path.join(path.dirname(file), target));
        const allowed = to === from || MAY_IMPORT[from]?.includes(to) === true;
        assert.ok(allowed && !target.endsWith('/main.ts'), `${from} may not import "${target}"`);
      }
    });

    it(`${file} uses only packages meant for its folder`, () => {
      for (const [, name = ''] of text.matchAll(/(?:from|import\()\s*'([^.'][^']*)'/g)) {
        const folders = MAY_USE[name] ?? [];
        const allowed = name.startsWith('node:') || folders.some((f) => file.startsWith(`${f}/`));
        assert.ok(allowed, `${file} may not use "${name}"`);
      }
    });

    it(`${file} says at its top what it is, in at most ${FILE_LINES_MAX} lines`, () => {
      assert.ok(text.startsWith('/**'), 'The file does not open with what it is and promises');
      assert.ok(text.split('\n').length <= FILE_LINES_MAX + 1);
    });
  }
});

function exportsOf(): Readonly<Record<string, string>> {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly exports: Readonly<Record<string, string>>;
  };
  return exports;
}

function folderOf(file: string): string {
  const matches = Object.keys(MAY_IMPORT).filter((folder) => file.startsWith(`${folder}/`));
  return matches.sort((a, b) => b.length - a.length)[0] ?? '';
}
