/**
 * A pod's topology spread constraints, ready to be counted; and those that pods have that name none:
 * over nodes and zones, softly, among the pods of their Services and controllers.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/common.go, plugins.go, v1.36.
 */

import type { Pod, TopologySpreadConstraint } from '../../../proto/api/gen/core-v1.ts';
import {
  matchesLabels,
  type Requirement,
  requirementsOf,
} from '../../../proto/api/label-selector.ts';
import { findUntoleratedTaint } from '../../../proto/api/taints.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import { requiredNodesMatch } from '../node-affinity.ts';

export interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly selector: readonly Requirement[];
  /** With fewer domains than this the smallest count is 0. */
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

/** What selects the pods that a pod is to be spread among; undefined: nothing does. */
export type PeerSelector = (pod: Pod) => readonly Requirement[] | undefined;

/** The pod's own constraints of one kind. */
export function ownConstraints(
  pod: Pod,
  whenUnsatisfiable: TopologySpreadConstraint['whenUnsatisfiable'],
): readonly Constraint[] {
  return (pod.spec.topologySpreadConstraints ?? [])
    .filter((each) => each.whenUnsatisfiable === whenUnsatisfiable)
    .map((each) => ({
      topologyKey: each.topologyKey,
      maxSkew: each.maxSkew,
      selector: [...requirementsOf(each.labelSelector), ...keyRequirements(pod, each)],
      minDomains: each.minDomains ?? 1,
      honorsAffinity: each.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: each.nodeTaintsPolicy === 'Honor',
    }));
}

/** Upstream's system defaults. */
export function defaultConstraints(selector: readonly Requirement[]): readonly Constraint[] {
  const common = { selector, minDomains: 1, honorsAffinity: true, honorsTaints: false };
  return [
    { ...common, topologyKey: HOSTNAME, maxSkew: 3 },
    { ...common, topologyKey: ZONE, maxSkew: 5 },
  ];
}

/** Whether the node's pods count, by the constraint's policies. */
export function isIncluded(constraint: Constraint, pod: Pod, { node }: NodeInfo): boolean {
  if (constraint.honorsAffinity && !requiredNodesMatch(pod, node)) return false;
  if (!constraint.honorsTaints) return true;
  const effects = ['NoSchedule', 'NoExecute'] as const;
  return findUntoleratedTaint(node.spec.taints, pod.spec.tolerations, effects) === undefined;
}

/** Pods of the namespace that are selected and aren't going. An empty selector counts none. */
export function countMatching(
  node: NodeInfo,
  selector: readonly Requirement[],
  namespace: string,
): number {
  if (selector.length === 0) return 0;
  let count = 0;
  for (const { pod } of node.pods.values()) {
    const { metadata } = pod;
    if (metadata.deletionTimestamp !== undefined || metadata.namespace !== namespace) continue;
    if (matchesLabels(selector, metadata.labels)) count += 1;
  }
  return count;
}

export function hasAllKeys(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  const labels = node.node.metadata.labels ?? {};
  return constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);
}

/** `matchLabelKeys`: only pods with the same values, as of the same ReplicaSet. */
function keyRequirements(pod: Pod, constraint: TopologySpreadConstraint): Requirement[] {
  return (constraint.matchLabelKeys ?? []).flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator: 'in' as const, values: [value] }];
  });
}
