/** Lower bounds on bins: known cases, and never above what a search over all packings finds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { binsNeeded } from '../../../../lab/simulation/bounds/bins-needed.ts';
import { dualFeasibleFunctions } from '../../../../lab/simulation/bounds/dual-feasible.ts';

const BIN = 20;

describe('binsNeeded', () => {
  it('counts volume', () => {
    assert.equal(binsNeeded([{ size: 5, count: 9 }], BIN).volume, 3);
    assert.deepEqual(binsNeeded([], BIN), { volume: 0, martelloToth: 0, dualFeasible: 0 });
  });

  it('knows that large pieces do not share', () => {
    const bounds = binsNeeded([{ size: 11, count: 6 }], BIN);
    assert.deepEqual(bounds, { volume: 4, martelloToth: 6, dualFeasible: 6 });
  });

  it('knows that only two pieces above a third share', () => {
    const bounds = binsNeeded([{ size: 7, count: 9 }], BIN);
    assert.equal(bounds.volume, 4);
    assert.equal(bounds.dualFeasible, 5);
  });

  it('refuses a piece that fits nowhere', () => {
    assert.throws(() => binsNeeded([{ size: 21, count: 1 }], BIN), RangeError);
  });

  it('is never above the best packing', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: BIN }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sizes, (list) => {
        const best = fewestBins(list);
        const bounds = binsNeeded(
          list.map((size) => ({ size, count: 1 })),
          BIN,
        );
        assert.ok(bounds.volume <= bounds.dualFeasible && bounds.volume <= bounds.martelloToth);
        assert.ok(bounds.martelloToth <= best && bounds.dualFeasible <= best);
      }),
    );
  });
});

describe('dualFeasibleFunctions', () => {
  it('never make pieces that fit one bin sum to more than 1', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(sizes, (list) => {
        const bin = list.reduce((sum, size) => sum + size, 0);
        for (const { name, of } of dualFeasibleFunctions(list, bin)) {
          const total = list.reduce((sum, size) => sum + of(size), 0);
          assert.ok(total <= 1 + 1e-12, `${name}: ${total}`);
        }
      }),
    );
  });
});

/** Tries every bin for every piece. */
function fewestBins(sizes: readonly number[]): number {
  let best = sizes.length;
  const place = (index: number, bins: readonly number[]): void => {
    if (bins.length >= best) return;
    const size = sizes[index];
    if (size === undefined) {
      best = bins.length;
      return;
    }
    for (const [at, used] of bins.entries()) {
      if (used + size <= BIN) place(index + 1, bins.with(at, used + size));
    }
    place(index + 1, [...bins, size]);
  };
  place(0, []);
  return best;
}
