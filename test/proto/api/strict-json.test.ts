import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../proto/api/status-error.ts';
import { JSON_DEPTH_MAX, parseStrictJson } from '../../../proto/api/strict-json.ts';

describe('parseStrictJson', () => {
  it('parses what JSON.parse does, and finds no duplicates where there are none', () => {
    const key = fc.constantFrom('a', 'b', '"', 'c"', '"c', '\\c', 'a"b', 'é', 'x.y', '[');
    const { value: tree } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(1, 'x', '}"', '\\', null, true),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value')),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
        const text = `${JSON.stringify(value, null, indent)}\n`;
        const parsed = parseStrictJson(text, { findDuplicates: true });
        assert.deepEqual(parsed, { value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  it('finds each key given twice, also when it is written in another way', () => {
    const text =
      '{"a":1, "b":[{"x":1},{"x":2,"x":3,"y":{"z":"}\\"{","z":1}}],"a":2,"a":4,"c":{"\\u0064":1,"d":2}}';
    const { value, duplicates } = parseStrictJson(Buffer.from(text), { findDuplicates: true });
    assert.deepEqual(duplicates, [
      'duplicate field "b[1].x"',
      'duplicate field "b[1].y.z"',
      'duplicate field "a"',
      'duplicate field "c.d"',
    ]);
    assert.equal((value as { a: number }).a, 4);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['no JSON', '{"a":'],
    ['nothing', ''],
    ['a key __proto__', '{"a":{"__proto__":{"b":1}}}'],
    ['a key __proto__ in disguise', '{"\\u005f_proto__":{"b":1}}'],
    ['a key that ends in a backslash', '{"a":{"b\\\\" : 1}}'],
    ['deep nesting', `${'['.repeat(JSON_DEPTH_MAX + 1)}${']'.repeat(JSON_DEPTH_MAX + 1)}`],
    ['very deep nesting', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ];
  for (const [what, text] of refused) {
    it(`refuses ${what}`, () => {
      const isBadRequest = (error: unknown) => error instanceof ApiError && error.code === 400;
      assert.throws(() => parseStrictJson(text, { findDuplicates: true }), isBadRequest);
    });
  }

  it('takes values that end in a backslash, and JSON within JSON', () => {
    const value = { a: 'C:\\', b: JSON.stringify({ c: JSON.stringify({ 'd"': '\\' }) }) };
    assert.deepEqual(parseStrictJson(JSON.stringify(value)).value, value);
  });

  it('takes the deepest nesting that is allowed', () => {
    const text = `${'['.repeat(JSON_DEPTH_MAX)}${']'.repeat(JSON_DEPTH_MAX)}`;
    assert.deepEqual(parseStrictJson(text, { findDuplicates: true }).duplicates, []);
  });
});
