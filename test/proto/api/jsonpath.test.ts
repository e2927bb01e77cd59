import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluateJsonPath, JsonPathError } from '../../../proto/api/jsonpath.ts';

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
    ['{.items[0].metadata}', '{"labels":{"app.io/name":"x"},"name":"a"}'],
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

const POD = {
  kind: 'Pod',
  metadata: { name: 'p', labels: { 'app.kubernetes.io/name': 'web', a: 'b' } },
  spec: {
    containers: [
      { name: 'a', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 81 }] },
      { name: 'b', image: 'y', args: ['1', '2'] },
    ],
    priority: 5,
    hostNetwork: true,
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Init', status: 'False' },
    ],
  },
};

/** Each was printed so by kubectl 1.33. */
const AS_KUBECTL: readonly (readonly [string, string])[] = [
  ['{.metadata.name}', 'p'],
  ['{$.kind}', 'Pod'],
  ['{@.kind}', 'Pod'],
  ['text {.kind} more', 'text Pod more'],
  ['{.spec.containers[*].name}', 'a b'],
  ['{.spec.containers[-1:].name}', 'b'],
  ['{.spec.containers[0:2].image}', 'x y'],
  ['{.spec.containers[*].ports[*].containerPort}', '80 81'],
  ['{range .spec.containers[*]}{.name}{"\\t"}{.image}{"\\n"}{end}', 'a\tx\nb\ty\n'],
  ['{range .spec.containers[*]}[{.name}, {.image}] {end}', '[a, x] [b, y] '],
  ['{.status.conditions[?(@.type=="Ready")].status}', 'True'],
  ["{.spec.containers[?(@.name=='b')].args[0]}", '1'],
  ['{.spec.containers[?(@.name!="a")].image}', 'y'],
  ['{.spec.containers[?(@.ports)].name}', 'a'],
  ['{.spec.containers[?(@.ports[0].containerPort>79)].name}', 'a'],
  ['{.metadata.labels.app\\.kubernetes\\.io/name}', 'web'],
  ["{.metadata.labels['app\\.kubernetes\\.io/name']}", 'web'],
  ['{.metadata.labels}', '{"a":"b","app.kubernetes.io/name":"web"}'],
  ['{.spec.priority}{"-"}{.spec.hostNetwork}', '5-true'],
  ['{.nope}', ''],
  ['{"a"}{\'b\'}', 'ab'],
];

describe('evaluateJsonPath as kubectl', () => {
  for (const [template, text] of AS_KUBECTL) {
    it(`prints ${template}`, () => assert.equal(evaluateJsonPath(template, POD), text));
  }
});
