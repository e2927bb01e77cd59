import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  escapeFieldValue,
  exactFieldValue,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
} from '../../../proto/api/field-selector.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

describe('parseFieldSelector', () => {
  it('takes =, == and !=, and empty values', () => {
    assert.deepEqual(parseFieldSelector('a=b,c==d,e!=f,involvedObject.namespace='), [
      { field: 'a', operator: '=', value: 'b' },
      { field: 'c', operator: '=', value: 'd' },
      { field: 'e', operator: '!=', value: 'f' },
      { field: 'involvedObject.namespace', operator: '=', value: '' },
    ]);
    assert.deepEqual(parseFieldSelector(''), []);
  });

  it('takes any value in its escaped form', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = `a=${escapeFieldValue(value)},b=c`;
        const selector = parseFieldSelector(text);
        assert.equal(exactFieldValue(selector, 'a'), value);
        assert.equal(formatFieldSelector(selector), text);
      }),
    );
  });

  for (const [text, message] of [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ] as const) {
    it(`refuses ${text}`, () => {
      const isExpected = (error: unknown) =>
        error instanceof ApiError && error.code === 400 && error.message === message;
      assert.throws(() => parseFieldSelector(text), isExpected);
    });
  }
});

describe('matchesFields', () => {
  const fields = { 'metadata.name': 'x', 'status.phase': 'Running' };

  it('needs all conditions', () => {
    const selects = (text: string) => matchesFields(parseFieldSelector(text), fields);
    assert.equal(selects('metadata.name=x,status.phase!=Failed'), true);
    assert.equal(selects('metadata.name=x,status.phase!=Running'), false);
  });

  it('refuses a field that is not offered', () => {
    const selector = parseFieldSelector('spec.colour=red');
    assert.throws(() => matchesFields(selector, fields), /field label not supported: spec.colour/);
  });
});
