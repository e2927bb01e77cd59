import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextPodStep, statusAfter } from '../../../lab/simulated-nodes/pod-stages.ts';
import type { Pod, PodStatus } from '../../../proto/api/gen/core-v1.ts';

const BOUND = Date.parse('2026-01-01T00:00:10Z');
const FACTS = { nodeAddress: '100.64.0.1', podAddress: '100.64.0.2' };

function pod(more: {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Partial<Pod['metadata']>;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: PodStatus;
}): Pod {
  const lastTransitionTime = '2026-01-01T00:00:10Z';
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastTransitionTime };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1' },
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: more.annotations ?? {},
      ...more.metadata,
    },
    spec: { nodeName: 'sim-1', containers: [{ name: 'c', image: 'i' }], ...more.spec },
    status: more.status ?? { phase: 'Pending', conditions: [scheduled] },
  } as Pod;
}

/** The pod as the API shows it after the step's patch. */
function stepped(before: Pod, nowMs: number): Pod {
  const step = nextPodStep(before, nowMs);
  assert.ok(step.kind === 'start' || step.kind === 'ready' || step.kind === 'finish', step.kind);
  const patch = statusAfter(before, step, { ...FACTS, nowMs });
  const kept = (before.status.conditions ?? []).filter(
    ({ type }) => !patch.conditions?.some((one) => one.type === type),
  );
  const conditions = [...kept, ...(patch.conditions ?? [])];
  return { ...before, status: { ...before.status, ...patch, conditions } };
}

function ready(one: Pod): string | undefined {
  return one.status.conditions?.find(({ type }) => type === 'Ready')?.status;
}

describe('the stages of a simulated pod', () => {
  it('starts a second after it was bound, and then runs on', () => {
    assert.deepEqual(nextPodStep(pod({}), BOUND + 400), { kind: 'wait', untilMs: BOUND + 1_000 });
    const running = stepped(pod({}), BOUND + 1_000);
    assert.equal(running.status.phase, 'Running');
    assert.equal(running.status.podIP, '100.64.0.2');
    assert.equal(running.status.hostIP, '100.64.0.1');
    assert.equal(ready(running), 'True');
    assert.deepEqual(running.status.containerStatuses?.[0]?.state, {
      running: { startedAt: '2026-01-01T00:00:11Z' },
    });
    assert.deepEqual(nextPodStep(running, BOUND + 1e9), { kind: 'none' });
  });

  it('starts and ends when its annotations say so', () => {
    const annotations = {
      'lab.skiff.dev/start-after': '5s',
      'lab.skiff.dev/duration': '1m30s',
    };
    const pending = pod({ annotations });
    assert.deepEqual(nextPodStep(pending, BOUND), { kind: 'wait', untilMs: BOUND + 5_000 });
    const running = stepped(pending, BOUND + 5_000);
    const endMs = BOUND + 95_000;
    assert.deepEqual(nextPodStep(running, endMs - 1), { kind: 'wait', untilMs: endMs });
    const done = stepped(running, endMs);
    assert.equal(done.status.phase, 'Succeeded');
    assert.equal(ready(done), 'False');
    assert.deepEqual(done.status.containerStatuses?.[0]?.state?.terminated, {
      exitCode: 0,
      reason: 'Completed',
      startedAt: '2026-01-01T00:00:15Z',
      finishedAt: '2026-01-01T00:01:45Z',
    });
    assert.deepEqual(nextPodStep(done, endMs + 1e6), { kind: 'none' });
  });

  it('fails with an exit code', () => {
    const annotations = { 'lab.skiff.dev/duration': '1s', 'lab.skiff.dev/exit-code': '3' };
    const running = stepped(pod({ annotations }), BOUND + 1_000);
    const done = stepped(running, BOUND + 2_000);
    assert.equal(done.status.phase, 'Failed');
    assert.equal(done.status.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
  });

  it('takes a time that it can not read for none', () => {
    const annotations = { 'lab.skiff.dev/duration': 'soon', 'lab.skiff.dev/start-after': '-1' };
    const running = stepped(pod({ annotations }), BOUND + 1_000);
    assert.deepEqual(nextPodStep(running, BOUND + 1e9), { kind: 'none' });
  });

  it('is gone when it has stopped, at the latest at the end of its grace period', () => {
    const metadata = {
      deletionTimestamp: '2026-01-01T00:01:00Z',
      deletionGracePeriodSeconds: 30,
    };
    const asked = Date.parse('2026-01-01T00:00:30Z');
    const running = stepped(pod({}), BOUND + 1_000);
    const deleted = (annotations: Readonly<Record<string, string>>): Pod =>
      pod({ annotations, metadata, status: running.status });
    assert.deepEqual(nextPodStep(deleted({}), asked), { kind: 'remove' });
    const slow = deleted({ 'lab.skiff.dev/stop-after': '10s' });
    assert.deepEqual(nextPodStep(slow, asked), { kind: 'wait', untilMs: asked + 10_000 });
    const never = deleted({ 'lab.skiff.dev/stop-after': '1h' });
    assert.deepEqual(nextPodStep(never, asked), { kind: 'wait', untilMs: asked + 30_000 });
    assert.deepEqual(nextPodStep(never, asked + 30_000), { kind: 'remove' });
    const over = pod({ metadata, status: { ...running.status, phase: 'Succeeded' } });
    assert.deepEqual(nextPodStep(over, asked - 1e6), { kind: 'remove' });
  });

  it('is ready when its gates are', () => {
    const spec = { readinessGates: [{ conditionType: 'example.com/gate' }] };
    const running = stepped(pod({ spec }), BOUND + 1_000);
    assert.equal(ready(running), 'False');
    const gate = { type: 'example.com/gate', status: 'True' as const };
    const conditions = [...(running.status.conditions ?? []), gate];
    const opened = { ...running, status: { ...running.status, conditions } };
    assert.deepEqual(nextPodStep(opened, BOUND + 2_000), { kind: 'ready' });
    assert.equal(ready(stepped(opened, BOUND + 2_000)), 'True');
  });

  it("has its node's address on the host's network, and its init containers have ended", () => {
    const initContainers = [
      { name: 'a', image: 'i' },
      { name: 'side', image: 'i', restartPolicy: 'Always' },
    ];
    const running = stepped(pod({ spec: { hostNetwork: true, initContainers } }), BOUND + 1_000);
    assert.equal(running.status.podIP, '100.64.0.1');
    const [a, side] = running.status.initContainerStatuses ?? [];
    assert.equal(a?.state?.terminated?.exitCode, 0);
    assert.ok(side?.state?.running !== undefined);
  });
});
