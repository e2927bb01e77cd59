/**
 * Only nodes in the zones and regions of the pod's volumes, by the labels of both.
 * Source: kubernetes pkg/scheduler/framework/plugins/volumezone/volume_zone.go, v1.36.
 */

import type { PersistentVolume, Pod } from '../../proto/api/gen/core-v1.ts';
import type { ClusterEvent } from '../framework/cluster-event.ts';
import type { StateKey } from '../framework/cycle-state.ts';
import type { Plugin } from '../framework/plugin.ts';
import { SKIP, type Status, unresolvable } from '../framework/status.ts';
import { classOf, type VolumeObjects } from './volume-objects.ts';

/** Old names of the labels, and what they are called since. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
]);

interface Place {
  readonly key: string;
  readonly values: ReadonlySet<string>;
}

const PLACES: StateKey<readonly Place[]> = { name: 'VolumeZone' };

export function newVolumeZone(objects: VolumeObjects): Plugin {
  return {
    name: 'VolumeZone',
    events: [
      { kind: 'StorageClassAdd', hint: (_pod, event) => waits(event) },
      { kind: 'NodeAdd' },
      { kind: 'NodeUpdateLabel' },
      { kind: 'PersistentVolumeClaimAdd', hint: isOfPod },
      { kind: 'PersistentVolumeClaimUpdate', hint: isOfPod },
      { kind: 'PersistentVolumeAdd' },
      { kind: 'PersistentVolumeUpdate' },
    ],
    preFilter: (state, { pod }) => {
      const places = placesOf(pod, objects);
      if ('code' in places) return { status: places };
      if (places.length === 0) return { status: SKIP };
      state.write(PLACES, places);
      return {};
    },
    filter: (state, _pod, { node }) => {
      const labels = node.metadata.labels ?? {};
      // A cluster of one zone may have no such labels at all.
      if (![...KEYS.keys()].some((key) => labels[key] !== undefined)) return undefined;
      for (const { key, values } of state.read(PLACES) ?? []) {
        const value = labels[key] ?? labels[KEYS.get(key) ?? key];
        if (value === undefined || !values.has(value)) {
          return unresolvable('node(s) had no available volume zone');
        }
      }
      return undefined;
    },
  };
}

function placesOf(pod: Pod, objects: VolumeObjects): readonly Place[] | Status {
  const places: Place[] = [];
  for (const name of claimNames(pod)) {
    if (name === '') return unresolvable('PersistentVolumeClaim had no name');
    const claim = objects.claim(pod.metadata.namespace ?? '', name);
    if (claim === undefined) return unresolvable(`persistentvolumeclaim "${name}" not found`);
    const volumeName = claim.spec.volumeName ?? '';
    if (volumeName === '') {
      const className = classOf(claim);
      if (className === '') {
        return unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
      }
      const storageClass = objects.storageClass(className);
      if (storageClass === undefined) {
        return unresolvable(`storageclass.storage.k8s.io "${className}" not found`);
      }
      if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue;
      return unresolvable('PersistentVolume had no name');
    }
    const volume = objects.volume(volumeName);
    if (volume === undefined) return unresolvable(`persistentvolume "${volumeName}" not found`);
    places.push(...placesOfVolume(volume));
  }
  return places;
}

/** A label may list several zones: `a__b`. */
function placesOfVolume({ metadata }: PersistentVolume): readonly Place[] {
  return [...KEYS.keys()].flatMap((key) => {
    const value = metadata.labels?.[key];
    if (value === undefined) return [];
    const values = value.split('__').map((zone) => zone.trim());
    return values.includes('') ? [] : [{ key, values: new Set(values) }];
  });
}

function claimNames({ spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim === undefined ? [] : [claim.claimName],
  );
}

function isOfPod(pod: Pod, { claim }: ClusterEvent): boolean {
  if (claim === undefined || claim.metadata.namespace !== pod.metadata.namespace) return false;
  return claimNames(pod).includes(claim.metadata.name);
}

function waits({ storageClass }: ClusterEvent): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}
