import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  conditionOf,
  deadlineAfterMs,
  deploymentStatus,
  isComplete,
  isSameDeploymentStatus,
} from '../../../controllers/deployment/deployment-status.ts';
import { surplusHistory } from '../../../controllers/deployment/history.ts';
import {
  currentAnnotations,
  REVISION,
  REVISION_HISTORY,
  splitReplicaSets,
} from '../../../controllers/deployment/replica-sets.ts';
import { isSameTemplate, templateHash } from '../../../controllers/deployment/template-hash.ts';
import type { Deployment } from '../../../proto/api/gen/apps-v1.ts';
import { newDeployment, newReplicaSet, START, templateOf } from '../../support/workload-objects.ts';

const NOW = Date.parse(START);

function statusOf(deployment: Deployment, available: number, nowMs = NOW, old = 0) {
  const current = newReplicaSet('new', { replicas: 3, available });
  const sets = old === 0 ? [] : [newReplicaSet('old', { replicas: old })];
  return deploymentStatus(deployment, { current, old: sets }, undefined, 0, nowMs);
}

const reasonOf = (status: Deployment['status'], type: string) =>
  conditionOf(status.conditions, type)?.reason;

describe('deploymentStatus', () => {
  const base = newDeployment({ replicas: 3 });

  it('goes from progressing to complete, in upstream’s words', () => {
    const first = statusOf(base, 0);
    assert.equal(reasonOf(first, 'Available'), 'MinimumReplicasUnavailable');
    assert.equal(reasonOf(first, 'Progressing'), 'ReplicaSetUpdated');
    assert.equal(first.unavailableReplicas, 3);
    const done = statusOf({ ...base, status: first }, 3, NOW + 5_000);
    assert.ok(isComplete(base, done));
    const progressing = conditionOf(done.conditions, 'Progressing');
    assert.deepEqual(progressing, {
      type: 'Progressing',
      status: 'True',
      lastUpdateTime: '2026-01-01T00:00:05Z',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'NewReplicaSetAvailable',
      message: 'ReplicaSet "new" has successfully progressed.',
    });
    assert.equal(deadlineAfterMs(base, done, NOW), undefined);
    const later = statusOf({ ...base, status: done }, 2, NOW + 900_000);
    assert.equal(reasonOf(later, 'Progressing'), 'NewReplicaSetAvailable', 'A pod may fail later');
    assert.ok(isSameDeploymentStatus(done, statusOf({ ...base, status: done }, 3, NOW + 9_000)));
  });

  it('runs into its deadline, and out of it by progress', () => {
    const first = statusOf(base, 0);
    assert.equal(deadlineAfterMs(base, first, NOW + 100_000), 501_000);
    const late = statusOf({ ...base, status: first }, 0, NOW + 600_001);
    assert.equal(reasonOf(late, 'Progressing'), 'ProgressDeadlineExceeded');
    assert.equal(conditionOf(late.conditions, 'Progressing')?.status, 'False');
    const still = statusOf({ ...base, status: late }, 0, NOW + 700_000);
    assert.ok(isSameDeploymentStatus(late, still));
    const moving = statusOf({ ...base, status: late }, 1, NOW + 800_000);
    assert.equal(reasonOf(moving, 'Progressing'), 'ReplicaSetUpdated');
  });

  it('has no deadline when nobody wants one', () => {
    const patient = newDeployment({ replicas: 3, progressDeadlineSeconds: 2_147_483_647 });
    const status = statusOf(patient, 0);
    assert.equal(reasonOf(status, 'Progressing'), undefined);
    assert.equal(deadlineAfterMs(patient, status, NOW), undefined);
  });

  it('is not complete while old pods are left', () => {
    assert.ok(!isComplete(base, statusOf(base, 3, NOW, 1)));
  });

  it('passes on what keeps its ReplicaSets from having pods', () => {
    const condition = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'm',
    };
    const current = newReplicaSet('new', { replicas: 3, available: 0 });
    const failing = { ...current, status: { ...current.status, conditions: [condition] } };
    const sets = { current: failing, old: [] };
    const status = deploymentStatus(base, sets, undefined, 0, NOW);
    assert.equal(reasonOf(status, 'ReplicaFailure'), 'FailedCreate');
    const healed = statusOf({ ...base, status }, 0);
    assert.equal(conditionOf(healed.conditions, 'ReplicaFailure'), undefined);
  });
});

describe('templates', () => {
  it('are the same whatever the hash label, the order and what is empty', () => {
    const a = templateOf('one');
    const b = {
      spec: { initContainers: [], containers: [{ image: 'one', name: 'c' }] },
      metadata: { labels: { 'pod-template-hash': 'x', app: 'web' }, annotations: {} },
    };
    assert.ok(isSameTemplate(a, b));
    assert.equal(templateHash(a), templateHash(b));
    assert.ok(!isSameTemplate(a, templateOf('two')));
    assert.notEqual(templateHash(a), templateHash(templateOf('two')));
    assert.notEqual(templateHash(a), templateHash(a, 1));
    assert.match(templateHash(a), /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  });

  it('choose the oldest ReplicaSet that has them', () => {
    const sets = ['b', 'a'].map((name) => newReplicaSet(name, { replicas: 1 }));
    const other = newReplicaSet('other', { replicas: 1, image: 'two' });
    const { current, old } = splitReplicaSets(newDeployment(), [other, ...sets]);
    assert.equal(current?.metadata.name, 'a');
    assert.deepEqual(
      old.map(({ metadata }) => metadata.name),
      ['b', 'other'],
    );
  });
});

describe('currentAnnotations', () => {
  const revision = (number: string) => ({ annotations: { [REVISION]: number } });
  const deployment = newDeployment(
    {},
    {
      metadata: {
        annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    },
  );

  it('number revisions, and keep those it had before', () => {
    const old = [newReplicaSet('old', { replicas: 0, ...revision('7') })];
    assert.deepEqual(currentAnnotations(deployment, undefined, old), {
      note: 'x',
      [REVISION]: '8',
    });
    const back = newReplicaSet('back', { replicas: 0, ...revision('3') });
    assert.deepEqual(currentAnnotations(deployment, back, old), {
      note: 'x',
      [REVISION]: '8',
      [REVISION_HISTORY]: '3',
    });
    const newest = newReplicaSet('newest', { replicas: 0, ...revision('8') });
    assert.deepEqual(currentAnnotations(deployment, newest, old), { note: 'x', [REVISION]: '8' });
  });
});

describe('surplusHistory', () => {
  it('takes the oldest revisions without pods over the limit', () => {
    const set = (name: string, revision: number, replicas = 0) =>
      newReplicaSet(name, { replicas, annotations: { [REVISION]: String(revision) } });
    const old = [set('c', 3), set('a', 1), set('b', 2, 1), set('d', 4)];
    const names = (limit: number) =>
      surplusHistory(newDeployment({ revisionHistoryLimit: limit }), old).map(
        ({ metadata }) => metadata.name,
      );
    assert.deepEqual(names(4), []);
    assert.deepEqual(names(2), ['a']);
    assert.deepEqual(names(0), ['a', 'c', 'd']);
  });
});
