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
import type { PodTopologySpreadArgs } from '../../config/plugin-args.ts';
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

export interface PodConstraints {
  readonly constraints: readonly Constraint[];
  /** Only nodes with the labels of all constraints count; not so with the system's defaults. */
  readonly needsAllKeys: boolean;
}

type Action = TopologySpreadConstraint['whenUnsatisfiable'];

/** Upstream's `defaultingType: System`; a cluster without zones is spread over its nodes. */
const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: ZONE, maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
];

/**
 * The constraints of one kind: the pod's own if it has any at all, else the profile's, among the pods
 * that `peersOf` finds; none when it finds none.
 */
export function constraintsOf(
  pod: Pod,
  action: Action,
  args: PodTopologySpreadArgs,
  peersOf: PeerSelector,
): PodConstraints {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) return { constraints: ofAction(pod, own, action), needsAllKeys: true };
  const isSystem = args.defaultingType === 'System';
  const defaults = ofAction(pod, isSystem ? SYSTEM_DEFAULTS : args.defaultConstraints, action);
  const selector = defaults.length === 0 ? undefined : peersOf(pod);
  if (selector === undefined || selector.length === 0) {
    return { constraints: [], needsAllKeys: !isSystem };
  }
  const constraints = defaults.map((constraint) => ({ ...constraint, selector }));
  return { constraints, needsAllKeys: !isSystem };
}

function ofAction(
  pod: Pod,
  constraints: readonly TopologySpreadConstraint[],
  action: Action,
): readonly Constraint[] {
  return constraints
    .filter((each) => each.whenUnsatisfiable === action)
    .map((each) => ({
      topologyKey: each.topologyKey,
      maxSkew: each.maxSkew,
      selector: [...requirementsOf(each.labelSelector), ...keyRequirements(pod, each)],
      minDomains: each.minDomains ?? 1,
      honorsAffinity: each.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: each.nodeTaintsPolicy === 'Honor',
    }));
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
