/**
 * Only nodes that can take more volumes of the drivers that the pod's volumes need, as far as the
 * drivers have said how many (CSINode).
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/nodevolumelimits/csi.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Plugin } from '../framework/plugin.ts';
import { SKIP, unschedulable } from '../framework/status.ts';
import { claimsOf, classOf, type VolumeObjects } from './volume-objects.ts';

const TOO_MANY = 'node(s) exceed max volume count';

/** Volumes by what makes them one: the driver's name for it, or the claim while there is none. */
type Attached = Map<string, string>;

export function newNodeVolumeLimits(objects: VolumeObjects): Plugin {
  return {
    name: 'NodeVolumeLimits',
    events: [
      { kind: 'CSINodeAdd' },
      { kind: 'CSINodeUpdate' },
      { kind: 'AssignedPodDelete' },
      { kind: 'PersistentVolumeClaimAdd' },
    ],
    preFilter: (_state, { pod }) => (claimsOf(pod).length === 0 ? { status: SKIP } : {}),
    filter: (_state, { pod }, node) => {
      const wanted = attachedBy(pod, objects, new Map());
      if (wanted.size === 0) return undefined;
      const limits = limitsOf(node.name, objects);
      if (limits.size === 0) return undefined;
      const attached: Attached = new Map();
      for (const other of node.pods.values()) attachedBy(other.pod, objects, attached);
      for (const volume of attached.keys()) wanted.delete(volume);
      for (const [driver, limit] of limits) {
        const more = countOf(wanted, driver);
        if (more > 0 && countOf(attached, driver) + more > limit) return unschedulable(TOO_MANY);
      }
      return undefined;
    },
  };
}

/** Adds the volumes of drivers that a pod uses, with their driver. */
function attachedBy(pod: Pod, objects: VolumeObjects, attached: Attached): Attached {
  const { namespace = '' } = pod.metadata;
  for (const { name } of claimsOf(pod)) {
    const claim = objects.claim(namespace, name);
    if (claim === undefined) continue;
    const source = objects.volume(claim.spec.volumeName ?? '')?.spec.csi;
    if (source !== undefined) {
      attached.set(`${source.driver}/${source.volumeHandle}`, source.driver);
      continue;
    }
    if ((claim.spec.volumeName ?? '') !== '') continue;
    const driver = objects.storageClass(classOf(claim))?.provisioner;
    if (driver !== undefined) attached.set(`${driver}/${namespace}/${name}`, driver);
  }
  return attached;
}

function limitsOf(nodeName: string, objects: VolumeObjects): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of objects.csiNode(nodeName)?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  }
  return limits;
}

function countOf(attached: Attached, driver: string): number {
  let count = 0;
  for (const each of attached.values()) if (each === driver) count += 1;
  return count;
}
