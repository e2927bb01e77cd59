/**
 * Things that happen in the cluster and may let a waiting pod be scheduled; plugins say which of
 * them matter to the pods that they turned down.
 *
 * Source: kubernetes/kube-scheduler framework/{types,events}.go, v0.36.
 */

import type { Node, PersistentVolumeClaim, Pod } from '../../proto/api/gen/core-v1.ts';
import type { PodGroup } from '../../proto/api/gen/scheduling-v1alpha2.ts';
import type { StorageClass } from '../../proto/api/gen/storage-v1.ts';

/**
 * `AssignedPod…`: a pod on a node; `UnscheduledPodAdd`: another one of a group came, without a node;
 * `UnscheduledPodUpdate`: the waiting pod itself.
 */
export type ClusterEventKind =
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeUpdateAllocatable'
  | 'NodeUpdateLabel'
  | 'NodeUpdateTaint'
  | 'AssignedPodAdd'
  | 'AssignedPodUpdate'
  | 'AssignedPodDelete'
  | 'UnscheduledPodAdd'
  | 'UnscheduledPodUpdate'
  | 'PersistentVolumeAdd'
  | 'PersistentVolumeUpdate'
  | 'PersistentVolumeClaimAdd'
  | 'PersistentVolumeClaimUpdate'
  | 'StorageClassAdd'
  | 'StorageClassUpdate'
  | 'CSINodeAdd'
  | 'CSINodeUpdate'
  | 'PodGroupAdd'
  /** Whatever it was: every pod is tried again. */
  | 'Any';

/** Which of `old` and `object` are there depends on the kind. */
export interface ClusterEvent {
  readonly kind: ClusterEventKind;
  readonly node?: Node;
  readonly oldNode?: Node;
  readonly pod?: Pod;
  readonly oldPod?: Pod;
  readonly claim?: PersistentVolumeClaim;
  readonly storageClass?: StorageClass;
  readonly podGroup?: PodGroup;
}

export interface EventRegistration {
  readonly kind: ClusterEventKind;
  /** Whether this event may help this pod; absent: it always may. */
  readonly hint?: (pod: Pod, event: ClusterEvent) => boolean;
}
