/**
 * What is to be done with an object, given what became of its owners.
 *
 * Source: kubernetes pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem, v1.36.
 */

import type { ObjectMeta, OwnerReference } from '../../proto/api/gen/meta-v1.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './graph.ts';

/** `waiting`: it is there, and goes when its dependents are gone. */
export type OwnerState = 'there' | 'absent' | 'waiting';

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

export type GarbageDecision =
  | { readonly kind: 'keep' }
  /** Some owners are left: the others are forgotten. */
  | { readonly kind: 'forget'; readonly owners: readonly OwnerReference[] }
  | { readonly kind: 'delete'; readonly policy: PropagationPolicy };

export function decideGarbage(
  metadata: Pick<ObjectMeta, 'ownerReferences' | 'finalizers'>,
  stateOf: (owner: OwnerReference) => OwnerState,
  hasDependents: boolean,
): GarbageDecision {
  const { ownerReferences = [], finalizers = [] } = metadata;
  if (ownerReferences.length === 0) return { kind: 'keep' };
  const there = ownerReferences.filter((owner) => stateOf(owner) === 'there');
  if (there.length === ownerReferences.length) return { kind: 'keep' };
  if (there.length > 0) return { kind: 'forget', owners: there };
  const isAnyWaiting = ownerReferences.some((owner) => stateOf(owner) === 'waiting');
  if (isAnyWaiting && hasDependents) return { kind: 'delete', policy: 'Foreground' };
  // What its own deleter asked for is kept.
  if (finalizers.includes(ORPHAN_FINALIZER)) return { kind: 'delete', policy: 'Orphan' };
  if (finalizers.includes(FOREGROUND_FINALIZER)) return { kind: 'delete', policy: 'Foreground' };
  return { kind: 'delete', policy: 'Background' };
}
