import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addPodToNode, type NodeInfo, newNodeInfo } from '../../../scheduler/cache/node-info.ts';
import { newPodInfo, type PodInfo } from '../../../scheduler/cache/pod-info.ts';
import { podRequests } from '../../../scheduler/cache/pod-requests.ts';
import { DEFAULT_PLUGIN_ARGS } from '../../../scheduler/config/plugin-args.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import { newNodeResourcesBalancedAllocation } from '../../../scheduler/plugins/node-resources-balanced-allocation.ts';
import { newNodeResourcesFit } from '../../../scheduler/plugins/node-resources-fit.ts';
import { newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

function podOf(cpu: string, memory: string): PodInfo {
  return newPodInfo(newPod('p', { containers: [newContainer({ cpu, memory })] }));
}

function nodeOf(cpu: string, memory: string, ...pods: PodInfo[]): NodeInfo {
  return pods.reduce(addPodToNode, newNodeInfo(newNode('n', { cpu, memory })));
}

const state = new CycleState();

describe('NodeResourcesFit', () => {
  const fit = newNodeResourcesFit();

  it('scores LeastAllocated as upstream’s own test vectors', () => {
    const score = (pod: PodInfo, ...nodes: NodeInfo[]): unknown =>
      nodes.map((node) => fit.score?.(state, pod, node));
    const pod = podOf('3000m', '5000');
    assert.deepEqual(score(pod, nodeOf('4000m', '10000'), nodeOf('6000m', '10000')), [37, 50]);
    const busy = nodeOf('10000m', '20000', podOf('3000m', '0'));
    const fuller = nodeOf('10000m', '20000', podOf('3000m', '5000'));
    const roomy = nodeOf('10000m', '50000', podOf('3000m', '5000'));
    assert.deepEqual(score(pod, busy, fuller, roomy), [57, 45, 60]);
    const zero = podOf('0', '0');
    const half = nodeOf('10000m', '20000', podOf('6000m', '0'));
    const more = nodeOf('10000m', '20000', podOf('6000m', '5000'));
    assert.deepEqual(score(zero, half, more), [70, 57]);
    const resources = [
      { name: 'cpu', weight: 1 },
      { name: 'memory', weight: 2 },
    ];
    const weighted = newNodeResourcesFit({
      ...DEFAULT_PLUGIN_ARGS.NodeResourcesFit,
      scoringStrategy: { type: 'LeastAllocated', resources },
    });
    const nodes = [nodeOf('4000m', '10000'), nodeOf('6000m', '10000')];
    assert.deepEqual(
      nodes.map((node) => weighted.score?.(state, pod, node)),
      [41, 50],
    );
  });

  it('names everything that lacks, and says when nothing can help', () => {
    const node = nodeOf('2', '1Gi', podOf('1500m', '512Mi'));
    const filter = (pod: PodInfo): unknown => {
      const status = fit.filter?.(state, pod, node);
      return status === undefined ? undefined : [status.code, ...status.reasons];
    };
    assert.equal(filter(podOf('500m', '512Mi')), undefined, 'What is left fits exactly');
    assert.deepEqual(filter(podOf('1', '600Mi')), [
      'Unschedulable',
      'Insufficient cpu',
      'Insufficient memory',
    ]);
    assert.deepEqual(filter(podOf('3', '1Mi')), [
      'UnschedulableAndUnresolvable',
      'Insufficient cpu',
    ]);
    const gpu = newPodInfo(newPod('p', { containers: [newContainer({ 'example.com/gpu': '1' })] }));
    assert.deepEqual(filter(gpu), ['UnschedulableAndUnresolvable', 'Insufficient example.com/gpu']);
  });

  it('counts pods', () => {
    const empty = newNodeInfo(newNode('n', { pods: '1' }));
    const pod = newPodInfo(newPod('p', { containers: [newContainer()] }));
    assert.equal(fit.filter?.(state, pod, empty), undefined);
    const full = addPodToNode(empty, podOf('0', '0'));
    assert.deepEqual(fit.filter?.(state, pod, full)?.reasons, ['Too many pods']);
  });
});

describe('NodeResourcesBalancedAllocation', () => {
  const pod = podOf('3000m', '5000');
  const nodes = [nodeOf('4000m', '10000'), nodeOf('6000m', '10000')];

  it('scores as upstream up to 1.35 and since 1.36', () => {
    for (const [formula, expected] of [
      ['1.35', [87, 100]],
      ['1.36', [68, 75]],
    ] as const) {
      const plugin = newNodeResourcesBalancedAllocation({ formula });
      assert.deepEqual(
        nodes.map((node) => plugin.score?.(state, pod, node)),
        expected,
      );
    }
  });

  it('has no say on pods that ask for nothing', () => {
    const plugin = newNodeResourcesBalancedAllocation();
    const none = newPodInfo(newPod('p', { containers: [newContainer()] }));
    assert.equal(plugin.preScore?.(state, none, [])?.code, 'Skip');
    assert.equal(plugin.preScore?.(state, pod, []), undefined);
  });
});

describe('podRequests', () => {
  const cpu = (milli: number, more: object = {}) => newContainer({ cpu: `${milli}m` }, more);
  const sidecar = { restartPolicy: 'Always' };
  const requested = (...args: Parameters<typeof newPod>): number =>
    podRequests(newPod(...args)).requests.milliCpu;

  it('takes the larger of what starts and what runs, with sidecars, plus overhead', () => {
    const containers = [cpu(100), cpu(200)];
    assert.equal(requested('p', { containers }), 300);
    assert.equal(requested('p', { containers, initContainers: [cpu(250)] }), 300);
    assert.equal(requested('p', { containers, initContainers: [cpu(400), cpu(350)] }), 400);
    assert.equal(requested('p', { containers, initContainers: [cpu(50, sidecar)] }), 350);
    // An init container only stands beside the sidecars that were started before it.
    const mixed = [cpu(400), cpu(50, sidecar), cpu(390)];
    assert.equal(requested('p', { containers, initContainers: mixed }), 440);
    assert.equal(requested('p', { containers, overhead: { cpu: '10m' } }), 310);
    const resources = { requests: { cpu: '1' } };
    assert.equal(requested('p', { containers, resources }), 1000);
  });

  it('counts containers without requests in scores only', () => {
    const pod = newPod('p', { containers: [newContainer(), newContainer({ cpu: '0' })] });
    const { requests, nonZero } = podRequests(pod);
    assert.equal(requests.milliCpu, 0);
    assert.equal(nonZero.milliCpu, 100, 'An explicit zero stays zero');
    assert.equal(nonZero.memory, 2 * 200 * 1024 * 1024);
  });
});
