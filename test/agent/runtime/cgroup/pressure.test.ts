/** The kernel's words about pressure. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePressure } from '../../../../agent/runtime/cgroup/pressure.ts';

describe('pressure', () => {
  it('is in percent and, all told, in nanoseconds', () => {
    const text =
      'some avg10=1.50 avg60=0.25 avg300=0.00 total=12\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=3\n';
    assert.deepEqual(parsePressure(text), {
      some: { avg10: 1.5, avg60: 0.25, avg300: 0, totalNs: 12_000 },
      full: { avg10: 0.5, avg60: 0, avg300: 0, totalNs: 3_000 },
    });
  });

  it('that is not there, or not understood, is absent', () => {
    assert.deepEqual(parsePressure(''), {});
    assert.deepEqual(parsePressure('some avg10=x total=1\n'), {});
  });
});
