import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluateJsonPath, JsonPathError } from '../../proto/api/jsonpath.ts';

const OBJECT = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { 'app.io/name': 'x' } },
      status: { ready: true, n: 3, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    {
      metadata: { name: 'b' },
      status: { ready: false, n: 1, conditions: [{ type: 'Ready', status: 'False' }] },
    },
  ],
};

describe('evaluateJsonPath', () => {
  const cases: readonly (readonly [template: string, expected: string])[] = [
    ['{.kind}', 'List'],
    ['.kind', 'List'],
    ['{$.kind}', 'List'],
    ['kind is {.kind}!', 'kind is List!'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[0:1].metadata.name}', 'a'],
    ["{.items[0].metadata.labels['app.io/name']}", 'x'],
    ['{.items[0].metadata.labels.app\\.io/name}', 'x'],
    ['{.items[?(@.metadata.name=="b")].status.n}', '1'],
    ['{.items[?(@.status.n>2)].metadata.name}', 'a'],
    ['{.items[?(@.status.ready==true)].metadata.name}', 'a'],
    ['{.items[?(@.metadata.labels)].metadata.name}', 'a'],
    ['{.items[0].status.conditions[?(@.type=="Ready")].status}', 'True'],
    ['{range .items[*]}{.metadata.name}={.status.n}{"\\n"}{end}', 'a=3\nb=1\n'],
    ['{..name}', 'a b'],
    ['{.items[0].metadata}', '{"name":"a","labels":{"app.io/name":"x"}}'],
    ['{.nothing.here}', ''],
  ];
  for (const [template, expected] of cases) {
    it(`prints ${template}`, () => assert.equal(evaluateJsonPath(template, OBJECT), expected));
  }

  it('never reaches what is not a field of the object', () => {
    assert.equal(evaluateJsonPath('{.constructor}{.__proto__}{.items.length}', OBJECT), '');
  });

  it('refuses a template that it can not read', () => {
    for (const template of ['{.a', '{range .items[*]}', '{end}', '{.a[}', '{"x}', '{.a[?(@.b}']) {
      assert.throws(() => evaluateJsonPath(template, OBJECT), JsonPathError, template);
    }
  });
});
