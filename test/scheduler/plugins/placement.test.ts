import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodSpec, Taint, Toleration } from '../../../proto/api/gen/core-v1.ts';
import { toleratesTaint } from '../../../proto/api/taints.ts';
import { addPodToNode, newNodeInfo } from '../../../scheduler/cache/node-info.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { newSnapshot } from '../../../scheduler/cache/snapshot.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import { imageLocality } from '../../../scheduler/plugins/image-locality.ts';
import { nodeAffinity } from '../../../scheduler/plugins/node-affinity.ts';
import { nodeName } from '../../../scheduler/plugins/node-name.ts';
import { nodePorts } from '../../../scheduler/plugins/node-ports.ts';
import { matchesNodeSelectorTerm } from '../../../scheduler/plugins/node-selector.ts';
import { nodeUnschedulable } from '../../../scheduler/plugins/node-unschedulable.ts';
import { schedulingGates } from '../../../scheduler/plugins/scheduling-gates.ts';
import { taintToleration } from '../../../scheduler/plugins/taint-toleration.ts';
import { newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

const state = new CycleState();
const pod = (spec: Partial<PodSpec> = {}) => newPodInfo(newPod('p', spec));

describe('toleratesTaint', () => {
  const taint: Taint = { key: 'k', value: 'v', effect: 'NoSchedule' };
  const cases: [Toleration, boolean][] = [
    [{ key: 'k', value: 'v', effect: 'NoSchedule' }, true],
    [{ key: 'k', operator: 'Equal', value: 'v' }, true],
    [{ key: 'k', value: 'w' }, false],
    [{ key: 'k', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'j', operator: 'Exists' }, false],
    [{ value: 'v' }, false],
    [{ key: 'k', operator: 'Gt', value: '0' }, false],
  ];
  for (const [toleration, expected] of cases) {
    it(`${JSON.stringify(toleration)}: ${expected}`, () =>
      assert.equal(toleratesTaint(toleration, taint), expected));
  }
});

describe('filters', () => {
  it('NodeUnschedulable keeps pods off cordoned nodes unless they tolerate it', () => {
    const node = newNodeInfo(newNode('n', {}, { spec: { unschedulable: true } }));
    const reasons = nodeUnschedulable.filter?.(state, pod(), node)?.reasons;
    assert.deepEqual(reasons, ['node(s) were unschedulable']);
    const tolerations: Toleration[] = [
      { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' },
    ];
    assert.equal(nodeUnschedulable.filter?.(state, pod({ tolerations }), node), undefined);
  });

  it('NodeName keeps to the named node', () => {
    const node = newNodeInfo(newNode('n'));
    assert.equal(nodeName.filter?.(state, pod({ nodeName: 'n' }), node), undefined);
    const status = nodeName.filter?.(state, pod({ nodeName: 'm' }), node);
    assert.equal(status?.code, 'UnschedulableAndUnresolvable');
  });

  it('TaintToleration filters by the hard effects and counts the soft one', () => {
    const taints: Taint[] = [
      { key: 'a', effect: 'PreferNoSchedule' },
      { key: 'b', effect: 'PreferNoSchedule' },
    ];
    const soft = newNodeInfo(newNode('n', {}, { spec: { taints } }));
    assert.equal(taintToleration.filter?.(state, pod(), soft), undefined);
    assert.equal(taintToleration.score?.(state, pod(), soft), 2);
    const scores = [2, 0, 1];
    taintToleration.normalizeScore?.(state, pod(), scores);
    assert.deepEqual(scores, [0, 100, 50]);
    const hard: Taint[] = [{ key: 'a', effect: 'NoExecute' }];
    const node = newNodeInfo(newNode('n', {}, { spec: { taints: hard } }));
    assert.deepEqual(taintToleration.filter?.(state, pod(), node)?.reasons, [
      'node(s) had untolerated taint(s)',
    ]);
  });

  it('NodePorts sees conflicts of addresses and protocols', () => {
    const withPort = (hostPort: number, hostIP?: string, protocol?: 'UDP') =>
      pod({
        containers: [
          newContainer(
            {},
            {
              ports: [
                {
                  containerPort: 80,
                  hostPort,
                  ...(hostIP === undefined ? {} : { hostIP }),
                  ...(protocol === undefined ? {} : { protocol }),
                },
              ],
            },
          ),
        ],
      });
    const node = addPodToNode(newNodeInfo(newNode('n')), withPort(80, '10.0.0.1'));
    const free = (info: ReturnType<typeof pod>) => nodePorts.filter?.(state, info, node);
    assert.deepEqual(free(withPort(80))?.reasons, [
      "node(s) didn't have free ports for the requested pod ports",
    ]);
    assert.equal(free(withPort(80, '10.0.0.1'))?.code, 'Unschedulable');
    assert.equal(free(withPort(80, '10.0.0.2')), undefined);
    assert.equal(free(withPort(80, '10.0.0.1', 'UDP')), undefined);
    assert.equal(free(withPort(81)), undefined);
    assert.equal(nodePorts.preFilter?.(state, pod(), newSnapshot([])).status?.code, 'Skip');
  });

  it('SchedulingGates holds back', () => {
    const gated = newPod('p', { schedulingGates: [{ name: 'a' }, { name: 'b' }] });
    assert.deepEqual(schedulingGates.preEnqueue?.(gated)?.reasons, [
      'waiting for scheduling gates: [a b]',
    ]);
    assert.equal(schedulingGates.preEnqueue?.(newPod('p')), undefined);
  });
});

describe('NodeAffinity', () => {
  const node = newNode('n1', {}, { labels: { zone: 'a', rank: '5' } });
  const info = newNodeInfo(node);

  it('matches every operator', () => {
    const cases: [string, string, string[], boolean][] = [
      ['zone', 'In', ['a', 'b'], true],
      ['zone', 'NotIn', ['a'], false],
      ['other', 'NotIn', ['a'], true],
      ['zone', 'Exists', [], true],
      ['other', 'DoesNotExist', [], true],
      ['rank', 'Gt', ['4'], true],
      ['rank', 'Lt', ['4'], false],
      ['zone', 'Gt', ['4'], false],
    ];
    for (const [key, operator, values, expected] of cases) {
      const term = { matchExpressions: [{ key, operator: operator as 'In', values }] };
      assert.equal(matchesNodeSelectorTerm(term, node), expected, `${key} ${operator}`);
    }
    assert.equal(matchesNodeSelectorTerm({}, node), false, 'An empty term matches nothing');
  });

  it('needs the nodeSelector and one of the required terms', () => {
    const required = (zone: string): Partial<PodSpec> => ({
      nodeSelector: { rank: '5' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] },
            ],
          },
        },
      },
    });
    assert.equal(nodeAffinity.filter?.(state, pod(required('a')), info), undefined);
    assert.deepEqual(nodeAffinity.filter?.(state, pod(required('b')), info)?.reasons, [
      "node(s) didn't match Pod's node affinity/selector",
    ]);
    assert.notEqual(
      nodeAffinity.filter?.(state, pod({ nodeSelector: { a: 'b' } }), info),
      undefined,
    );
  });

  it('looks only at nodes that all terms name, and says when they conflict', () => {
    const named = (...terms: string[][][]) =>
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: terms.map((fields) => ({
                matchFields: fields.map((values) => ({
                  key: 'metadata.name',
                  operator: 'In',
                  values,
                })),
              })),
            },
          },
        },
      });
    const preFilter = (each: ReturnType<typeof pod>) =>
      nodeAffinity.preFilter?.(state, each, newSnapshot([]));
    assert.deepEqual(preFilter(named([['a', 'b']], [['c']]))?.nodeNames, new Set(['a', 'b', 'c']));
    const conflict = preFilter(named([['a'], ['b']]));
    assert.deepEqual(conflict?.status?.reasons, ['pod affinity terms conflict']);
    assert.equal(preFilter(pod())?.status?.code, 'Skip');
  });

  it('adds the weights of preferred terms', () => {
    const term = (values: string[], weight: number) => ({
      weight,
      preference: { matchExpressions: [{ key: 'zone', operator: 'In' as const, values }] },
    });
    const preferred = pod({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            term(['a'], 10),
            term(['a', 'b'], 5),
            term(['c'], 70),
          ],
        },
      },
    });
    assert.equal(nodeAffinity.score?.(state, preferred, info), 15);
    assert.equal(nodeAffinity.preScore?.(state, pod(), [])?.code, 'Skip');
  });
});

describe('ImageLocality', () => {
  it('prefers nodes with large images, by how many nodes have them', () => {
    const MIB = 1024 * 1024;
    const images = (name: string, size: number) => ({
      status: { images: [{ names: [name], sizeBytes: size * MIB }] },
    });
    const withImage = newNodeInfo({ ...newNode('n1'), ...images('i:latest', 250) });
    const without = newNodeInfo(newNode('n2'));
    const cycle = new CycleState();
    imageLocality.preFilter?.(cycle, pod(), newSnapshot([withImage, without]));
    // Half of the nodes have it: (125 - 23) / (1000 - 23) of 100.
    assert.equal(imageLocality.score?.(cycle, pod(), withImage), 10);
    assert.equal(imageLocality.score?.(cycle, pod(), without), 0);
  });
});
