/**
 * Whether a node can give a pod its volumes: those that are bound must be reachable from it, and for
 * the others there must be one that fits, or somebody who makes one there.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/volumebinding/binder.go,
 * kubernetes/component-helpers storage/volume/pv_helpers.go, v1.36.
 */

import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
} from '../../../proto/api/gen/core-v1.ts';
import { matchesLabels, requirementsOf } from '../../../proto/api/label-selector.ts';
import { quantityValue } from '../../../proto/api/quantity.ts';
import { matchesNodeSelector } from '../node-selector.ts';
import { classOf, type VolumeObjects } from '../volume-objects.ts';

/** The claims of a pod, by what is to be done. */
export interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** To be bound once the node is known (`WaitForFirstConsumer`). */
  readonly waiting: readonly PersistentVolumeClaim[];
}

/** What a node would give. */
export interface NodeVolumes {
  readonly bindings: readonly {
    readonly claim: PersistentVolumeClaim;
    readonly volume: PersistentVolume;
  }[];
  /** To be made there. */
  readonly provisions: readonly PersistentVolumeClaim[];
}

/** Reasons, in upstream's words. */
const WRONG_NODE = "node(s) didn't match PersistentVolume's node affinity";
const NONE_FITS = "node(s) didn't find available persistent volumes to bind";
const NO_VOLUME = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';

export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** What the node gives, or all reasons why it can't. Throws when a claim has no usable class. */
export function findVolumes(
  claims: PodClaims,
  node: Node,
  objects: VolumeObjects,
): NodeVolumes | readonly string[] {
  const reasons: string[] = [];
  const boundReason = checkBound(claims.bound, node, objects);
  const found = claims.waiting.length === 0 ? NOTHING : findForWaiting(claims, node, objects);
  // In upstream's order: node affinity, binding, existence.
  if (boundReason === WRONG_NODE) reasons.push(boundReason);
  if (found === undefined) reasons.push(NONE_FITS);
  if (boundReason === NO_VOLUME) reasons.push(boundReason);
  return reasons.length === 0 && found !== undefined ? found : reasons;
}

const NOTHING: NodeVolumes = { bindings: [], provisions: [] };

/** Whether the volume can be used from the node. */
export function isReachable({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec.nodeAffinity?.required;
  return required === undefined || matchesNodeSelector(required, node);
}

function checkBound(
  claims: readonly PersistentVolumeClaim[],
  node: Node,
  objects: VolumeObjects,
): string | undefined {
  for (const { spec } of claims) {
    const volume = objects.volume(spec.volumeName ?? '');
    if (volume === undefined) return NO_VOLUME;
    if (!isReachable(volume, node)) return WRONG_NODE;
  }
  return undefined;
}

function findForWaiting(
  { waiting }: PodClaims,
  node: Node,
  objects: VolumeObjects,
): NodeVolumes | undefined {
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const toProvision: PersistentVolumeClaim[] = [];
  const toMatch: PersistentVolumeClaim[] = [];
  for (const claim of waiting) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE];
    if (selected !== undefined && selected !== node.metadata.name) return undefined;
    (selected === undefined ? toMatch : toProvision).push(claim);
  }
  const taken = new Set<string>();
  // The smallest claims first, so that they don't take the large volumes.
  for (const claim of toMatch.toSorted((a, b) => sizeOf(a) - sizeOf(b))) {
    const volume = matchingVolume(claim, node, objects, taken);
    if (volume === undefined) toProvision.push(claim);
    else {
      taken.add(volume.metadata.name);
      bindings.push({ claim, volume });
    }
  }
  const canProvision = toProvision.every((claim) => isProvisionable(claim, node, objects));
  return canProvision ? { bindings, provisions: toProvision } : undefined;
}

/** The smallest volume that fits, or the one that is reserved for the claim. */
function matchingVolume(
  claim: PersistentVolumeClaim,
  node: Node,
  objects: VolumeObjects,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  const selector = claim.spec.selector && requirementsOf(claim.spec.selector);
  let smallest: PersistentVolume | undefined;
  for (const volume of objects.volumes()) {
    const { metadata, spec, status } = volume;
    if (classOf(volume) !== classOf(claim) || taken.has(metadata.name)) continue;
    const isReserved = isReservedFor(volume, claim);
    if (spec.claimRef !== undefined && !isReserved) continue;
    if (capacityOf(volume) < sizeOf(claim)) continue;
    if ((claim.spec.volumeMode ?? 'Filesystem') !== (spec.volumeMode ?? 'Filesystem')) continue;
    const [wanted, given] = [claim.spec, spec].map((each) => each.volumeAttributesClassName ?? '');
    if (wanted !== given || metadata.deletionTimestamp !== undefined) continue;
    const canReach = isReachable(volume, node);
    // Reserved for the claim, and out of reach: another one isn't looked for.
    if (isReserved) return canReach ? volume : undefined;
    if (status?.phase !== 'Available' || !canReach) continue;
    if (selector !== undefined && !matchesLabels(selector, metadata.labels)) continue;
    const modes = new Set(spec.accessModes ?? []);
    if (!(claim.spec.accessModes ?? []).every((mode) => modes.has(mode))) continue;
    if (smallest === undefined || capacityOf(volume) < capacityOf(smallest)) smallest = volume;
  }
  return smallest;
}

function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (claimRef === undefined) return false;
  if (claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return (claimRef.uid ?? '') === '' || claimRef.uid === metadata.uid;
}

function isProvisionable(
  claim: PersistentVolumeClaim,
  node: Node,
  objects: VolumeObjects,
): boolean {
  const name = classOf(claim);
  const { namespace, name: claimName } = claim.metadata;
  if (name === '') throw new Error(`no class for claim "${namespace}/${claimName}"`);
  const storageClass = objects.storageClass(name);
  if (storageClass === undefined) throw new Error(`failed to find storage class "${name}"`);
  const { provisioner, allowedTopologies = [] } = storageClass;
  if (provisioner === '' || provisioner === NO_PROVISIONER) return false;
  const labels = node.metadata.labels ?? {};
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => {
      const value = labels[key];
      return value !== undefined && values.includes(value);
    }),
  );
}

function sizeOf({ spec }: PersistentVolumeClaim): number {
  return quantityValue(spec.resources?.requests?.storage ?? '0');
}

function capacityOf({ spec }: PersistentVolume): number {
  return quantityValue(spec.capacity?.storage ?? '0');
}
