/** Changes that answer the objections of plugins that look at where other pods are. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Objection } from '../../proto/scheduler/explanation.ts';
import { matchesTerm, type NamespaceLabels } from '../cache/affinity-terms.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Change } from './changes.ts';

const RELAX_COST = 15;
const MOVE_COST = 8;

/** A constraint that isn't met is to be a wish only; a label that lacks can't be guessed. */
export function spreadChanges(
  objection: Objection,
  pod: Pod,
  node: NodeInfo,
): readonly Change[] | undefined {
  if (objection.isUnresolvable) return missingLabels(pod, node);
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  if (hard.length === 0) return undefined;
  const keys = hard.map(({ topologyKey }) => topologyKey).join(', ');
  return [
    {
      text: `make the topology spread over ${keys} a wish (ScheduleAnyway)`,
      cost: RELAX_COST,
      pod: (each) => {
        const left = (each.spec.topologySpreadConstraints ?? []).map((constraint) => ({
          ...constraint,
          whenUnsatisfiable: 'ScheduleAnyway' as const,
        }));
        return { ...each, spec: { ...each.spec, topologySpreadConstraints: left } };
      },
    },
  ];
}

function missingLabels(pod: Pod, info: NodeInfo): readonly Change[] | undefined {
  const labels = info.node.metadata.labels ?? {};
  const keys = (pod.spec.topologySpreadConstraints ?? [])
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
    .map(({ topologyKey }) => topologyKey)
    .filter((key) => labels[key] === undefined);
  if (keys.length === 0) return undefined;
  return keys.map((key) => ({
    text: `add label ${key} (a value of its own) to ${info.name}`,
    cost: 4,
    isWide: true,
    node: (node) => {
      const more = { ...node.metadata.labels, [key]: `of-${info.name}` };
      return { ...node, metadata: { ...node.metadata, labels: more } };
    },
  }));
}

export function affinityChanges(
  objection: Objection,
  pod: PodInfo,
  node: NodeInfo,
  labelsOf: NamespaceLabels,
): readonly Change[] | undefined {
  const text = objection.reasons.join(' ');
  if (text.includes('existing pods anti-affinity')) return repellers(pod, node, labelsOf);
  if (text.includes('anti-affinity')) {
    return repelled(pod, node, labelsOf) ?? [dropAffinity('podAntiAffinity')];
  }
  return [dropAffinity('podAffinity')];
}

/** Pods on the node that don't want this one beside them. */
function repellers(
  pod: PodInfo,
  node: NodeInfo,
  labelsOf: NamespaceLabels,
): readonly Change[] | undefined {
  const found = [...node.pods.values()].filter(({ affinity }) =>
    affinity.requiredAntiAffinity.some((term) => matchesTerm(term, pod.pod, labelsOf)),
  );
  return found.length === 0 ? undefined : found.map((other) => moveOff(other, node));
}

/** Pods on the node that this one doesn't want beside it. */
function repelled(
  pod: PodInfo,
  node: NodeInfo,
  labelsOf: NamespaceLabels,
): readonly Change[] | undefined {
  const found = [...node.pods.values()].filter((other) =>
    pod.affinity.requiredAntiAffinity.some((term) => matchesTerm(term, other.pod, labelsOf)),
  );
  return found.length === 0 ? undefined : found.map((other) => moveOff(other, node));
}

/** The pod is to go elsewhere, or to end. */
export function moveOff({ pod }: PodInfo, { name }: NodeInfo): Change {
  const { namespace = 'default', name: podName, uid } = pod.metadata;
  const text = `move pod ${namespace}/${podName} off ${name}`;
  return { text, cost: MOVE_COST, leaving: [uid], isWide: true };
}

function dropAffinity(field: 'podAffinity' | 'podAntiAffinity'): Change {
  const name = field === 'podAffinity' ? 'pod affinity' : 'pod anti-affinity';
  return {
    text: `give up the pod's required ${name}`,
    cost: RELAX_COST,
    pod: (pod) => {
      const { [field]: _, ...affinity } = pod.spec.affinity ?? {};
      return { ...pod, spec: { ...pod.spec, affinity } };
    },
  };
}
