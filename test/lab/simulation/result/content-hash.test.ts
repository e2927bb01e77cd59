/** The hash of data: equal for equal content, different for everything else. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contentHash } from '../../../../lab/simulation/result/content-hash.ts';
import { NO_NODE } from '../../../../lab/simulation/result/run-result.ts';

describe('contentHash', () => {
  it('does not see the order of keys, or fields that are undefined', () => {
    const one = { a: 1, b: { c: [1, 'x'], d: new Float64Array([0.5]) } };
    const other = { b: { d: new Float64Array([0.5]), c: [1, 'x'] }, a: 1, e: undefined };
    assert.equal(contentHash(one), contentHash(other));
  });

  it('sees every difference of content', () => {
    const values = [
      0,
      NO_NODE,
      '0',
      '',
      null,
      undefined,
      true,
      [],
      [0],
      [[0]],
      [0, 0],
      {},
      { a: 0 },
      { a: '0' },
      { b: 0 },
      ['a', 0],
      new Map([['a', 0]]),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      5e-324,
      new Float64Array([1]),
      new Uint32Array([1]),
      new Float64Array([1, 0]),
      ['ab', 'c'],
      ['a', 'bc'],
    ];
    assert.equal(new Set(values.map(contentHash)).size, values.length);
  });

  it('takes -0 for 0 and every NaN for the same', () => {
    const other = new Float64Array(new BigUint64Array([0x7ff8_0000_0000_0001n]).buffer);
    assert.equal(contentHash([-0]), contentHash([0]));
    assert.equal(contentHash(other), contentHash(new Float64Array([Number.NaN])));
  });

  it('is the same on every machine', () => {
    assert.equal(
      contentHash({ pods: new Uint32Array([1, 2]), name: 'x' }).slice(0, 16),
      '391d1a45cf1a678e',
    );
  });

  it('refuses what is no data', () => {
    assert.throws(() => contentHash(() => 0), TypeError);
    assert.throws(() => contentHash(new Date(0)), TypeError);
  });
});
