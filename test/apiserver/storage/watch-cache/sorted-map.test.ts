import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareKeys } from '../../../../apiserver/storage/key-order.ts';
import { SortedMap } from '../../../../apiserver/storage/watch-cache/sorted-map.ts';

/** Few enough that keys meet, many enough that blocks are cut and vanish. */
const key = fc.integer({ min: 0, max: 3000 }).map((n) => `/${'abc'[n % 3]}/${n}`);
const change = fc.record({ key, isDelete: fc.boolean() });
const question = fc.record(
  {
    prefix: fc.oneof(fc.constantFrom('/', '/a/', '/b/1', '/c/', '/d/', ''), key),
    startAfter: fc.oneof(key, fc.constantFrom('', '/b/')),
    limit: fc.integer({ min: 1, max: 40 }),
  },
  { requiredKeys: ['prefix'] },
);

describe('SortedMap', () => {
  it('answers as a sorted list would', () => {
    const changes = fc.array(change, { minLength: 500, maxLength: 3000, size: 'max' });
    fc.assert(
      fc.property(changes, fc.array(question), (steps, questions) => {
        const map = new SortedMap<string>();
        const model = new Map<string, string>();
        for (const [index, step] of steps.entries()) {
          // Twice as many additions as deletions.
          if (step.isDelete && index % 2 === 0) {
            assert.equal(map.delete(step.key), model.delete(step.key));
          } else {
            map.set(step.key, `${index}`);
            model.set(step.key, `${index}`);
          }
        }
        assert.equal(map.size, model.size);
        for (const { prefix, startAfter = '', limit = Number.POSITIVE_INFINITY } of questions) {
          const all = [...model]
            .filter(([name]) => name.startsWith(prefix) && compareKeys(name, startAfter) > 0)
            .sort(([a], [b]) => compareKeys(a, b))
            .map(([, value]) => value);
          const values = all.slice(0, limit);
          const want = { values, remaining: all.length - values.length };
          assert.deepEqual(map.range({ prefix, startAfter, limit }), want);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('empties', () => {
    const map = new SortedMap<number>();
    for (let index = 0; index < 2000; index += 1) map.set(`${index}`, index);
    for (let index = 0; index < 2000; index += 1) assert.ok(map.delete(`${index}`));
    assert.deepEqual(map.range({ prefix: '' }), { values: [], remaining: 0 });
    assert.equal(map.delete('1'), false);
  });
});
