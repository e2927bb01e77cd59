import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  configMapKeyErrors,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  maskTrailingDash,
  pathSegmentErrors,
  portNameErrors,
  qualifiedNameErrors,
} from '../../../proto/api/names.ts';

const CASES: readonly {
  readonly rule: (text: string) => readonly string[];
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}[] = [
  {
    rule: dns1123LabelErrors,
    right: ['a', 'a-1', '0', 'a'.repeat(63)],
    wrong: ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a'.repeat(64), 'a\n'],
  },
  {
    rule: dns1123SubdomainErrors,
    right: ['a', 'a.b-c.d', '0.1', `${'a'.repeat(252)}b`],
    wrong: ['', '.a', 'a.', 'a..b', 'a_b', 'A', 'a'.repeat(254), 'ä'],
  },
  { rule: dns1035LabelErrors, right: ['a', 'a-1'], wrong: ['', '1a', 'a.b', 'a-'] },
  {
    rule: qualifiedNameErrors,
    right: ['a', 'A.b_c-d', 'example.com/A', '1/1'],
    wrong: ['', '/a', 'a/', 'a/b/c', '-a', 'Example.com/a', 'a'.repeat(64), 'a b'],
  },
  { rule: labelValueErrors, right: ['', 'A', 'a_b.c-d'], wrong: ['-', 'a b', 'a'.repeat(64)] },
  { rule: pathSegmentErrors, right: ['system:node', 'A'], wrong: ['.', '..', 'a/b', 'a%b'] },
  { rule: configMapKeyErrors, right: ['a', '.a', 'A_b-c'], wrong: ['', '.', '..', '..a', 'a/b'] },
  {
    rule: portNameErrors,
    right: ['http', 'a-1'],
    wrong: ['', '1', 'a--b', '-a', 'A', 'a'.repeat(16)],
  },
];

describe('names', () => {
  for (const { rule, right, wrong } of CASES) {
    it(`${rule.name} takes ${right.length} and refuses ${wrong.length}`, () => {
      for (const text of right) assert.deepEqual(rule(text), [], text);
      for (const text of wrong) assert.notEqual(rule(text).length, 0, text);
    });
  }

  it('says what is wrong in upstream words', () => {
    assert.deepEqual(dns1123LabelErrors('A'), [
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    assert.deepEqual(qualifiedNameErrors('/').slice(0, 2), [
      'prefix part must be non-empty',
      'name part must be non-empty',
    ]);
  });

  it('checks prefixes of generated names without their dash', () => {
    assert.deepEqual(dns1123LabelErrors(maskTrailingDash('web-')), []);
    assert.equal(maskTrailingDash('-'), '-');
  });
});
