import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Pod, PodSpec } from '../../../../proto/api/gen/core-v1.ts';
import type { PodDisruptionBudget } from '../../../../proto/api/gen/policy-v1.ts';
import { SchedulerCache } from '../../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../../scheduler/cache/pod-info.ts';
import { defaultProfile } from '../../../../scheduler/default-profile.ts';
import { Framework } from '../../../../scheduler/framework/framework.ts';
import {
  type Candidate,
  selectCandidate,
} from '../../../../scheduler/plugins/default-preemption/select-candidate.ts';
import { Nominator } from '../../../../scheduler/queue/nominator.ts';
import { type Decision, decide } from '../../../../scheduler/schedule-one.ts';
import { newContainer, newNode, newPod } from '../../../support/scheduling-objects.ts';

interface Situation {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly budgets?: readonly PodDisruptionBudget[];
  readonly nominated?: readonly (readonly [Pod, string])[];
}

function decideOn(situation: Situation, pod: Pod): Decision {
  const { nodes, pods, budgets = [], nominated = [] } = situation;
  const cache = new SchedulerCache();
  for (const node of nodes) cache.setNode(node);
  for (const each of pods) cache.setPod(each);
  const profile = defaultProfile({
    client: { request: () => Promise.reject(new Error('unused')) },
    peersOf: () => undefined,
    namespaceLabels: () => ({}),
    budgets: () => budgets,
  });
  const nominator = new Nominator();
  for (const [each, node] of nominated) nominator.set(newPodInfo(each), node);
  return decide(new Framework('default-scheduler', profile), cache.snapshot(), newPodInfo(pod), {
    startIndex: 0,
    percentageOfNodesToScore: 0,
    tieBreak: { kind: 'first' },
    nominated: nominator,
  });
}

/** `n1: a b`: the node and its victims, or why there are none. */
function outcomeOf(decision: Decision): string {
  switch (decision.kind) {
    case 'node':
      return decision.nodeName;
    case 'error':
      return decision.status.reasons.join();
    case 'none': {
      const { nominatedNodeName = '', victims, diagnosis } = decision;
      if (victims.length === 0) return diagnosis.postFilterMessage ?? '';
      return `${nominatedNodeName}: ${victims.map(({ metadata }) => metadata.name).join(' ')}`;
    }
  }
}

const preempts = (situation: Situation, pod: Pod): string => outcomeOf(decideOn(situation, pod));

const cpu = (amount: string, priority: number, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [newContainer({ cpu: amount })],
  priority,
  ...more,
});
const on = (
  nodeName: string,
  name: string,
  spec: Partial<PodSpec>,
  metadata: Partial<Pod['metadata']> = {},
): Pod => newPod(name, { ...spec, nodeName }, metadata);
const started = (pod: Pod, startTime: string): Pod => ({
  ...pod,
  status: { ...pod.status, startTime },
});
const budget = (name: string, app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
});

describe('the victims on a node', () => {
  it('are as few as suffice, and the most important ones stay', () => {
    const pods = [
      on('n1', 'low', cpu('1', 0)),
      on('n1', 'middle', cpu('1', 5)),
      on('n1', 'high', cpu('2', 20)),
    ];
    const situation = { nodes: [newNode('n1')], pods };
    assert.equal(preempts(situation, newPod('p', cpu('1', 10))), 'n1: low');
    assert.equal(preempts(situation, newPod('p', cpu('2', 10))), 'n1: middle low');
  });

  it('of the same priority are those that started last', () => {
    const pods = [
      started(on('n1', 'old', cpu('2', 0)), '2026-01-01T00:00:00Z'),
      started(on('n1', 'young', cpu('2', 0)), '2026-01-02T00:00:00Z'),
    ];
    assert.equal(
      preempts({ nodes: [newNode('n1')], pods }, newPod('p', cpu('2', 10))),
      'n1: young',
    );
  });

  it('are not those that a budget protects, when others do', () => {
    const guarded = { labels: { app: 'guarded' } };
    const pods = [on('n1', 'kept', cpu('2', 0), guarded), on('n1', 'free', cpu('2', 5))];
    const nodes = [newNode('n1')];
    const wanted = newPod('p', cpu('2', 10));
    assert.equal(preempts({ nodes, pods }, wanted), 'n1: kept');
    const budgets = [budget('b', 'guarded', 0)];
    assert.equal(preempts({ nodes, pods, budgets }, wanted), 'n1: free');
    const loose = [budget('b', 'guarded', 1)];
    assert.equal(preempts({ nodes, pods, budgets: loose }, wanted), 'n1: kept');
  });

  it('are protected ones too, when there is no other way', () => {
    const pods = [on('n1', 'kept', cpu('4', 0), { labels: { app: 'guarded' } })];
    const situation = { nodes: [newNode('n1')], pods, budgets: [budget('b', 'guarded', 0)] };
    assert.equal(preempts(situation, newPod('p', cpu('2', 10))), 'n1: kept');
  });

  it('are who keeps the pod away by anti-affinity, theirs or its own', () => {
    const away = (app: string): Partial<PodSpec> => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } },
          ],
        },
      },
    });
    const nodes = [newNode('n1')];
    const web = { labels: { app: 'web' } };
    const pods = [
      on('n1', 'bystander', cpu('1', 0)),
      on('n1', 'hermit', cpu('1', 0, away('web'))),
      on('n1', 'rival', cpu('1', 0), web),
    ];
    assert.equal(preempts({ nodes, pods }, newPod('p', cpu('1', 10), web)), 'n1: hermit');
    const picky = newPod('p', cpu('1', 10, away('web')));
    assert.equal(preempts({ nodes, pods }, picky), 'n1: rival');
  });

  it('are who makes the pods of a zone too many', () => {
    const zone = (name: string, value: string): Node =>
      newNode(name, {}, { labels: { zone: value } });
    const web = { labels: { app: 'web' } };
    const pods = [
      on('a', 'web-1', cpu('1', 0), web),
      on('a', 'web-2', cpu('1', 0), web),
      on('a', 'other', cpu('1', 0)),
      on('b', 'full', cpu('4', 20)),
    ];
    const spread = {
      topologySpreadConstraints: [
        {
          maxSkew: 2,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule' as const,
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    };
    const situation = { nodes: [zone('a', 'a'), zone('b', 'b')], pods };
    assert.equal(preempts(situation, newPod('p', cpu('1', 10, spread), web)), 'a: web-2');
  });

  it('are none where only equals run, and nobody is asked where it would not help', () => {
    const nodes = [newNode('n1'), newNode('n2', {}, { spec: { unschedulable: true } })];
    const pods = [on('n1', 'equal', cpu('4', 10))];
    assert.equal(
      preempts({ nodes, pods }, newPod('p', cpu('2', 10))),
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    );
  });
});

describe('nominated pods', () => {
  it('keep their room from equals and from lower ones, not from higher ones', () => {
    const nodes = [newNode('n1', { cpu: '2' })];
    const nominated = [[newPod('waiting', cpu('2', 10)), 'n1']] as const;
    const situation = { nodes, pods: [], nominated };
    assert.match(preempts(situation, newPod('low', cpu('1', 5))), /^preemption: /);
    assert.match(preempts(situation, newPod('equal', cpu('1', 10))), /^preemption: /);
    assert.equal(preempts(situation, newPod('high', cpu('1', 11))), 'n1');
  });

  it('do not count as company that is there already', () => {
    const web = { labels: { app: 'web' } };
    const near: Partial<PodSpec> = {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: 'kubernetes.io/hostname',
              labelSelector: { matchLabels: { app: 'web' } },
            },
          ],
        },
      },
    };
    const nominated = [[newPod('waiting', cpu('1', 10), web), 'n1']] as const;
    const situation = { nodes: [newNode('n1')], pods: [], nominated };
    assert.match(preempts(situation, newPod('fan', cpu('1', 0, near))), /^preemption: /);
  });

  it('get their own node first', () => {
    const nodes = [newNode('n1', { cpu: '2' }), newNode('n2', { cpu: '64' })];
    const pod = newPod('p', cpu('1', 10));
    const waiting: Pod = { ...pod, status: { nominatedNodeName: 'n1' } };
    assert.equal(preempts({ nodes, pods: [] }, waiting), 'n1');
  });
});

describe('selectCandidate', () => {
  const victim = (priority: number, startTime?: string) => {
    const pod = newPod('v', cpu('1', priority));
    return newPodInfo(startTime === undefined ? pod : started(pod, startTime));
  };
  const candidate = (
    nodeName: string,
    victims: Candidate['victims'],
    budgetViolations = 0,
  ): Candidate => ({ nodeName, victims, budgetViolations });
  const cases: readonly (readonly [string, readonly Candidate[], string])[] = [
    [
      'the fewest broken budgets',
      [candidate('a', [victim(0)], 1), candidate('b', [victim(9), victim(9)])],
      'b',
    ],
    [
      'the lowest of the highest priorities',
      [candidate('a', [victim(5), victim(0)]), candidate('b', [victim(4), victim(4)])],
      'b',
    ],
    [
      'the lowest sum of priorities',
      [candidate('a', [victim(5), victim(3)]), candidate('b', [victim(5), victim(2)])],
      'b',
    ],
    [
      'fewer victims, also when their priorities are negative',
      [candidate('a', [victim(-1), victim(-2)]), candidate('b', [victim(-1)])],
      'b',
    ],
    [
      'the one whose longest running important victim started last',
      [
        candidate('a', [victim(5, '2026-01-01T00:00:00Z')]),
        candidate('b', [victim(5, '2026-01-03T00:00:00Z')]),
        candidate('c', [victim(5, '2026-01-02T00:00:00Z')]),
      ],
      'b',
    ],
    ['the first of equals', [candidate('a', [victim(1)]), candidate('b', [victim(1)])], 'a'],
  ];
  for (const [what, candidates, expected] of cases) {
    it(`takes ${what}`, () => assert.equal(selectCandidate(candidates)?.nodeName, expected));
  }
});
