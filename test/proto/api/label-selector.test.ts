import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatLabelSelector,
  matchesLabels,
  parseLabelSelector,
  requirementsOf,
} from '../../../proto/api/label-selector.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

describe('parseLabelSelector', () => {
  const matching: readonly (readonly [string, Record<string, string>, boolean])[] = [
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a=b', {}, false],
    ['a=', { a: '' }, true],
    ['a=', {}, false],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (b,c)', { a: 'c' }, true],
    [' a  in ( b , c ) ', { a: 'd' }, false],
    ['a in (,b)', { a: '' }, true],
    ['a notin (b,c)', { a: 'd' }, true],
    ['a notin (b,c)', {}, true],
    ['a notin (b,c)', { a: 'b' }, false],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['! a', { a: 'x' }, false],
    ['a>5', { a: '6' }, true],
    ['a<5', { a: '6' }, false],
    ['a<5', { a: 'x' }, false],
    ['x=a,y=b', { x: 'a', y: 'b' }, true],
    ['x=a,y=b', { x: 'a' }, false],
    ['in in (in)', { in: 'in' }, true],
    ['example.com/role=web', { 'example.com/role': 'web' }, true],
    ['toString', {}, false],
  ];
  for (const [text, labels, expected] of matching) {
    it(`${JSON.stringify(text)} on ${JSON.stringify(labels)}: ${expected}`, () => {
      assert.equal(matchesLabels(parseLabelSelector(text), labels), expected);
    });
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['=a', /^found '=', expected: !, identifier, or 'end of string'$/],
    ['a=b c', /^found 'c', expected: ',' or 'end of string'$/],
    ['a=b,', /^found '', expected: identifier after ','$/],
    ['a in b', /^unable to parse requirement: found 'b' expected: '\('$/],
    ['a in (b', /^unable to parse requirement: found '', expected: ',' or '\)'$/],
    ['a is b', /found 'is', expected: in, notin, =, ==, !=, gt, lt$/],
    ['a=!', /found '!', expected: identifier$/],
    [
      'a/b/c=d',
      /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a valid label key /,
    ],
    ['a=-b', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label /],
    ['a>b', /the value must be an integer$/],
    ['a constructor b', /found 'constructor'/],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseLabelSelector(text),
        (error) => error instanceof ApiError && error.code === 400 && message.test(error.message),
      );
    });
  }

  it('parses what it prints to the same requirements', () => {
    const key = fc.constantFrom('a', 'b', 'example.com/c', 'in');
    const value = fc.constantFrom('x', 'y', '', 'notin');
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom('=', '!=', '=='), value).map((parts) => parts.join('')),
      fc
        .tuple(key, fc.constantFrom('in', 'notin'), fc.uniqueArray(value, { minLength: 1 }))
        .map(([k, operator, values]) => `${k} ${operator} (${values.join(',')})`),
      key,
      key.map((k) => `!${k}`),
    );
    fc.assert(
      fc.property(fc.array(term), (terms) => {
        const requirements = parseLabelSelector(terms.join(','));
        assert.deepEqual(parseLabelSelector(formatLabelSelector(requirements)), requirements);
      }),
    );
  });
});

describe('requirementsOf', () => {
  it('matches nothing when absent, everything when empty', () => {
    assert.equal(matchesLabels(requirementsOf(undefined), { a: 'b' }), false);
    assert.equal(matchesLabels(requirementsOf({}), { a: 'b' }), true);
  });

  it('takes labels and expressions together', () => {
    const requirements = requirementsOf({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    assert.equal(formatLabelSelector(requirements), 'app=web,!old,tier in (a,b)');
    assert.equal(matchesLabels(requirements, { app: 'web', tier: 'b' }), true);
    assert.equal(matchesLabels(requirements, { app: 'web', tier: 'b', old: '' }), false);
  });

  it('refuses an operator that is none', () => {
    const matchExpressions = [{ key: 'a', operator: 'Near', values: [] }];
    assert.throws(() => requirementsOf({ matchExpressions }), /"Near" is not a valid label/);
  });
});
