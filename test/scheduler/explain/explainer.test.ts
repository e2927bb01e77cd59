/** Why pods are where they are, and what would help those that are nowhere. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Pod, PodSpec } from '../../../proto/api/gen/core-v1.ts';
import type { PodExplanation } from '../../../proto/scheduler/explanation.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { DecisionLog, recordOf, scoredNodes } from '../../../scheduler/explain/decision-log.ts';
import { Explainer } from '../../../scheduler/explain/explainer.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { newGangScheduling } from '../../../scheduler/plugins/gang-scheduling.ts';
import { PodGroups } from '../../../scheduler/pod-groups.ts';
import { decide } from '../../../scheduler/schedule-one.ts';
import { inertProfile, newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

const framework = new Framework('default-scheduler', inertProfile());

class Cluster {
  readonly cache = new SchedulerCache();
  readonly log = new DecisionLog();
  readonly explainer = new Explainer({
    log: this.log,
    snapshot: () => this.cache.snapshot(),
    frameworkOf: () => framework,
    isAssumed: () => false,
    labelsOf: () => ({}),
  });

  constructor(nodes: readonly Node[], pods: readonly Pod[] = []) {
    for (const node of nodes) this.cache.setNode(node);
    for (const pod of pods) this.cache.setPod(pod);
  }

  schedule(pod: Pod): Pod {
    const options = {
      startIndex: 0,
      percentageOfNodesToScore: 0,
      tieBreak: { kind: 'first' },
    } as const;
    const decision = decide(framework, this.cache.snapshot(), newPodInfo(pod), options);
    this.log.record(recordOf(pod.metadata.uid, decision, { atMs: 0, tieBreak: 'first' }));
    if (decision.kind !== 'node') return pod;
    const placed = { ...pod, spec: { ...pod.spec, nodeName: decision.nodeName } };
    this.cache.setPod(placed);
    return placed;
  }

  async explain(pod: Pod): Promise<PodExplanation> {
    const explanation = await this.explainer.explain(pod, { limit: 100 });
    assert.ok(explanation !== undefined);
    return explanation;
  }

  async remediesFor(pod: Pod): Promise<string[]> {
    const { remedies } = await this.explain(pod);
    return remedies.map(({ changes }) => changes.join(' + '));
  }
}

const asking = (cpu: string, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [newContainer({ cpu })],
  ...more,
});

describe('explain, of a scheduled pod', () => {
  it('tells every plugin’s points as they were, the margin, and who was turned down', async () => {
    const nodes = [
      newNode('n1'),
      newNode('n2'),
      newNode('n3', {}, { spec: { unschedulable: true } }),
    ];
    const cluster = new Cluster(nodes, [newPod('busy', asking('2', { nodeName: 'n1' }))]);
    const pod = cluster.schedule(newPod('p', asking('1')));
    // What comes later changes nothing of what was.
    cluster.cache.setPod(newPod('later', asking('2', { nodeName: 'n2' })));
    const told = await cluster.explain(pod);
    assert.equal(told.state, 'scheduled');
    const [first, second, third] = told.nodes;
    assert.deepEqual([first?.name, first?.verdict, first?.asOf], ['n2', 'chosen', 'decision']);
    assert.deepEqual([second?.name, second?.verdict], ['n1', 'feasible']);
    const fit = told.plugins.findIndex(({ name }) => name === 'NodeResourcesFit');
    assert.deepEqual([first?.scores?.[fit], second?.scores?.[fit]], [86, 60]);
    for (const { scores = [], total } of [first, second].flatMap((node) => node ?? [])) {
      const sum = scores.reduce(
        (all, score, at) => all + score * (told.plugins[at]?.weight ?? 0),
        0,
      );
      assert.equal(sum, total);
    }
    assert.deepEqual(third?.objections, [
      {
        plugin: 'NodeUnschedulable',
        reasons: ['node(s) were unschedulable'],
        isUnresolvable: true,
      },
    ]);
    const { decision } = told;
    assert.equal(decision?.margin, (first?.total ?? 0) - (second?.total ?? 0));
    assert.deepEqual([decision?.ties, decision?.runnerUp, decision?.scored], [['n2'], 'n1', 2]);
    assert.deepEqual(told.remedies, []);
  });

  it('names ties and how they were broken', async () => {
    const cluster = new Cluster([newNode('n1'), newNode('n2'), newNode('n3')]);
    const { decision } = await cluster.explain(cluster.schedule(newPod('p', asking('1'))));
    assert.deepEqual(decision?.ties, ['n1', 'n2', 'n3']);
    assert.deepEqual([decision?.margin, decision?.tieBreak, decision?.chosen], [0, 'first', 'n1']);
  });

  it('says that it does not remember, and tells what is so now', async () => {
    const pod = newPod('old', asking('1', { nodeName: 'n1' }));
    const cluster = new Cluster([newNode('n1'), newNode('n2')], [pod]);
    const told = await cluster.explain(pod);
    assert.equal(told.decision, undefined);
    assert.match(told.notes[0] ?? '', /not remembered/);
    assert.deepEqual(
      told.nodes.map(({ asOf }) => asOf),
      ['now', 'now'],
    );
    // Without the pod itself both nodes are alike.
    assert.equal(told.nodes[0]?.total, told.nodes[1]?.total);
  });
});

describe('explain, of a pending pod', () => {
  const full = (node: string): Pod => newPod(`on-${node}`, asking('3500m', { nodeName: node }));

  it('names every objection of a node, not the first only', async () => {
    const taints = [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' as const }];
    const cluster = new Cluster([newNode('n1', {}, { spec: { taints } })], [full('n1')]);
    const told = await cluster.explain(newPod('p', asking('1')));
    assert.deepEqual(
      told.nodes[0]?.objections.map(({ plugin }) => plugin),
      ['TaintToleration', 'NodeResourcesFit'],
    );
  });

  it('finds the smallest changes, the easiest first', async () => {
    const taints = [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' as const }];
    const cluster = new Cluster(
      [
        newNode('n1'),
        newNode('n2', {}, { spec: { unschedulable: true } }),
        newNode('n3', {}, { spec: { taints } }),
        newNode('n4', { cpu: '1' }),
        newNode('n5', { pods: '0' }),
      ],
      [full('n1')],
    );
    assert.deepEqual(await cluster.remediesFor(newPod('p', asking('2'))), [
      'uncordon node n2',
      'tolerate dedicated=gpu:NoSchedule',
      '1 more pod slot on n5',
      'free 1500m cpu on n1',
      'ask for 1 cpu less (n4 has 1 in all)',
    ]);
  });

  it('adds up what is needed together', async () => {
    const cluster = new Cluster(
      [newNode('n1', {}, { spec: { unschedulable: true } })],
      [full('n1')],
    );
    const told = await cluster.explain(newPod('p', asking('1', { nodeSelector: { zone: 'a' } })));
    assert.deepEqual(
      told.remedies.map(({ changes }) => changes),
      [['uncordon node n1', 'add label zone=a to n1', 'free 500m cpu on n1']],
    );
  });

  it('knows labels that terms want, and the fewest of them', async () => {
    const terms = [
      {
        matchExpressions: [
          { key: 'a', operator: 'Exists' as const },
          { key: 'b', operator: 'Exists' as const },
        ],
      },
      { matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['ssd', 'nvme'] }] },
    ];
    const required = {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    };
    const cluster = new Cluster([newNode('n1')]);
    const pod = newPod('p', asking('1', { affinity: { nodeAffinity: required } }));
    assert.deepEqual(await cluster.remediesFor(pod), ['add label disk=ssd to n1']);
  });

  it('names the pods that are in the way', async () => {
    const port = newContainer({}, { ports: [{ containerPort: 80, hostPort: 8080 }] });
    const holder = newPod('web', { containers: [port], nodeName: 'n1' });
    const cluster = new Cluster([newNode('n1')], [holder]);
    assert.deepEqual(await cluster.remediesFor(newPod('p', { containers: [port] })), [
      'move pod default/web off n1',
    ]);
    const term = {
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: { app: 'db' } },
    };
    const affinity = {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    };
    const db = newPod('db-1', { nodeName: 'n1' }, { labels: { app: 'db' } });
    const apart = new Cluster([newNode('n1')], [db]);
    assert.deepEqual(await apart.remediesFor(newPod('p', asking('1', { affinity }))), [
      'move pod default/db-1 off n1',
    ]);
    const shy = newPod('shy', { affinity, nodeName: 'n1' });
    const repelling = new Cluster([newNode('n1')], [shy]);
    const other = newPod('p', asking('1'), { labels: { app: 'db' } });
    assert.deepEqual(await repelling.remediesFor(other), ['move pod default/shy off n1']);
  });

  it('every remedy holds: with its change made, the pod gets a node', async () => {
    const spread = {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'w' } },
    };
    const w = (name: string, nodeName?: string): Pod =>
      newPod(
        name,
        asking('1', { topologySpreadConstraints: [spread], ...(nodeName && { nodeName }) }),
        { labels: { app: 'w' } },
      );
    const cluster = new Cluster([newNode('n1'), newNode('n2', { cpu: '500m' })], [w('w1', 'n1')]);
    const remedies = await cluster.remediesFor(w('w2'));
    assert.deepEqual(remedies, [
      'ask for 500m cpu less (n2 has 500m in all)',
      'make the topology spread over kubernetes.io/hostname a wish (ScheduleAnyway)',
    ]);
    const relaxed = { ...spread, whenUnsatisfiable: 'ScheduleAnyway' as const };
    const pod = newPod('w3', asking('1', { topologySpreadConstraints: [relaxed] }), {
      labels: { app: 'w' },
    });
    assert.equal(cluster.schedule(pod).spec.nodeName, 'n1');
  });

  it('tells that a pod waits for others of its group', async () => {
    const groups = new PodGroups({ get: () => undefined });
    const plugins = [...inertProfile(), { plugin: newGangScheduling(groups) }];
    const cluster = new Cluster([newNode('n1')]);
    const explainer = new Explainer({
      log: cluster.log,
      snapshot: () => cluster.cache.snapshot(),
      frameworkOf: () => new Framework('default-scheduler', plugins),
      isAssumed: () => false,
      labelsOf: () => ({}),
    });
    const pod = newPod('p', asking('1', { schedulingGroup: { podGroupName: 'train' } }));
    const told = await explainer.explain(pod, { limit: 100 });
    assert.deepEqual(told?.notes, [
      'a node would take it now: it gets one when enough pods of its pod group "train" do',
      'waiting for pods\'s pod group "train" to appear in scheduling queue',
    ]);
  });

  it('tells gates', async () => {
    const cluster = new Cluster([newNode('n1')]);
    const told = await cluster.explain(newPod('p', { schedulingGates: [{ name: 'a/b' }] }));
    assert.deepEqual([told.state, told.remedies], ['gated', []]);
    assert.deepEqual(told.notes.at(-1), 'waiting for scheduling gates: [a/b]');
  });
});

describe('DecisionLog', () => {
  const record = (uid: string, nodes: number) => {
    const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
    const scored = scoredNodes(names, [{ plugin: 'P', weight: 1, scores: names.map(() => 7) }]);
    return {
      uid,
      atMs: 0,
      tieBreak: 'first',
      outcome: { kind: 'node', nodeName: 'n0', scored },
    } as const;
  };

  it('keeps the last ones, within its number and its bytes', () => {
    const few = new DecisionLog({ records: 3, bytes: 1e9 });
    for (const uid of ['a', 'b', 'c', 'b', 'd']) few.record(record(uid, 1));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((uid) => few.get(uid) !== undefined),
      [false, true, true, true],
    );
    const small = new DecisionLog({ records: 1e9, bytes: 100_000 });
    for (let index = 0; index < 100; index += 1) small.record(record(`p${index}`, 1_000));
    assert.ok(small.size.bytes <= 100_000 && small.size.records >= 9, JSON.stringify(small.size));
    for (let index = 0; index < 100; index += 1) small.forget(`p${index}`);
    assert.deepEqual(small.size, { records: 0, bytes: 0 });
  });

  it('has a byte for each whole score, and loses no fraction', () => {
    const names = ['a', 'b'];
    const whole = scoredNodes(names, [{ plugin: 'P', weight: 1, scores: [1, 100] }]);
    assert.deepEqual(whole.scores, Uint8Array.of(1, 100));
    const parts = scoredNodes(names, [{ plugin: 'P', weight: 1, scores: [1, 0.5] }]);
    assert.deepEqual(parts.scores, Float32Array.of(1, 0.5));
  });
});
