/**
 * Gives pods nodes from which their volumes can be used. Claims that wait for their first pod are
 * bound when its node is known: the volume is marked before the pod is bound, and whoever binds or
 * makes volumes does the rest.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/volumebinding, v1.36.
 */

import type { PersistentVolumeClaim, Pod } from '../../../proto/api/gen/core-v1.ts';
import type { ClusterEvent } from '../../framework/cluster-event.ts';
import type { StateKey } from '../../framework/cycle-state.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { SKIP, type Status, unresolvable } from '../../framework/status.ts';
import { claimsOf, classOf, isBound, type VolumeObjects } from '../volume-objects.ts';
import { AssumedVolumes } from './assumed-volumes.ts';
import { bindVolumes, type VolumeWriter } from './bind-volumes.ts';
import { findVolumes, type NodeVolumes, type PodClaims, SELECTED_NODE } from './find-volumes.ts';

interface Found {
  readonly claims: PodClaims;
  /** Filled by Filter, node by node. */
  readonly byNode: Map<string, NodeVolumes>;
}

const FOUND: StateKey<Found> = { name: 'VolumeBinding' };

export function newVolumeBinding(objects: VolumeObjects, writer: VolumeWriter): Plugin {
  const known = new AssumedVolumes(objects);
  const forget = ({ bindings, provisions }: NodeVolumes): void => {
    for (const { volume } of bindings) known.forgetVolume(volume.metadata.name);
    for (const { metadata } of provisions)
      known.forgetClaim(metadata.namespace ?? '', metadata.name);
  };
  return {
    name: 'VolumeBinding',
    events: [
      { kind: 'StorageClassAdd' },
      { kind: 'StorageClassUpdate' },
      { kind: 'PersistentVolumeClaimAdd', hint: isOfPod },
      { kind: 'PersistentVolumeClaimUpdate', hint: isOfPod },
      { kind: 'PersistentVolumeAdd' },
      { kind: 'PersistentVolumeUpdate' },
      { kind: 'NodeAdd' },
      { kind: 'NodeUpdateLabel' },
    ],
    preFilter: (state, { pod }) => {
      const claims = readClaims(pod, known);
      if (claims === undefined) return { status: SKIP };
      if ('code' in claims) return { status: claims };
      state.write(FOUND, { claims, byNode: new Map() });
      return {};
    },
    filter: (state, _pod, { node, name }) => {
      const found = state.read(FOUND);
      if (found === undefined) return undefined;
      const volumes = findVolumes(found.claims, node, known);
      if (!('bindings' in volumes)) return unresolvable(...volumes);
      found.byNode.set(name, volumes);
      return undefined;
    },
    reserve: (state, _pod, nodeName) => {
      const volumes = state.read(FOUND)?.byNode.get(nodeName);
      for (const { claim, volume } of volumes?.bindings ?? []) {
        const claimRef = { namespace: claim.metadata.namespace ?? '', name: claim.metadata.name };
        known.assumeVolume({ ...volume, spec: { ...volume.spec, claimRef } });
      }
      for (const claim of volumes?.provisions ?? []) {
        const annotations = { ...claim.metadata.annotations, [SELECTED_NODE]: nodeName };
        known.assumeClaim({ ...claim, metadata: { ...claim.metadata, annotations } });
      }
      return undefined;
    },
    unreserve: (state, _pod, nodeName) => {
      const volumes = state.read(FOUND)?.byNode.get(nodeName);
      if (volumes !== undefined) forget(volumes);
    },
    preBind: async (state, _pod, nodeName, signal) => {
      const volumes = state.read(FOUND)?.byNode.get(nodeName);
      const isNothing = volumes === undefined || isEmpty(volumes);
      if (!isNothing) await bindVolumes(volumes, nodeName, objects, writer, signal);
      return undefined;
    },
  };
}

/** Undefined: the pod has none; a status: it can't be scheduled as things are. */
function readClaims(pod: Pod, objects: VolumeObjects): PodClaims | Status | undefined {
  const used = claimsOf(pod);
  if (used.length === 0) return undefined;
  const { namespace = '' } = pod.metadata;
  const bound: PersistentVolumeClaim[] = [];
  const waiting: PersistentVolumeClaim[] = [];
  let isUnbound = false;
  for (const { name, isEphemeral } of used) {
    const claim = objects.claim(namespace, name);
    const problem = claimProblem(claim, name, isEphemeral, pod);
    if (problem !== undefined || claim === undefined) return unresolvable(problem ?? '');
    if (isBound(claim)) bound.push(claim);
    else if ((claim.spec.volumeName ?? '') === '' && waitsForPod(claim, objects))
      waiting.push(claim);
    else isUnbound = true;
  }
  if (isUnbound) return unresolvable('pod has unbound immediate PersistentVolumeClaims');
  return { bound, waiting };
}

function claimProblem(
  claim: PersistentVolumeClaim | undefined,
  name: string,
  isEphemeral: boolean,
  pod: Pod,
): string | undefined {
  if (claim === undefined) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  const { metadata, spec, status } = claim;
  if (status?.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ''}"`;
  }
  if (metadata.deletionTimestamp !== undefined) {
    return `persistentvolumeclaim "${name}" is being deleted`;
  }
  const isOwned = metadata.ownerReferences?.some(
    ({ uid, controller }) => uid === pod.metadata.uid && controller === true,
  );
  if (isEphemeral && isOwned !== true) {
    const { namespace } = pod.metadata;
    return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
  }
  return undefined;
}

function waitsForPod(claim: PersistentVolumeClaim, objects: VolumeObjects): boolean {
  const mode = objects.storageClass(classOf(claim))?.volumeBindingMode;
  return mode === 'WaitForFirstConsumer';
}

function isOfPod(pod: Pod, { claim }: ClusterEvent): boolean {
  if (claim === undefined || claim.metadata.namespace !== pod.metadata.namespace) return false;
  return claimsOf(pod).some(({ name }) => name === claim.metadata.name);
}

function isEmpty({ bindings, provisions }: NodeVolumes): boolean {
  return bindings.length === 0 && provisions.length === 0;
}
