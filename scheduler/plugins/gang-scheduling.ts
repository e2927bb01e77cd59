/**
 * Of the pods of a gang none runs until `minCount` of them can: they are held back until there are so
 * many, and after a node was found for each, until so many have one. Off unless a profile enables it.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/gangscheduling, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { EventRegistration } from '../framework/cluster-event.ts';
import type { PermitResult, Plugin } from '../framework/plugin.ts';
import { failed, type Status, unresolvable } from '../framework/status.ts';
import { groupNameOf, isSameGroup, type PodGroups } from '../pod-groups.ts';

export const GANG_SCHEDULING = 'GangScheduling';

/** How long a member waits for the others at Permit. */
const PERMIT_TIMEOUT_MS = 5 * 60_000;

/** A group's policy and a pod's group never change: only what comes can help. */
const EVENTS: readonly EventRegistration[] = [
  { kind: 'UnscheduledPodAdd', hint: isSameGroupsPod },
  { kind: 'AssignedPodAdd', hint: isSameGroupsPod },
  {
    kind: 'PodGroupAdd',
    hint: (pod, { podGroup }) =>
      podGroup !== undefined &&
      podGroup.metadata.name === groupNameOf(pod) &&
      podGroup.metadata.namespace === pod.metadata.namespace,
  },
];

export function newGangScheduling(groups: PodGroups): Plugin {
  return {
    name: GANG_SCHEDULING,
    events: EVENTS,
    preEnqueue: (pod) => heldBack(groups, pod),
    reserve(_state, { pod }) {
      groups.assume(pod);
      return undefined;
    },
    unreserve(_state, { pod }) {
      groups.forget(pod);
      if (groupNameOf(pod) === undefined || groups.isComplete(pod)) return;
      const why = 'other pods from a pod group are unschedulable';
      for (const { metadata } of groups.assumed(pod)) groups.handle.reject(metadata.uid, why);
    },
    permit: (_state, { pod }) => permitted(groups, pod),
  };
}

/** Why a pod isn't to be tried yet; undefined when it may be. */
export function heldBack(groups: PodGroups, pod: Pod): Status | undefined {
  const policy = groups.policyOf(pod);
  if (policy.kind === 'none') return undefined;
  if (policy.kind === 'unknown') {
    const name = JSON.stringify(policy.name);
    return unresolvable(`waiting for pods's pod group ${name} to appear in scheduling queue`);
  }
  if (groups.count(pod) >= policy.minCount) return undefined;
  return unresolvable('waiting for minCount pods from a gang to appear in scheduling queue');
}

function permitted(groups: PodGroups, pod: Pod): Partial<PermitResult> {
  const policy = groups.policyOf(pod);
  if (policy.kind === 'none') return {};
  if (policy.kind === 'unknown') {
    const key = `${pod.metadata.namespace}/${policy.name}`;
    return { status: failed(new Error(`failed to get pod group ${key}: it does not exist`)) };
  }
  if (!groups.isComplete(pod)) {
    for (const { metadata } of groups.waiting(pod)) groups.handle.activate(metadata.uid);
    const reasons = ['waiting for minCount pods from a gang to be waiting on permit'];
    return { status: { code: 'Wait', reasons }, timeoutMs: PERMIT_TIMEOUT_MS };
  }
  for (const { metadata } of groups.assumed(pod)) groups.handle.allow(metadata.uid);
  return {};
}

function isSameGroupsPod(pod: Pod, { pod: added }: { readonly pod?: Pod }): boolean {
  return added !== undefined && isSameGroup(pod, added);
}
