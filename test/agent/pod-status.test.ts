import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WaitingReason } from '../../agent/pod/container-status.ts';
import { podStatus } from '../../agent/pod/pod-status.ts';
import type { ContainerStatus, Pod } from '../../proto/api/gen/core-v1.ts';
import { runDataDriven } from '../support/data-driven.ts';
import { newContainer, newPod, parseObserved, START_MS } from './pod-builder.ts';

interface Extras {
  readonly ended?: boolean;
  readonly waiting?: ReadonlyMap<string, WaitingReason>;
  readonly unready?: ReadonlySet<string>;
  readonly nowMs?: number;
}

function statusOf(pod: Pod, words: readonly string[], extras: Extras = {}) {
  return podStatus({
    pod,
    observed: parseObserved(words),
    runtimeName: 'skiff',
    hostIp: '10.1.0.2',
    nowMs: extras.nowMs ?? START_MS + 5000,
    ended: extras.ended ?? false,
    waiting: extras.waiting ?? new Map(),
    probes: (container) => ({
      started: true,
      ready: extras.unready?.has(container.name) !== true,
    }),
  });
}

/** `pod policy=P containers=a init=b`, then `observe …`, `waiting NAME REASON`, `unready NAME`, `end`. */
describe('podStatus', () => {
  runDataDriven('test/agent/testdata/pod-status', () => {
    let pod = newPod();
    let words: readonly string[] = [];
    let waiting = new Map<string, WaitingReason>();
    let unready = new Set<string>();
    return (command) => {
      const [verb, ...rest] = command.split(' ');
      if (verb === 'pod') {
        const fields = new Map(rest.map((word) => word.split('=') as [string, string]));
        const list = (text = '') =>
          text
            .split(',')
            .filter(Boolean)
            .map((name) => newContainer(name));
        pod = newPod({
          restartPolicy: (fields.get('policy') ?? 'Always') as 'Always',
          containers: list(fields.get('containers')),
          initContainers: list(fields.get('init')),
        });
        [words, waiting, unready] = [[], new Map(), new Set()];
      } else if (verb === 'observe') words = rest;
      else if (verb === 'waiting') waiting.set(rest[0] ?? '', { reason: rest[1] ?? '' });
      else if (verb === 'unready') unready.add(rest[0] ?? '');
      const status = statusOf(pod, words, { ended: verb === 'end', waiting, unready });
      const conditions = (status.conditions ?? [])
        .filter(({ type }) => type !== 'PodScheduled')
        .map(({ type, status: value, reason }) => `${type}=${value}${reason ? `(${reason})` : ''}`);
      const containers = [
        ...(status.initContainerStatuses ?? []),
        ...(status.containerStatuses ?? []),
      ];
      return [`${status.phase} ${conditions.join(' ')}`, ...containers.map(print)].join('\n');
    };
  });

  it('keeps the time of a condition that has not changed', () => {
    const first = statusOf(newPod(), ['sandbox=ready', 'app=running']);
    const pod = { ...newPod(), status: first };
    const second = statusOf(pod, ['sandbox=ready', 'app=running'], { nowMs: START_MS + 60_000 });
    assert.deepEqual(second, first);
    const third = statusOf(pod, ['sandbox=ready', 'app=running'], {
      nowMs: START_MS + 60_000,
      unready: new Set(['app']),
    });
    const ready = third.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.lastTransitionTime, '2026-01-01T00:01:00Z');
    assert.equal(ready?.message, 'containers with unready status: [app]');
  });

  it('never leaves a terminal phase', () => {
    const pod = { ...newPod(), status: { phase: 'Failed' as const, reason: 'Evicted' } };
    const status = statusOf(pod, ['sandbox=ready', 'app=running']);
    assert.equal(status.phase, 'Failed');
    assert.equal(status.reason, 'Evicted');
  });

  it('reports a container that the runtime lost', () => {
    const before = statusOf(newPod({ restartPolicy: 'Never' }), ['sandbox=ready', 'app=running']);
    const pod = { ...newPod({ restartPolicy: 'Never' }), status: before };
    const status = statusOf(pod, []);
    const terminated = status.containerStatuses?.[0]?.state?.terminated;
    assert.equal(status.phase, 'Failed');
    assert.equal(terminated?.exitCode, 137);
    assert.equal(terminated?.reason, 'ContainerStatusUnknown');
  });

  it('passes the conditions of others through', () => {
    const gate = { type: 'example.com/gate', status: 'False' };
    const pod = {
      ...newPod({ readinessGates: [{ conditionType: gate.type }] }),
      status: { conditions: [gate] },
    };
    const status = statusOf(pod, ['sandbox=ready', 'app=running']);
    assert.deepEqual(
      status.conditions?.find(({ type }) => type === gate.type),
      gate,
    );
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.reason, 'ReadinessGatesNotReady');
  });

  it('shows addresses, and keeps them when the sandbox has gone', () => {
    const status = statusOf(newPod(), ['sandbox=ready', 'app=running']);
    assert.equal(status.podIP, '10.0.0.5');
    assert.deepEqual(status.podIPs, [{ ip: '10.0.0.5' }]);
    assert.equal(status.hostIP, '10.1.0.2');
    const ended = statusOf({ ...newPod(), status }, ['sandbox=gone', 'app=exited(0)'], {
      ended: true,
    });
    assert.equal(ended.podIP, '10.0.0.5');
  });
});

function print(status: ContainerStatus): string {
  const state = (each: ContainerStatus['state']): string => {
    if (each?.running !== undefined) return 'running';
    if (each?.waiting !== undefined) return `waiting(${each.waiting.reason})`;
    const { terminated } = each ?? {};
    return terminated === undefined ? '-' : `${terminated.reason}(${terminated.exitCode})`;
  };
  const { name, ready, started, restartCount } = status;
  return `${name}: ${state(status.state)} last=${state(status.lastState)} ready=${ready} started=${started} restarts=${restartCount}`;
}
