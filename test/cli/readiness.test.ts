import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readinessOf } from '../../cli/readiness.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';

function object(kind: string, apiVersion: string, rest: object): KubernetesObject {
  const metadata = {
    name: 'x',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    generation: 2,
  };
  return { apiVersion, kind, metadata, ...rest } as KubernetesObject;
}

describe('readinessOf', () => {
  it('takes kinds without a state as ready', () => {
    assert.deepEqual(readinessOf(object('ConfigMap', 'v1', {})), { kind: 'ready' });
  });

  it('waits for a deployment step by step, in the words of kubectl', () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ observedGeneration: 1 }, 'Waiting for deployment spec update to be observed...'],
      [
        { observedGeneration: 2, updatedReplicas: 1, replicas: 3 },
        'Waiting for deployment "x" rollout to finish: 1 out of 3 new replicas have been updated...',
      ],
      [
        { observedGeneration: 2, updatedReplicas: 3, replicas: 4 },
        'Waiting for deployment "x" rollout to finish: 1 old replicas are pending termination...',
      ],
      [
        { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 2 },
        'Waiting for deployment "x" rollout to finish: 2 of 3 updated replicas are available...',
      ],
    ];
    for (const [status, reason] of cases) {
      const deployment = object('Deployment', 'apps/v1', { spec: { replicas: 3 }, status });
      assert.deepEqual(readinessOf(deployment), { kind: 'waiting', reason });
    }
  });

  it('gives a deployment up when its deadline has passed', () => {
    const conditions = [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
    ];
    const status = { observedGeneration: 2, conditions };
    const deployment = object('Deployment', 'apps/v1', { spec: { replicas: 3 }, status });
    assert.equal(readinessOf(deployment).kind, 'failed');
  });

  it('shows why a pod waits, and takes a completed one as ready', () => {
    const waiting = { waiting: { reason: 'ImagePullBackOff' } };
    const status = { phase: 'Pending', containerStatuses: [{ name: 'c', state: waiting }] };
    const pod = object('Pod', 'v1', { spec: {}, status });
    assert.deepEqual(readinessOf(pod), { kind: 'waiting', reason: 'ImagePullBackOff' });
    const done = object('Pod', 'v1', { spec: {}, status: { phase: 'Succeeded' } });
    assert.deepEqual(readinessOf(done), { kind: 'ready' });
  });
});
