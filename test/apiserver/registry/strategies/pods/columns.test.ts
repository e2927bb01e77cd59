import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  POD_COLUMNS,
  podCells,
} from '../../../../../apiserver/registry/strategies/pods/columns.ts';
import type { Pod } from '../../../../../proto/api/gen/core-v1.ts';

const NOW = '2026-01-01T01:00:00Z';
const nowMs = Date.parse(NOW);

interface Case {
  readonly name: string;
  readonly spec?: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
  readonly deleted?: true;
  /** READY, STATUS, RESTARTS */
  readonly shows: readonly [string, string, string];
}

const running = { running: { startedAt: NOW } };
const waiting = (reason: string) => ({ waiting: { reason } });
const ended = (exitCode: number, reason?: string) => ({ terminated: { exitCode, reason } });
const status = (state: object, rest: object = {}) => ({
  name: 'c',
  ready: false,
  restartCount: 0,
  state,
  ...rest,
});
const one = { containers: [{ name: 'c' }] };
const two = { containers: [{ name: 'c' }, { name: 'd' }] };
const withInit = { ...one, initContainers: [{ name: 'i' }, { name: 'j' }] };

const cases: readonly Case[] = [
  { name: 'pending', spec: one, status: { phase: 'Pending' }, shows: ['0/1', 'Pending', '0'] },
  {
    name: 'evicted',
    spec: one,
    status: { phase: 'Failed', reason: 'Evicted' },
    shows: ['0/1', 'Evicted', '0'],
  },
  {
    name: 'creating',
    spec: one,
    status: { phase: 'Pending', containerStatuses: [status(waiting('ContainerCreating'))] },
    shows: ['0/1', 'ContainerCreating', '0'],
  },
  {
    name: 'running and ready',
    spec: one,
    status: { phase: 'Running', containerStatuses: [status(running, { ready: true })] },
    shows: ['1/1', 'Running', '0'],
  },
  {
    name: 'restarted 5 minutes ago',
    spec: one,
    status: {
      phase: 'Running',
      containerStatuses: [
        status(running, {
          ready: true,
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
        }),
      ],
    },
    shows: ['1/1', 'Running', '3 (5m ago)'],
  },
  {
    name: 'crash looping',
    spec: one,
    status: {
      phase: 'Running',
      containerStatuses: [status(waiting('CrashLoopBackOff'), { restartCount: 2 })],
    },
    shows: ['0/1', 'CrashLoopBackOff', '2'],
  },
  {
    name: 'out of memory',
    spec: one,
    status: { phase: 'Failed', containerStatuses: [status(ended(137, 'OOMKilled'))] },
    shows: ['0/1', 'OOMKilled', '0'],
  },
  {
    name: 'ended without a reason',
    spec: one,
    status: { phase: 'Failed', containerStatuses: [status(ended(3))] },
    shows: ['0/1', 'ExitCode:3', '0'],
  },
  {
    name: 'ended by a signal without a reason',
    spec: one,
    status: {
      phase: 'Failed',
      containerStatuses: [status({ terminated: { exitCode: 0, signal: 9 } })],
    },
    shows: ['0/1', 'Signal:9', '0'],
  },
  {
    name: 'completed',
    spec: one,
    status: { phase: 'Succeeded', containerStatuses: [status(ended(0, 'Completed'))] },
    shows: ['0/1', 'Completed', '0'],
  },
  {
    name: 'one completed, one still runs, not ready',
    spec: two,
    status: {
      phase: 'Running',
      containerStatuses: [
        status(ended(0, 'Completed')),
        status(running, { name: 'd', ready: true }),
      ],
    },
    shows: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'one completed, one still runs, ready',
    spec: two,
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        status(ended(0, 'Completed')),
        status(running, { name: 'd', ready: true }),
      ],
    },
    shows: ['1/2', 'Running', '0'],
  },
  {
    name: 'terminating',
    spec: one,
    deleted: true,
    status: { phase: 'Running', containerStatuses: [status(running, { ready: true })] },
    shows: ['1/1', 'Terminating', '0'],
  },
  {
    name: 'deleted but ended',
    spec: one,
    deleted: true,
    status: { phase: 'Succeeded', containerStatuses: [status(ended(0, 'Completed'))] },
    shows: ['0/1', 'Completed', '0'],
  },
  {
    name: 'deleted on a lost node',
    spec: one,
    deleted: true,
    status: { phase: 'Running', reason: 'NodeLost' },
    shows: ['0/1', 'Unknown', '0'],
  },
  {
    name: 'first init container runs',
    spec: withInit,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status(running, { name: 'i' })],
      containerStatuses: [status(waiting('PodInitializing'))],
    },
    shows: ['0/1', 'Init:0/2', '0'],
  },
  {
    name: 'second init container waits',
    spec: withInit,
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        status(ended(0, 'Completed'), { name: 'i', restartCount: 1 }),
        status(waiting('PodInitializing'), { name: 'j' }),
      ],
    },
    shows: ['0/1', 'Init:1/2', '1'],
  },
  {
    name: 'init container crash looping',
    spec: withInit,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status(waiting('CrashLoopBackOff'), { name: 'i' })],
    },
    shows: ['0/1', 'Init:CrashLoopBackOff', '0'],
  },
  {
    name: 'init container failed',
    spec: withInit,
    status: { phase: 'Failed', initContainerStatuses: [status(ended(7), { name: 'i' })] },
    shows: ['0/1', 'Init:ExitCode:7', '0'],
  },
  {
    name: 'sidecar and main container run',
    spec: { ...one, initContainers: [{ name: 'i', restartPolicy: 'Always' }] },
    status: {
      phase: 'Running',
      initContainerStatuses: [status(running, { name: 'i', ready: true, started: true })],
      containerStatuses: [status(running, { ready: true })],
    },
    shows: ['2/2', 'Running', '0'],
  },
  {
    name: 'gated',
    spec: one,
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
    },
    shows: ['0/1', 'SchedulingGated', '0'],
  },
];

describe('podCells', () => {
  for (const { name, spec = {}, status: podStatus = {}, deleted, shows } of cases) {
    it(`shows a pod that is ${name}`, () => {
      const metadata = {
        name: 'p',
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...(deleted ? { deletionTimestamp: NOW } : {}),
      };
      const cells = podCells({ metadata, spec, status: podStatus } as unknown as Pod, nowMs);
      assert.deepEqual(cells.slice(0, 5), ['p', ...shows, '60m']);
      assert.equal(cells.length, POD_COLUMNS.length);
    });
  }

  it('shows address, nodes and readiness gates in wide output', () => {
    const pod = {
      metadata: { name: 'p' },
      spec: {
        ...one,
        nodeName: 'node-1',
        readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }],
      },
      status: { podIPs: [{ ip: '10.1.0.2' }], conditions: [{ type: 'a', status: 'True' }] },
    } as unknown as Pod;
    assert.deepEqual(podCells(pod, nowMs).slice(4), [
      '<unknown>',
      '10.1.0.2',
      'node-1',
      '<none>',
      '1/2',
    ]);
  });
});
