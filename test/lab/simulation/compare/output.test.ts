/** What a comparison prints, and how curves are merged. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatNumber,
  formatP,
  formatShare,
  formatSigned,
} from '../../../../lab/simulation/compare/format.ts';
import { mergeCurves, valueAt } from '../../../../lab/simulation/compare/merge-curves.ts';
import { comparisonCsv } from '../../../../lab/simulation/compare/print-csv.ts';
import { tableLines } from '../../../../lab/simulation/compare/print-table.ts';
import { sampleComparison } from '../../../support/sample-comparison.ts';

const METRIC = { name: 'm', title: 'M', unit: '%', better: 'higher', digits: 2 } as const;

describe('tableLines', () => {
  const lines = tableLines(sampleComparison());

  it('has a row for each policy of each metric, with the difference and its interval', () => {
    const fgd = lines.filter((line) => /^ {2}fgd {2}/.test(line));
    assert.match(
      fgd[0] ?? '',
      /95\.\d\d ± 0\.\d\d +\+2\.\d\d points +\[\+1\.\d\d, \+2\.\d\d\] +0\.0020 +10\/10 +\d\d %$/,
    );
    assert.ok(lines.some((line) => /^ {2}best-fit .* baseline/.test(line)));
    assert.ok(lines.some((line) => /^ {2}\(bound\) +97\.22 ± 0\.03 .*100 %$/.test(line)));
  });

  it('ends with what it takes to repeat it', () => {
    const text = lines.slice(-6).join('\n');
    assert.match(
      text,
      /^trace +abab.*\nconfig +cdcd.*\nversion +0\.1\.0\nseeds +42\.\.51\nresult +efef.*\nrepeat +skiff sim compare/,
    );
  });

  it('tells where they part and what the tie-break does', () => {
    const text = lines.join('\n');
    assert.match(text, /fgd, seed 42: 84 % of 10,814 pods are elsewhere/);
    assert.match(text, /POLICY +NAME +FIRST +RANDOM +HEAP135 +TIED/);
  });
});

describe('comparisonCsv', () => {
  it('has a row for each policy, metric and seed, and quotes what needs it', () => {
    const comparison = sampleComparison();
    const rows = comparisonCsv(comparison).split('\r\n');
    assert.equal(rows[0], 'policy,metric,unit,seed,value');
    assert.equal(rows.length, 1 + 6 * 4 * 10 + 10 + 1);
    const [first] = comparison.policies;
    assert.ok(first !== undefined);
    const odd = comparisonCsv({ ...comparison, policies: [{ ...first, name: 'a,"b"' }] });
    assert.ok(odd.includes('\r\n"a,""b""",gpuAllocation,%,42,'));
  });
});

describe('format', () => {
  it('groups thousands and drops the sign of nothing', () => {
    assert.equal(formatNumber(1_234_567.891, METRIC), '1,234,567.89');
    assert.equal(formatNumber(-0.001, METRIC), '0.00');
    assert.equal(formatSigned(-0.001, METRIC), '0.00');
    assert.equal(formatSigned(-1.5, METRIC), '−1.50');
    assert.equal(formatNumber(null, METRIC), 'n/a');
  });

  it('shows no more of p and shares than there is', () => {
    assert.deepEqual([0.00001, 0.001953125, 0.0488, 0.0996, 1].map(formatP), [
      '< 0.001',
      '0.0020',
      '0.049',
      '0.10',
      '1.00',
    ]);
    assert.deepEqual([0, 0.0001, 0.012, 0.5, -1.153].map(formatShare), [
      '0.0 %',
      '< 0.1 %',
      '1.2 %',
      '50 %',
      '−115 %',
    ]);
  });
});

describe('mergeCurves', () => {
  it('holds each step until the next, over what all have in common', () => {
    const steps = { x: [0, 10], y: [1, 3] };
    assert.deepEqual(
      [-1, 0, 9.9, 10, 99].map((x) => valueAt(steps, x)),
      [1, 1, 1, 3, 3],
    );
    const merged = mergeCurves([steps, { x: [5, 12], y: [3, 5] }], 2);
    assert.deepEqual(merged.x, [5, 10]);
    assert.deepEqual(merged.mean, [2, 3]);
    assert.deepEqual(mergeCurves([]), { x: [], mean: [], sd: [] });
  });
});
