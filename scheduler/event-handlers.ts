/**
 * Brings what the informers hear of pods and nodes to the cache and the queue. Pods on nodes count in
 * the cache; pods without one wait in the queue, if one of our profiles is theirs.
 *
 * Source: kubernetes pkg/scheduler/eventhandlers.go, v1.36.
 */

import type { InformerHandler } from '../client/informer.ts';
import type { Node, Pod } from '../proto/api/gen/core-v1.ts';
import type { SchedulerCache } from './cache/cache.ts';
import { newPodInfo } from './cache/pod-info.ts';
import type { ClusterEventKind } from './framework/cluster-event.ts';
import { groupNameOf, type PodGroups } from './pod-groups.ts';
import type { Nominator } from './queue/nominator.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface SchedulerState {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** Absent: no profile schedules gangs. */
  readonly groups?: PodGroups | undefined;
  /** Whether one of our profiles schedules the pod. */
  readonly isOurs: (pod: Pod) => boolean;
  /** A pod that may wait for a permit is gone. */
  readonly onGone: (uid: string) => void;
}

export function podHandler(state: SchedulerState): InformerHandler<Pod> {
  const { cache, queue, nominator, groups, isOurs } = state;
  const assigned = (pod: Pod): void => {
    cache.setPod(pod);
    queue.delete(pod.metadata.uid);
    nominator.delete(pod.metadata.uid);
    queue.moveOnEvent({ kind: 'AssignedPodAdd', pod });
  };
  const gone = (pod: Pod): void => {
    const { uid } = pod.metadata;
    const counted = cache.hasPod(uid);
    groups?.delete(pod);
    cache.removePod(uid);
    queue.delete(uid);
    nominator.delete(uid);
    state.onGone(uid);
    if (counted) queue.moveOnEvent({ kind: 'AssignedPodDelete', pod });
  };
  return {
    onAdd: (pod) => {
      if (isOver(pod)) return;
      groups?.set(pod);
      if (isAssigned(pod)) assigned(pod);
      else if (isOurs(pod)) {
        if (isNominated(pod)) nominator.set(newPodInfo(pod));
        queue.add(pod);
        const isOfGroup = groups !== undefined && groupNameOf(pod) !== undefined;
        if (isOfGroup) queue.moveOnEvent({ kind: 'UnscheduledPodAdd', pod });
      }
    },
    onUpdate: (oldPod, pod) => {
      if (!isOver(pod)) groups?.set(pod);
      if (isOver(pod)) gone(pod);
      else if (isAssigned(pod)) {
        if (!isAssigned(oldPod)) return assigned(pod);
        cache.setPod(pod);
        queue.moveOnEvent({ kind: 'AssignedPodUpdate', oldPod, pod });
      } else if (isOurs(pod) && !cache.isAssumed(pod.metadata.uid)) {
        if (isNominated(oldPod) || isNominated(pod)) nominator.update(oldPod, newPodInfo(pod));
        if (isChanged(oldPod, pod)) queue.update(oldPod, pod);
      }
      return undefined;
    },
    onDelete: gone,
  };
}

export function nodeHandler({ cache, queue }: SchedulerState): InformerHandler<Node> {
  return {
    onAdd: (node) => {
      cache.setNode(node);
      queue.moveOnEvent({ kind: 'NodeAdd', node });
    },
    onUpdate: (oldNode, node) => {
      cache.setNode(node);
      for (const kind of nodeChanges(oldNode, node)) queue.moveOnEvent({ kind, oldNode, node });
    },
    onDelete: (node) => {
      cache.removeNode(node.metadata.name);
      queue.moveOnEvent({ kind: 'NodeDelete', node });
    },
  };
}

function isAssigned(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
}

function isNominated({ status }: Pod): boolean {
  return (status?.nominatedNodeName ?? '') !== '';
}

/** It has ended: it takes nothing of its node any more. */
function isOver(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The scheduler's own writes, to the status, are no change. */
function isChanged(old: Pod, pod: Pod): boolean {
  const relevant = ({ spec, metadata }: Pod): string =>
    JSON.stringify([spec, metadata.labels, metadata.annotations]);
  return relevant(old) !== relevant(pod);
}

/** Which of the changes that can help a pod there were. */
function nodeChanges(old: Node, node: Node): ClusterEventKind[] {
  const differs = (of: (each: Node) => unknown): boolean =>
    JSON.stringify(of(old)) !== JSON.stringify(of(node));
  const kinds: ClusterEventKind[] = [];
  if (differs(({ status }) => status?.allocatable)) kinds.push('NodeUpdateAllocatable');
  if (differs(({ metadata }) => metadata.labels)) kinds.push('NodeUpdateLabel');
  if (differs(({ spec }) => [spec?.taints, spec?.unschedulable === true])) {
    kinds.push('NodeUpdateTaint');
  }
  return kinds;
}
