import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  Affinity,
  Pod,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../../proto/api/gen/core-v1.ts';
import { requirementsOfMap } from '../../../proto/api/label-selector.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import type { Plugin } from '../../../scheduler/framework/plugin.ts';
import { newPeerSelector } from '../../../scheduler/peer-selector.ts';
import { newInterPodAffinity } from '../../../scheduler/plugins/inter-pod-affinity/inter-pod-affinity.ts';
import { newPodTopologySpread } from '../../../scheduler/plugins/pod-topology-spread/pod-topology-spread.ts';
import { newNode, newPod } from '../../support/scheduling-objects.ts';
import { newReplicaSet, START } from '../../support/workload-objects.ts';

/** Two zones of two nodes: a1 and a2, b1 and b2. */
const NODES = ['a1', 'a2', 'b1', 'b2'].map((name) =>
  newNode(name, {}, { labels: { zone: name.charAt(0) } }),
);
const web = { labels: { app: 'web' } };
const on = (nodeName: string, metadata: object = web, affinity?: Affinity): Pod =>
  newPod(`on-${nodeName}`, { nodeName, ...(affinity === undefined ? {} : { affinity }) }, metadata);

/** What the plugin says of each node: why not, or its normalised score. */
function ask(plugin: Plugin, pod: Pod, existing: readonly Pod[]): Record<string, unknown> {
  const cache = new SchedulerCache();
  for (const node of NODES) cache.setNode(node);
  for (const each of existing) cache.setPod(each);
  const snapshot = cache.snapshot();
  const state = new CycleState();
  const info = newPodInfo(pod);
  const isSkipped = plugin.preFilter?.(state, info, snapshot).status?.code === 'Skip';
  const verdicts = snapshot.nodes.map((node) => {
    const status = isSkipped ? undefined : plugin.filter?.(state, info, node);
    return { node, reason: status?.reasons[0] };
  });
  const feasible = verdicts.filter(({ reason }) => reason === undefined).map(({ node }) => node);
  const scores: number[] = [];
  if (plugin.preScore?.(state, info, feasible) === undefined) {
    scores.push(...feasible.map((node) => plugin.score?.(state, info, node) ?? 0));
    plugin.normalizeScore?.(state, info, scores);
  }
  const said = verdicts.map(({ node, reason }) => {
    const index = feasible.indexOf(node);
    return [node.name, reason ?? scores[index]] as const;
  });
  return Object.fromEntries(said.filter(([, what]) => what !== undefined));
}

describe('PodTopologySpread', () => {
  const plugin = newPodTopologySpread(() => undefined);
  const spread = (
    whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway',
    more: Partial<TopologySpreadConstraint> = {},
  ): Pod => {
    const labelSelector = { matchLabels: { app: 'web' } };
    const common = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable, labelSelector };
    return newPod('p', { topologySpreadConstraints: [{ ...common, ...more }] }, web);
  };
  const UNEVEN = "node(s) didn't match pod topology spread constraints";

  it('turns down domains that would have too many', () => {
    const existing = [on('a1'), on('a2')];
    assert.deepEqual(ask(plugin, spread('DoNotSchedule'), existing), { a1: UNEVEN, a2: UNEVEN });
    assert.deepEqual(ask(plugin, spread('DoNotSchedule', { maxSkew: 3 }), existing), {});
    assert.deepEqual(ask(plugin, spread('DoNotSchedule'), [...existing, on('b1')]), {
      a1: UNEVEN,
      a2: UNEVEN,
    });
  });

  it('counts only selected pods of the namespace that stay', () => {
    const existing = [
      on('a1', { labels: { app: 'other' } }),
      on('a1', { ...web, namespace: 'elsewhere' }),
      on('a1', { ...web, deletionTimestamp: START }),
    ];
    assert.deepEqual(ask(plugin, spread('DoNotSchedule'), existing), {});
  });

  it('counts nothing as the smallest when there are fewer domains than asked', () => {
    const existing = [on('a1'), on('b1')];
    const all = { a1: UNEVEN, a2: UNEVEN, b1: UNEVEN, b2: UNEVEN };
    assert.deepEqual(ask(plugin, spread('DoNotSchedule', { minDomains: 3 }), existing), all);
  });

  it('says which nodes lack the label', () => {
    const missing = `${UNEVEN} (missing required label)`;
    assert.deepEqual(ask(plugin, spread('DoNotSchedule', { topologyKey: 'rack' }), []), {
      a1: missing,
      a2: missing,
      b1: missing,
      b2: missing,
    });
  });

  it('prefers the emptier domain, as upstream counts', () => {
    const scores = ask(plugin, spread('ScheduleAnyway'), [on('a1'), on('a2'), on('b1')]);
    // Counts 2 and 1, each times ln(2 + 2): 2.77 and 1.39, rounded 3 and 1.
    assert.deepEqual(scores, { a1: 33, a2: 33, b1: 100, b2: 100 });
  });

  it('spreads pods of one ReplicaSet or Service over nodes without being asked', () => {
    const peers = newPodTopologySpread(() => requirementsOfMap({ app: 'web' }));
    const scores = ask(peers, newPod('p', {}, web), [on('a1'), on('a1'), on('a2')]);
    const order = Object.entries(scores).sort(([, a], [, b]) => Number(b) - Number(a));
    assert.deepEqual(
      order.map(([name]) => name),
      ['b1', 'b2', 'a2', 'a1'],
    );
    assert.deepEqual(ask(plugin, newPod('p', {}, web), [on('a1')]), {}, 'Nobody to spread among');
  });
});

describe('newPeerSelector', () => {
  it('joins the selectors of Services and of the ReplicaSet', () => {
    const set = newReplicaSet('set', { replicas: 1 });
    const service = (selector: Record<string, string>) => ({ spec: { selector } }) as never;
    const peersOf = newPeerSelector(
      { byIndex: () => [service({ tier: 'front' }), service({ tier: 'back' }), service({})] },
      { get: (key) => (key === 'default/set' ? set : undefined) },
    );
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'set', controller: true };
    const labels = { app: 'web', tier: 'front' };
    const owned = { labels, ownerReferences: [{ ...owner, uid: set.metadata.uid }] };
    const keys = (pod: Pod) => peersOf(pod)?.map(({ key, values }) => `${key}=${values.join()}`);
    assert.deepEqual(keys(newPod('p', {}, owned)), ['tier=front', 'app=web']);
    const foreign = { labels: {}, ownerReferences: [{ ...owner, uid: 'another' }] };
    assert.equal(keys(newPod('p', {}, foreign)), undefined);
  });
});

describe('InterPodAffinity', () => {
  const labelsOf = (name: string): Record<string, string> =>
    name === 'elsewhere' ? { team: 'x' } : {};
  const plugin = newInterPodAffinity(labelsOf);
  const term = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
    topologyKey: 'zone',
    labelSelector: { matchLabels: { app } },
    ...more,
  });
  const needs = (...terms: PodAffinityTerm[]): Affinity => ({
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
  });
  const refuses = (...terms: PodAffinityTerm[]): Affinity => ({
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
  });
  const NEAR = "node(s) didn't match pod affinity rules";
  const FAR = "node(s) didn't match pod anti-affinity rules";
  const UNWILLING = "node(s) didn't satisfy existing pods anti-affinity rules";

  it('needs all of its terms met where the node is', () => {
    const pod = newPod('p', { affinity: needs(term('web')) });
    assert.deepEqual(ask(plugin, pod, [on('a1')]), { b1: NEAR, b2: NEAR });
    const host = needs(term('web', { topologyKey: 'kubernetes.io/hostname' }));
    assert.deepEqual(ask(plugin, newPod('p', { affinity: host }), [on('a1')]), {
      a2: NEAR,
      b1: NEAR,
      b2: NEAR,
    });
  });

  it('lets the first of a group go anywhere, and nobody who waits for others', () => {
    const all = { a1: NEAR, a2: NEAR, b1: NEAR, b2: NEAR };
    assert.deepEqual(ask(plugin, newPod('p', { affinity: needs(term('web')) }, web), []), {});
    assert.deepEqual(ask(plugin, newPod('p', { affinity: needs(term('web')) }), []), all);
  });

  it('keeps away from whom it refuses, and from who refuses it', () => {
    const pod = newPod('p', { affinity: refuses(term('web')) });
    assert.deepEqual(ask(plugin, pod, [on('a1')]), { a1: FAR, a2: FAR });
    const unwilling = on('b1', { labels: {} }, refuses(term('web')));
    assert.deepEqual(ask(plugin, newPod('p', {}, web), [unwilling]), {
      b1: UNWILLING,
      b2: UNWILLING,
    });
    assert.deepEqual(ask(plugin, newPod('p'), [unwilling]), {});
  });

  it('looks into its own namespace, those named, and those selected', () => {
    const stranger = on('a1', { ...web, namespace: 'elsewhere' });
    const filtered = (more: Partial<PodAffinityTerm>) =>
      Object.keys(ask(plugin, newPod('p', { affinity: refuses(term('web', more)) }), [stranger]));
    assert.deepEqual(filtered({}), []);
    assert.deepEqual(filtered({ namespaces: ['elsewhere'] }), ['a1', 'a2']);
    assert.deepEqual(filtered({ namespaceSelector: { matchLabels: { team: 'x' } } }), ['a1', 'a2']);
    assert.deepEqual(filtered({ namespaceSelector: { matchLabels: { team: 'y' } } }), []);
    assert.deepEqual(filtered({ namespaceSelector: {} }), ['a1', 'a2']);
  });

  it('takes values of the pod’s own labels as conditions', () => {
    const tenant = (name: string) => ({ labels: { app: 'web', tenant: name } });
    const filtered = (more: Partial<PodAffinityTerm>) => {
      const pod = newPod('p', { affinity: refuses(term('web', more)) }, tenant('x'));
      return Object.keys(ask(plugin, pod, [on('a1', tenant('x')), on('b1', tenant('y'))]));
    };
    assert.deepEqual(filtered({ matchLabelKeys: ['tenant', 'absent'] }), ['a1', 'a2']);
    assert.deepEqual(filtered({ mismatchLabelKeys: ['tenant'] }), ['b1', 'b2']);
  });

  it('prefers, in both directions', () => {
    const weighted = (podAffinityTerm: PodAffinityTerm, weight: number) => [
      { podAffinityTerm, weight },
    ];
    const likes: Affinity = {
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: weighted(term('web'), 10) },
    };
    const pod = newPod('p', { affinity: likes });
    assert.deepEqual(ask(plugin, pod, [on('a1')]), { a1: 100, a2: 100, b1: 0, b2: 0 });
    const dislikes: Affinity = {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: weighted(term('web'), 10),
      },
    };
    const shy = on('a1', { labels: {} }, dislikes);
    assert.deepEqual(ask(plugin, newPod('p', {}, web), [shy]), { a1: 0, a2: 0, b1: 100, b2: 100 });
    const needy = on('b1', { labels: {} }, needs(term('web')));
    assert.deepEqual(ask(plugin, newPod('p', {}, web), [needy]), {
      a1: 0,
      a2: 0,
      b1: 100,
      b2: 100,
    });
    assert.deepEqual(ask(plugin, newPod('p'), [on('a1')]), {}, 'Nobody has a wish');
  });
});
