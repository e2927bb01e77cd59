import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANNOTATIONS_BYTES_MAX,
  invalidField,
  labelSelectorErrors,
  metadataErrors,
  newFinalizerErrors,
  nonNegativeQuantity,
  notSupported,
  required,
  tooMany,
} from '../../../proto/api/validation.ts';

const POD = { namespaced: true, nameRule: 'subdomain' } as const;

/** `field: message` of each error. */
function textsOf(errors: readonly { readonly field: string; readonly message: string }[]) {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

describe('field errors', () => {
  it('read as upstream prints them', () => {
    assert.deepEqual(
      textsOf([
        required('spec.a'),
        required('spec.a', 'must be there'),
        invalidField('spec.b', 'x"y', 'no'),
        invalidField('spec.b', -1, 'no'),
        notSupported('spec.c', 'x', ['A', 'B']),
        tooMany('spec.d', 4, 3),
      ]),
      [
        'spec.a: Required value',
        'spec.a: Required value: must be there',
        'spec.b: Invalid value: "x\\"y": no',
        'spec.b: Invalid value: -1: no',
        'spec.c: Unsupported value: "x": supported values: "A", "B"',
        'spec.d: Too many: 4: must have at most 3 items',
      ],
    );
  });

  it('check quantities', () => {
    assert.deepEqual(nonNegativeQuantity('a', '1Gi'), []);
    assert.deepEqual(textsOf(nonNegativeQuantity('a', '-1')), [
      'a: Invalid value: "-1": must be greater than or equal to 0',
    ]);
    assert.equal(nonNegativeQuantity('a', 'x').length, 1);
  });
});

describe('metadataErrors', () => {
  it('takes good metadata', () => {
    const metadata = {
      name: 'web-0',
      generateName: 'web-',
      namespace: 'default',
      labels: { app: 'web' },
      annotations: { 'Example.com/note': 'any text' },
      finalizers: ['example.com/hold'],
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u' }],
    };
    assert.deepEqual(metadataErrors(metadata, POD), []);
    assert.deepEqual(metadataErrors({ name: 'n' }, { ...POD, namespaced: false }), []);
  });

  it('names each field that is wrong', () => {
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u', controller: true };
    const metadata = {
      namespace: 'Default',
      labels: { 'a b': 'c d' },
      annotations: { x: 'x'.repeat(ANNOTATIONS_BYTES_MAX) },
      finalizers: ['orphan', 'foregroundDeletion'],
      ownerReferences: [owner, { ...owner, uid: '' }],
    };
    assert.deepEqual(
      metadataErrors(metadata, POD).map(({ field }) => field),
      [
        'metadata.name',
        'metadata.namespace',
        'metadata.labels',
        'metadata.labels',
        'metadata.annotations',
        'metadata.ownerReferences[1].uid',
        'metadata.ownerReferences',
        'metadata.finalizers',
      ],
    );
  });

  it('knows which kinds have a namespace', () => {
    const errors = metadataErrors({ name: 'n', namespace: 'a' }, { ...POD, namespaced: false });
    assert.deepEqual(textsOf(errors), ['metadata.namespace: Forbidden: not allowed on this type']);
  });
});

describe('labelSelectorErrors', () => {
  it('checks operators against values', () => {
    const matchExpressions = [
      { key: 'a', operator: 'In' },
      { key: 'a', operator: 'Exists', values: ['x'] },
      { key: 'a', operator: 'Like', values: ['x'] },
    ];
    assert.deepEqual(
      labelSelectorErrors('spec.selector', { matchExpressions }).map(({ field }) => field),
      [
        'spec.selector.matchExpressions[0].values',
        'spec.selector.matchExpressions[1].values',
        'spec.selector.matchExpressions[2].operator',
      ],
    );
  });
});

describe('newFinalizerErrors', () => {
  it('forbids only what is new', () => {
    assert.deepEqual(newFinalizerErrors(['a'], ['a', 'b']), []);
    assert.match(newFinalizerErrors(['c'], ['a'])[0]?.message ?? '', /\[\]string\{"c"\}$/);
  });
});
