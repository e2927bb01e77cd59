/**
 * Keeps pods apart that can't share a volume: disks that one node at a time may write, and claims
 * that only one pod may use.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/volumerestrictions, v1.36.
 */

import type { Pod, Volume } from '../../proto/api/gen/core-v1.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { StateKey } from '../framework/cycle-state.ts';
import type { Plugin } from '../framework/plugin.ts';
import { SKIP, unresolvable, unschedulable } from '../framework/status.ts';
import type { VolumeObjects } from './volume-objects.ts';

const DISK_TAKEN = 'node(s) had no available disk';
const CLAIM_TAKEN =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

/** Claims of the pod that only one pod may use, and how many others use them. */
interface Exclusive {
  readonly names: ReadonlySet<string>;
  readonly uses: number;
}

const EXCLUSIVE: StateKey<Exclusive> = { name: 'VolumeRestrictions' };

export function newVolumeRestrictions(objects: VolumeObjects): Plugin {
  return {
    name: 'VolumeRestrictions',
    events: [
      { kind: 'AssignedPodDelete' },
      { kind: 'NodeAdd' },
      { kind: 'PersistentVolumeClaimAdd' },
      { kind: 'PersistentVolumeClaimUpdate' },
    ],
    preFilter: (state, { pod }, snapshot) => {
      const names = new Set<string>();
      for (const name of claimNames(pod)) {
        const claim = objects.claim(pod.metadata.namespace ?? '', name);
        if (claim === undefined) {
          return { status: unresolvable(`persistentvolumeclaim "${name}" not found`) };
        }
        if (claim.spec.accessModes?.includes('ReadWriteOncePod') === true) names.add(name);
      }
      if (names.size === 0 && !(pod.spec.volumes ?? []).some(isDisk)) return { status: SKIP };
      let uses = 0;
      if (names.size > 0) {
        for (const { pods } of snapshot.nodes) {
          for (const other of pods.values()) uses += usesOf(names, pod, other.pod);
        }
      }
      state.write(EXCLUSIVE, { names, uses });
      return {};
    },
    preFilterExtensions: {
      addPod: (state, { pod }, added) => {
        const before = state.read(EXCLUSIVE);
        if (before === undefined) return undefined;
        const uses = before.uses + usesOf(before.names, pod, added.pod);
        state.write(EXCLUSIVE, { ...before, uses });
        return undefined;
      },
      removePod: (state, { pod }, removed) => {
        const before = state.read(EXCLUSIVE);
        if (before === undefined) return undefined;
        const uses = before.uses - usesOf(before.names, pod, removed.pod);
        state.write(EXCLUSIVE, { ...before, uses });
        return undefined;
      },
    },
    filter: (state, { pod }, node) => {
      for (const volume of pod.spec.volumes ?? []) {
        if (isDisk(volume) && isDiskTaken(volume, node.pods.values())) {
          return unschedulable(DISK_TAKEN);
        }
      }
      const exclusive = state.read(EXCLUSIVE);
      if (exclusive !== undefined && exclusive.uses > 0) return unschedulable(CLAIM_TAKEN);
      return undefined;
    },
  };
}

function claimNames({ spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim === undefined ? [] : [claim.claimName],
  );
}

function usesOf(names: ReadonlySet<string>, pod: Pod, other: Pod): number {
  if (names.size === 0 || other.metadata.namespace !== pod.metadata.namespace) return 0;
  return claimNames(other).filter((name) => names.has(name)).length;
}

function isDisk(volume: Volume): boolean {
  const { gcePersistentDisk, awsElasticBlockStore, iscsi, rbd } = volume;
  return (gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd) !== undefined;
}

function isDiskTaken(volume: Volume, pods: Iterable<PodInfo>): boolean {
  for (const { pod } of pods) {
    if ((pod.spec.volumes ?? []).some((other) => isSameDisk(volume, other))) return true;
  }
  return false;
}

/** The same disk, and one of the two writes. */
function isSameDisk(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk !== undefined && b.gcePersistentDisk !== undefined) {
    const [one, two] = [a.gcePersistentDisk, b.gcePersistentDisk];
    if (one.pdName === two.pdName && !(one.readOnly && two.readOnly)) return true;
  }
  if (a.awsElasticBlockStore !== undefined && b.awsElasticBlockStore !== undefined) {
    if (a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID) return true;
  }
  if (a.iscsi !== undefined && b.iscsi !== undefined) {
    const [one, two] = [a.iscsi, b.iscsi];
    if (one.iqn === two.iqn && !(one.readOnly && two.readOnly)) return true;
  }
  if (a.rbd === undefined || b.rbd === undefined) return false;
  const [one, two] = [a.rbd, b.rbd];
  const monitors = new Set(two.monitors);
  const isSame = one.pool === two.pool && one.image === two.image;
  const isShared = one.monitors.some((monitor) => monitors.has(monitor));
  return isSame && isShared && !(one.readOnly && two.readOnly);
}
