import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../proto/api/status-error.ts';
import { parseYamlBody, parseYamlDocuments } from '../../../proto/api/yaml-body.ts';

describe('parseYamlBody', () => {
  it('reads values as Kubernetes does', () => {
    const text = [
      'text: 12:30',
      'day: 2020-01-01',
      'yes: on',
      'mode: 0755',
      'number: 1e3',
      'base: &base {q: 1}',
      'merged: {<<: *base, r: 2}',
      '1: ~',
    ].join('\n');
    assert.deepEqual(parseYamlBody(text).value, {
      text: '12:30',
      day: '2020-01-01',
      true: true,
      mode: 493,
      number: 1000,
      base: { q: 1 },
      merged: { q: 1, r: 2 },
      1: null,
    });
  });

  it('names keys that are given twice', () => {
    const { value, duplicates } = parseYamlBody('a: 1\nb:\n  "c": 1\n  "c": 2\n');
    assert.deepEqual(value, { a: 1, b: { c: 2 } });
    assert.deepEqual(duplicates, ['line 4: key "c" already set in map']);
  });

  it('takes JSON too', () => {
    assert.deepEqual(parseYamlBody('{"a": ["b"]}').value, { a: ['b'] });
  });

  it('splits a stream, leaving out empty documents', () => {
    const values = parseYamlDocuments('---\n# none\n---\na: 1\n---\nb: 2\n').map((d) => d.value);
    assert.deepEqual(values, [{ a: 1 }, { b: 2 }]);
    assert.deepEqual(parseYamlDocuments(''), []);
  });

  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) => {
      const previous = 'abcdefgh'[index];
      return `${name}: &${name} [${Array(9).fill(`*${previous}`).join(',')}]`;
    }),
  ].join('\n');
  for (const [what, text] of [
    ['what is not YAML', 'a: ['],
    ['tabs', '\ta: 1'],
    ['nothing', ''],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['aliases that blow up', bomb],
    ['a key __proto__', '__proto__: {a: 1}'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const isBadRequest = (error: unknown) => error instanceof ApiError && error.code === 400;
      assert.throws(() => parseYamlBody(text), isBadRequest);
    });
  }
});
