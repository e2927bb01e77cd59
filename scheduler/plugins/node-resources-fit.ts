/**
 * Only nodes with room for the pod's requests, and among them rather the emptier ones, the fuller
 * ones, or those used to a certain degree, as the profile has it.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/noderesources/fit.go, v1.36.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { amountOf, signResources } from '../cache/resources.ts';
import { DEFAULT_PLUGIN_ARGS, type NodeResourcesFitArgs } from '../config/plugin-args.ts';
import type { ClusterEvent, EventRegistration } from '../framework/cluster-event.ts';
import type { Plugin } from '../framework/plugin.ts';
import { type Status, unresolvable, unschedulable } from '../framework/status.ts';
import { newResourceScore } from './scoring-strategy.ts';

const EVENTS: readonly EventRegistration[] = [
  { kind: 'AssignedPodDelete' },
  { kind: 'NodeAdd' },
  // A node that grows for another resource than the one that lacked wakes the pod too: it is cheap.
  { kind: 'NodeUpdateAllocatable' },
  { kind: 'UnscheduledPodUpdate', hint: (_pod, event) => asksLess(event) },
];

/** The resources of the strategy are those of the score; the filter looks at all that a pod asks for. */
export function newNodeResourcesFit(
  args: NodeResourcesFitArgs = DEFAULT_PLUGIN_ARGS.NodeResourcesFit,
): Plugin {
  const score = newResourceScore(args.scoringStrategy);
  const isIgnored = ignoring(args);
  return {
    name: 'NodeResourcesFit',
    events: EVENTS,
    signPod: ({ requests, nonZeroRequests }) =>
      `${signResources(requests)} ${signResources(nonZeroRequests)}`,
    filter: (_state, pod, node) => fits(pod, node, isIgnored),
    score: (_state, pod, node) => score(pod, node),
  };
}

/** Extended resources that are another's business, an extender's as a rule. */
function ignoring(args: NodeResourcesFitArgs): (name: string) => boolean {
  const names = new Set(args.ignoredResources);
  const groups = new Set(args.ignoredResourceGroups);
  return (name) => names.has(name) || groups.has(name.split('/')[0] ?? '');
}

/** All that lacks at once: a person who reads it wants to know everything. */
function fits(
  pod: PodInfo,
  node: NodeInfo,
  isIgnored: (name: string) => boolean,
): Status | undefined {
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
  for (const name of pod.requests.scalars.keys()) {
    if (!(name.includes('/') && isIgnored(name))) check(name, name);
  }
  if (reasons.length === 0) return undefined;
  return isHopeless ? unresolvable(...reasons) : unschedulable(...reasons);
}

function asksLess({ oldPod, pod }: ClusterEvent): boolean {
  if (oldPod === undefined || pod === undefined) return true;
  const [before, after] = [newPodInfo(oldPod).requests, newPodInfo(pod).requests];
  const names = ['cpu', 'memory', 'ephemeral-storage', ...before.scalars.keys()];
  return names.some((name) => amountOf(after, name) < amountOf(before, name));
}
