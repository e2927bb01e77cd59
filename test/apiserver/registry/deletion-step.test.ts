import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DeletionStep,
  deletionStep,
  mustStay,
} from '../../../apiserver/registry/delete-object.ts';
import type { ApiObject, Strategy } from '../../../apiserver/registry/strategy.ts';
import { configmaps, pods } from '../../../proto/api/gen/resources.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');

const plain: Strategy = {
  resource: configmaps,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',
};
const graceful: Strategy = {
  ...plain,
  resource: pods,
  deletionGraceSeconds: (_object, requested) => requested ?? 30,
};

function object(metadata: Partial<ApiObject['metadata']> = {}): ApiObject {
  const fixed = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'X', metadata: { ...fixed, ...metadata } };
}

function marked(step: DeletionStep): ApiObject['metadata'] {
  assert.equal(step.kind, 'mark');
  return step.object.metadata;
}

describe('deletionStep', () => {
  it('removes what nothing keeps', () => {
    assert.deepEqual(deletionStep(plain, object(), {}, NOW_MS), { kind: 'remove' });
    assert.deepEqual(deletionStep(graceful, object(), { gracePeriodSeconds: 0 }, NOW_MS), {
      kind: 'remove',
    });
  });

  it('gives grace, counts the generation, and leaves the original alone', () => {
    const old = object({ generation: 2 });
    const metadata = marked(deletionStep(graceful, old, {}, NOW_MS));
    assert.equal(metadata.deletionTimestamp, '2026-01-01T00:00:30Z');
    assert.equal(metadata.deletionGracePeriodSeconds, 30);
    assert.equal(metadata.generation, 3);
    assert.equal(old.metadata.deletionTimestamp, undefined);
  });

  it('shortens the grace, and never makes it longer', () => {
    const deleting = object({
      deletionTimestamp: '2026-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
    });
    const shorter = deletionStep(graceful, deleting, { gracePeriodSeconds: 5 }, NOW_MS);
    assert.equal(marked(shorter).deletionTimestamp, '2026-01-01T00:00:05Z');
    assert.equal(marked(shorter).deletionGracePeriodSeconds, 5);
    for (const gracePeriodSeconds of [30, 60]) {
      const step = deletionStep(graceful, deleting, { gracePeriodSeconds }, NOW_MS);
      assert.deepEqual(step, { kind: 'none' });
    }
    assert.deepEqual(deletionStep(graceful, deleting, {}, NOW_MS), { kind: 'none' });
    const last = deletionStep(graceful, deleting, { gracePeriodSeconds: 0 }, NOW_MS);
    assert.deepEqual(last, { kind: 'remove' });
  });

  it('keeps what has a finalizer, marked once', () => {
    const held = object({ finalizers: ['example.com/a'] });
    const first = deletionStep(plain, held, {}, NOW_MS);
    assert.equal(marked(first).deletionTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(marked(first).deletionGracePeriodSeconds, 0);
    assert.ok(first.kind === 'mark');
    assert.deepEqual(deletionStep(plain, first.object, {}, NOW_MS + 5000), { kind: 'none' });
    assert.equal(mustStay(plain, first.object), true);
  });

  it('follows the propagation policy', () => {
    const of = (options: object, finalizers?: string[]): readonly string[] | undefined =>
      marked(
        deletionStep(
          plain,
          object(finalizers === undefined ? {} : { finalizers }),
          options,
          NOW_MS,
        ),
      ).finalizers;
    assert.deepEqual(of({ propagationPolicy: 'Foreground' }), ['foregroundDeletion']);
    assert.deepEqual(of({ propagationPolicy: 'Orphan' }), ['orphan']);
    assert.deepEqual(of({ orphanDependents: true }), ['orphan']);
    assert.deepEqual(of({ propagationPolicy: 'Background' }, ['orphan', 'x.y/z']), ['x.y/z']);
    const waiting = object({
      finalizers: ['foregroundDeletion'],
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    });
    assert.deepEqual(deletionStep(plain, waiting, { propagationPolicy: 'Background' }, NOW_MS), {
      kind: 'remove',
    });
  });

  it('asks the kind for finalizers of its own', () => {
    const kind: Strategy = {
      ...plain,
      otherFinalizers: () => ['kubernetes'],
      prepareForDeletion: (one) => {
        one.status = { phase: 'Terminating' };
      },
    };
    const step = deletionStep(kind, object(), {}, NOW_MS);
    assert.ok(step.kind === 'mark');
    assert.deepEqual(step.object.status, { phase: 'Terminating' });
    assert.equal(step.object.metadata.finalizers, undefined);
  });
});
