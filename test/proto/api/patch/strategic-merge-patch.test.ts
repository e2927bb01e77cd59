import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../../../proto/api/json.ts';
import { applyStrategicMergePatch } from '../../../../proto/api/patch/strategic-merge-patch.ts';
import { ApiError } from '../../../../proto/api/status-error.ts';

const POD = 'io.k8s.api.core.v1.Pod';
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';

function patched(original: JsonObject, patch: unknown, typeName = POD): unknown {
  const before = JSON.stringify(original);
  const result = applyStrategicMergePatch(typeName, original, patch);
  assert.equal(JSON.stringify(original), before, 'the original was changed');
  return result;
}

function names(result: unknown): readonly string[] {
  const { containers } = (result as { spec: { containers: { name: string }[] } }).spec;
  return containers.map(({ name }) => name);
}

const TWO = {
  spec: {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '1' },
    ],
  },
};

describe('strategic merge', () => {
  it('merges objects and maps by key; null deletes', () => {
    assert.deepEqual(
      patched(
        { metadata: { labels: { a: '1', b: '2' } }, spec: { nodeName: 'n' } },
        { metadata: { labels: { b: null, c: '3' } }, spec: { hostname: 'h' } },
      ),
      { metadata: { labels: { a: '1', c: '3' } }, spec: { nodeName: 'n', hostname: 'h' } },
    );
  });

  it('merges lists of objects by their key', () => {
    const patch = { spec: { containers: [{ name: 'b', image: '2' }] } };
    assert.deepEqual(patched(TWO, patch), {
      spec: {
        containers: [
          { name: 'a', image: '1' },
          { name: 'b', image: '2' },
        ],
      },
    });
  });

  it('replaces lists without a merge strategy', () => {
    const original = { spec: { containers: [{ name: 'a', args: ['x', 'y'] }], tolerations: [{}] } };
    const patch = { spec: { containers: [{ name: 'a', args: ['z'] }], tolerations: [] } };
    assert.deepEqual(patched(original, patch), {
      spec: { containers: [{ name: 'a', args: ['z'] }], tolerations: [] },
    });
  });

  it('puts new items first unless an order is given', () => {
    const added = { name: 'c', image: '1' };
    assert.deepEqual(names(patched(TWO, { spec: { containers: [added] } })), ['c', 'a', 'b']);
    const order = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    const patch = { spec: { containers: [added], '$setElementOrder/containers': order } };
    assert.deepEqual(names(patched(TWO, patch)), ['a', 'b', 'c']);
  });

  it('orders without changing anything', () => {
    const patch = { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } };
    assert.deepEqual(names(patched(TWO, patch)), ['b', 'a']);
    assert.deepEqual(patched({ spec: {} }, patch), { spec: {} });
  });

  it('keeps items that others added in their place', () => {
    const containers = ['a', 'x', 'b', 'y'].map((name) => ({ name }));
    const patch = {
      spec: {
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
        containers: [{ name: 'c' }],
      },
    };
    assert.deepEqual(names(patched({ spec: { containers } }, patch)), ['a', 'x', 'b', 'c', 'y']);
  });

  it('deletes and replaces items and objects', () => {
    const gone = { spec: { containers: [{ name: 'a', $patch: 'delete' }] } };
    assert.deepEqual(names(patched(TWO, gone)), ['b']);
    const only = { spec: { containers: [{ name: 'z' }, { $patch: 'replace' }] } };
    assert.deepEqual(names(patched(TWO, only)), ['z']);
    const spec = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    const recreate = { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } };
    assert.deepEqual(patched({ spec }, recreate, DEPLOYMENT), {
      spec: { strategy: { type: 'Recreate' } },
    });
    const cleared = { spec: { strategy: { $patch: 'delete' } } };
    assert.deepEqual(patched({ spec }, cleared, DEPLOYMENT), { spec: { strategy: {} } });
  });

  it('retains only the keys that are named', () => {
    const spec = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    assert.deepEqual(patched({ spec }, patch, DEPLOYMENT), {
      spec: { strategy: { type: 'Recreate' } },
    });
    const volumes = [{ name: 'v', emptyDir: {} }];
    const host = { name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } };
    assert.deepEqual(patched({ spec: { volumes } }, { spec: { volumes: [host] } }), {
      spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    });
  });

  it('merges lists of scalars as sets, and deletes from them', () => {
    const original = { metadata: { finalizers: ['a', 'b'] } };
    assert.deepEqual(patched(original, { metadata: { finalizers: ['b', 'c'] } }), {
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    const patch = {
      metadata: {
        '$deleteFromPrimitiveList/finalizers': ['a'],
        '$setElementOrder/finalizers': ['c', 'b'],
        finalizers: ['c'],
      },
    };
    assert.deepEqual(patched(original, patch), { metadata: { finalizers: ['c', 'b'] } });
  });

  it('leaves no directive in what is new', () => {
    const patch = {
      spec: {
        '$setElementOrder/containers': [{ name: 'a' }],
        containers: [
          {
            name: 'a',
            $retainKeys: ['name'],
            '$setElementOrder/env': [],
            env: null,
            ports: [null],
          },
        ],
      },
    };
    assert.deepEqual(patched({}, patch), { spec: { containers: [{ name: 'a', ports: [null] }] } });
  });

  it('applied twice gives the same as once', () => {
    const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), image: fc.string() });
    const list = fc.uniqueArray(item, { selector: ({ name }) => name });
    fc.assert(
      fc.property(list, list, (before, change) => {
        const patch = { spec: { containers: change } };
        const once = applyStrategicMergePatch(POD, { spec: { containers: before } }, patch);
        assert.deepEqual(applyStrategicMergePatch(POD, once, patch), once);
        assert.deepEqual(applyStrategicMergePatch(POD, once, {}), once);
      }),
    );
  });

  for (const [what, patch] of [
    ['a list', []],
    ['an unknown directive', { spec: { $patch: 'grow' } }],
    ['an item without its key', { spec: { containers: [{ image: 'x' }] } }],
    [
      'an order that does not fit',
      {
        spec: {
          containers: [{ name: 'b' }, { name: 'a' }],
          '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }],
        },
      },
    ],
    ['keys that are not retained', { spec: { $retainKeys: ['a'], nodeName: 'x' } }],
    ['mixed items', { spec: { containers: ['a'] } }],
  ] as const) {
    it(`refuses ${what}`, () => {
      const isBadRequest = (error: unknown) => error instanceof ApiError && error.code === 400;
      assert.throws(() => applyStrategicMergePatch(POD, TWO, patch), isBadRequest);
    });
  }
});
