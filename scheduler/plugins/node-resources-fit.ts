/**
 * Only nodes with room for the pod's requests, and among them rather the emptier ones
 * (`LeastAllocated`), as the default profile has it.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated}.go, v1.36.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { amountOf } from '../cache/resources.ts';
import type { ClusterEvent, EventRegistration } from '../framework/cluster-event.ts';
import { type Plugin, SCORE_MAX } from '../framework/plugin.ts';
import { type Status, unresolvable, unschedulable } from '../framework/status.ts';

/** A resource that counts in the score, by its name in the API. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** Upstream's default: CPU and memory count the same. */
export const DEFAULT_RESOURCES: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

const EVENTS: readonly EventRegistration[] = [
  { kind: 'AssignedPodDelete' },
  { kind: 'NodeAdd' },
  // A node that grows for another resource than the one that lacked wakes the pod too: it is cheap.
  { kind: 'NodeUpdateAllocatable' },
  { kind: 'UnscheduledPodUpdate', hint: (_pod, event) => asksLess(event) },
];

/** `resources` are those of the score; the filter looks at everything the pod asks for. */
export function newNodeResourcesFit(
  resources: readonly ResourceWeight[] = DEFAULT_RESOURCES,
): Plugin {
  return {
    name: 'NodeResourcesFit',
    events: EVENTS,
    filter: (_state, pod, node) => fits(pod, node),
    score: (_state, pod, node) => leastAllocatedScore(pod, node, resources),
  };
}

/** All that lacks at once: a person who reads it wants to know everything. */
function fits(pod: PodInfo, node: NodeInfo): Status | undefined {
  const reasons: string[] = [];
  let isHopeless = false;
  if (node.pods.size + 1 > node.allocatablePods) reasons.push('Too many pods');
  const check = (name: string, text: string): void => {
    const asked = amountOf(pod.requests, name);
    if (asked <= 0) return;
    const total = amountOf(node.allocatable, name);
    if (asked <= total - amountOf(node.requested, name)) return;
    reasons.push(`Insufficient ${text}`);
    if (asked > total) isHopeless = true;
  };
  check('cpu', 'cpu');
  check('memory', 'memory');
  check('ephemeral-storage', 'ephemeral-storage');
  for (const name of pod.requests.scalars.keys()) check(name, name);
  if (reasons.length === 0) return undefined;
  return isHopeless ? unresolvable(...reasons) : unschedulable(...reasons);
}

function leastAllocatedScore(
  pod: PodInfo,
  node: NodeInfo,
  resources: readonly ResourceWeight[],
): number {
  let total = 0;
  let weights = 0;
  for (const { name, weight } of resources) {
    const allocatable = amountOf(node.allocatable, name);
    const asked = amountOf(pod.nonZeroRequests, name);
    if (allocatable === 0 || (asked === 0 && isScalar(name))) continue;
    const requested = amountOf(node.nonZeroRequested, name) + asked;
    total += weight * leastRequested(requested, allocatable);
    weights += weight;
  }
  return weights === 0 ? 0 : Math.trunc(total / weights);
}

function leastRequested(requested: number, capacity: number): number {
  if (requested > capacity) return 0;
  return Math.trunc(((capacity - requested) * SCORE_MAX) / capacity);
}

function isScalar(name: string): boolean {
  return name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage';
}

function asksLess({ oldPod, pod }: ClusterEvent): boolean {
  if (oldPod === undefined || pod === undefined) return true;
  const [before, after] = [newPodInfo(oldPod).requests, newPodInfo(pod).requests];
  const names = ['cpu', 'memory', 'ephemeral-storage', ...before.scalars.keys()];
  return names.some((name) => amountOf(after, name) < amountOf(before, name));
}
