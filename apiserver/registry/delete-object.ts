/**
 * Deletion on the one generic path: preconditions, grace, finalizers, and the end of the object.
 *
 * An object that has to stay for a while (its grace is not over, somebody's finalizer is on it) gets
 * a deletionTimestamp and is gone later: by another delete without grace, or by the update that takes
 * the last finalizer away.
 *
 * Source: kubernetes/apiserver pkg/registry/rest/delete.go, pkg/registry/generic/registry/store.go, v0.36.
 */

import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import { cloneJson, jsonEquals } from '../../proto/api/json.ts';
import { conflict, MODIFIED, notFound } from '../../proto/api/status-error.ts';
import { formatTime, parseTime } from '../../proto/api/time.ts';
import { admit } from '../admission/admission.ts';
import {
  admissionAttributes,
  type Current,
  currentOf,
  keyOfTarget,
  readCurrent,
  type StoreContext,
  type WriteRequest,
  type WriteTarget,
} from './store-context.ts';
import { storedBytes, storedText } from './stored-form.ts';
import type { ApiObject, Strategy } from './strategy.ts';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const ATTEMPTS_MAX = 10;

export interface Deleted {
  /** Its last state, or the state in which it stays for now. */
  readonly object: ApiObject;
  readonly isGone: boolean;
}

/** What a delete does to an object. */
export type DeletionStep =
  | { readonly kind: 'remove' }
  /** It stays, changed so. */
  | { readonly kind: 'mark'; readonly object: ApiObject }
  /** It is being deleted already, and this delete changes nothing. */
  | { readonly kind: 'none' };

export async function deleteObject(
  context: StoreContext,
  target: WriteTarget,
  options: DeleteOptions,
  request: WriteRequest,
): Promise<Deleted> {
  const { resource } = context.strategy;
  const key = keyOfTarget(context.kind, target);
  let current = await readCurrent(context, key);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    if (current === undefined) throw notFound(resource, target.name);
    const deleted = await tryDelete(context, key, current, options, request);
    if (deleted.kind === 'done') return deleted.deleted;
    current = deleted.current;
  }
  throw conflict(resource, target.name, MODIFIED);
}

type Outcome =
  | { readonly kind: 'done'; readonly deleted: Deleted }
  | { readonly kind: 'again'; readonly current: Current | undefined };

async function tryDelete(
  context: StoreContext,
  key: string,
  current: Current,
  options: DeleteOptions,
  request: WriteRequest,
): Promise<Outcome> {
  const { storage, strategy } = context;
  checkPreconditions(context, current.object, options);
  const attributes = admissionAttributes(context, request, {
    operation: 'DELETE',
    object: undefined,
    oldObject: current.object,
  });
  await admit('mutate', context.admission, attributes, context.objects);
  await admit('validate', context.admission, attributes, context.objects);
  const step = deletionStep(strategy, current.object, options, context.clock.wallMs());
  if (step.kind === 'none') {
    return { kind: 'done', deleted: { object: current.object, isGone: false } };
  }
  if (request.dryRun) {
    const object = step.kind === 'mark' ? step.object : current.object;
    return { kind: 'done', deleted: { object, isGone: step.kind === 'remove' } };
  }
  if (step.kind === 'remove') {
    const result = await storage.delete(key, current.revision);
    if (result.kind === 'conflict') return { kind: 'again', current: currentOf(result.current) };
    return { kind: 'done', deleted: { object: current.object, isGone: true } };
  }
  const result = await storage.put(key, storedBytes(storedText(step.object)), current.revision);
  if (result.kind === 'conflict') return { kind: 'again', current: currentOf(result.current) };
  step.object.metadata.resourceVersion = String(result.revision);
  return { kind: 'done', deleted: { object: step.object, isGone: false } };
}

/** Pure: what this delete means for this object now. */
export function deletionStep(
  strategy: Strategy,
  old: ApiObject,
  options: DeleteOptions,
  nowMs: number,
): DeletionStep {
  const { deletionTimestamp, deletionGracePeriodSeconds } = old.metadata;
  const finalizers = finalizersAfter(old, options);
  const isHeld = finalizers.length > 0 || (strategy.otherFinalizers?.(old) ?? []).length > 0;
  const grace = graceSeconds(strategy, old, options);
  if (deletionTimestamp === undefined) {
    const seconds = grace ?? 0;
    if (seconds === 0 && !isHeld) return { kind: 'remove' };
    return marked(strategy, old, { atMs: nowMs + seconds * 1000, grace: seconds, finalizers });
  }
  const pending = deletionGracePeriodSeconds ?? 0;
  const left = Math.min(pending, grace ?? 0);
  if (left === 0 && !isHeld) return { kind: 'remove' };
  const isSame = left === pending && jsonEquals(finalizers, old.metadata.finalizers ?? []);
  if (isSame) return { kind: 'none' };
  const beganMs = (parseTime(deletionTimestamp) ?? nowMs) - pending * 1000;
  return marked(strategy, old, { atMs: beganMs + left * 1000, grace: left, finalizers });
}

/** Whether an object that is being deleted has to stay all the same. */
export function mustStay(strategy: Strategy, object: ApiObject): boolean {
  return (
    (object.metadata.finalizers ?? []).length > 0 ||
    (strategy.otherFinalizers?.(object) ?? []).length > 0 ||
    (object.metadata.deletionGracePeriodSeconds ?? 0) > 0
  );
}

function marked(
  strategy: Strategy,
  old: ApiObject,
  mark: { readonly atMs: number; readonly grace: number; readonly finalizers: readonly string[] },
): DeletionStep {
  const object = cloneJson(old);
  const { metadata } = object;
  const isFirst = metadata.deletionTimestamp === undefined;
  metadata.deletionTimestamp = formatTime(mark.atMs);
  metadata.deletionGracePeriodSeconds = mark.grace;
  if (isFirst && metadata.generation !== undefined) metadata.generation += 1;
  if (mark.finalizers.length > 0) metadata.finalizers = [...mark.finalizers];
  else delete metadata.finalizers;
  strategy.prepareForDeletion?.(object);
  return { kind: 'mark', object };
}

function graceSeconds(
  strategy: Strategy,
  object: ApiObject,
  options: DeleteOptions,
): number | undefined {
  const { gracePeriodSeconds } = options;
  if (object.metadata.deletionTimestamp !== undefined && gracePeriodSeconds === undefined) {
    return object.metadata.deletionGracePeriodSeconds;
  }
  return strategy.deletionGraceSeconds?.(object, gracePeriodSeconds);
}

/** The garbage collector's finalizers follow what the delete says of dependents. */
function finalizersAfter(object: ApiObject, options: DeleteOptions): readonly string[] {
  const finalizers = object.metadata.finalizers ?? [];
  const { orphanDependents, propagationPolicy } = options;
  const policy = propagationPolicy ?? (orphanDependents === true ? 'Orphan' : undefined);
  if (policy === undefined && orphanDependents === undefined) return finalizers;
  const others = finalizers.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  if (policy === 'Orphan') return [...others, ORPHAN];
  if (policy === 'Foreground') return [...others, FOREGROUND];
  return others;
}

function checkPreconditions(
  context: StoreContext,
  object: ApiObject,
  { preconditions }: DeleteOptions,
): void {
  const { uid, resourceVersion, name } = object.metadata;
  const { resource } = context.strategy;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(resource, name, why);
  }
  const asked = preconditions?.resourceVersion;
  if (asked !== undefined && asked !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${asked}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(resource, name, why);
  }
}
