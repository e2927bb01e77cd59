/**
 * Claims, volumes and classes as the volume plugins see them, and what of them a pod uses.
 *
 * Source: kubernetes/component-helpers storage/volume/helpers.go, storage/ephemeral/ephemeral.go, v0.36.
 */

import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../proto/api/gen/core-v1.ts';
import type { CSINode, StorageClass } from '../../proto/api/gen/storage-v1.ts';

/** What is known of them now. */
export interface VolumeObjects {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  csiNode(nodeName: string): CSINode | undefined;
  /** Calls back after each change of a claim or volume, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/** Of a cluster without any. */
export const NO_VOLUMES: VolumeObjects = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
  csiNode: () => undefined,
  onChange: () => () => undefined,
};

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';

/** A claim that a pod names, or that is made for it. */
export interface UsedClaim {
  readonly name: string;
  readonly isEphemeral: boolean;
}

export function claimsOf(pod: Pod): readonly UsedClaim[] {
  return (pod.spec.volumes ?? []).flatMap((volume): readonly UsedClaim[] => {
    const { persistentVolumeClaim, ephemeral, name } = volume;
    if (persistentVolumeClaim !== undefined) {
      return [{ name: persistentVolumeClaim.claimName, isEphemeral: false }];
    }
    if (ephemeral === undefined) return [];
    return [{ name: `${pod.metadata.name}-${name}`, isEphemeral: true }];
  });
}

/** The class that a claim or volume asks for; empty: none. */
export function classOf(object: PersistentVolumeClaim | PersistentVolume): string {
  return object.metadata.annotations?.[CLASS_ANNOTATION] ?? object.spec.storageClassName ?? '';
}

/** Whether both sides agree on the binding. */
export function isBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  const volumeName = spec.volumeName ?? '';
  return volumeName !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}
