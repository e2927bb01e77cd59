import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareKeys, prefixEnd } from '../../../apiserver/storage/key-order.ts';

const key = fc.string({ unit: fc.constantFrom('a', '/', 'é', '\ud7ff', '\ue000', '\u{1f600}') });

describe('key order', () => {
  it('is that of the bytes', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const want = Buffer.compare(Buffer.from(a), Buffer.from(b));
        assert.equal(Math.sign(compareKeys(a, b)), want);
      }),
    );
  });

  it('has the keys of a prefix in one range', () => {
    fc.assert(
      fc.property(key, key, (prefix, other) => {
        const end = prefixEnd(prefix);
        const isInRange =
          compareKeys(other, prefix) >= 0 && (end === undefined || compareKeys(other, end) < 0);
        assert.equal(isInRange, other.startsWith(prefix));
      }),
    );
  });

  it('has an end for every prefix but the greatest', () => {
    assert.equal(prefixEnd('/pods/'), '/pods0');
    assert.equal(prefixEnd('a\u{10ffff}'), 'b');
    assert.equal(prefixEnd('\ud7ff'), '\ue000');
    assert.equal(prefixEnd(''), undefined);
    assert.equal(prefixEnd('\u{10ffff}'), undefined);
  });
});
