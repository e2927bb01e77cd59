/**
 * Updates on the one generic path: read, change, admission, rules of the kind (or of the part of it
 * that is updated), validation, and a compare-and-swap; again from the start when somebody else wrote
 * in between and the request allows it.
 *
 * The first attempt trusts the watch cache; whatever it would refuse is asked again of the store.
 *
 * Source: kubernetes/apiserver pkg/registry/rest/update.go, pkg/storage/etcd3/store.go (GuaranteedUpdate), v0.36.
 */

import assert from 'node:assert/strict';
import { jsonEquals } from '../../proto/api/json.ts';
import { groupResource } from '../../proto/api/resource.ts';
import {
  ApiError,
  badRequest,
  conflict,
  invalid,
  MODIFIED,
  newApiError,
  notFound,
} from '../../proto/api/status-error.ts';
import { admit } from '../admission/admission.ts';
import { createObject, type Written } from './create-object.ts';
import { mustStay } from './delete-object.ts';
import { changesNothing, type Ownership, trackWrite } from './field-ownership.ts';
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
import type { ApiObject } from './strategy.ts';
import { type UpdateRules, updateProblems } from './update-rules.ts';

/** Writes by others that one request follows before it gives up. */
const ATTEMPTS_MAX = 10;

export interface Update {
  readonly rules: UpdateRules;
  /**
   * Makes the new object from the current one, anew for each attempt, sharing nothing with it.
   * `current` is undefined when there is none and `createIfMissing`. A resourceVersion or uid in
   * the result is a precondition.
   */
  change(current: ApiObject | undefined): ApiObject | Promise<ApiObject>;
  readonly createIfMissing: boolean;
  /** Default `update`. */
  readonly ownership?: Ownership;
  /** The change is the server's own: no admission, no validation. */
  readonly isInternal?: boolean;
  /** Called with what is really current before anything is changed; throws to refuse. */
  precondition?(current: ApiObject): void;
}

export interface Updated extends Written {
  readonly isCreated: boolean;
}

export async function updateObject(
  context: StoreContext,
  target: WriteTarget,
  update: Update,
  request: WriteRequest,
): Promise<Updated> {
  const key = keyOfTarget(context.kind, target);
  let current = context.peek(key);
  let isFresh = false;
  if (current === undefined) {
    current = await readCurrent(context, key);
    isFresh = true;
  }
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const outcome = await tryUpdate(context, target, update, request, current).catch(
      async (error: unknown) => {
        // What the cache remembers may be refused wrongly.
        if (isFresh || !(error instanceof ApiError)) throw error;
        const fresh = await readCurrent(context, key);
        if (fresh?.revision === current?.revision) throw error;
        return { kind: 'again', current: fresh } as const;
      },
    );
    if (outcome.kind === 'done') return outcome.updated;
    current = outcome.current;
    isFresh = true;
  }
  throw conflict(context.strategy.resource, target.name, MODIFIED);
}

type Outcome =
  | { readonly kind: 'done'; readonly updated: Updated }
  | { readonly kind: 'again'; readonly current: Current | undefined };

async function tryUpdate(
  context: StoreContext,
  target: WriteTarget,
  update: Update,
  request: WriteRequest,
  current: Current | undefined,
): Promise<Outcome> {
  if (current === undefined) {
    return { kind: 'done', updated: await createMissing(context, target, update, request) };
  }
  const old = current.object;
  update.precondition?.(old);
  const object = await update.change(old);
  checkTarget(context, target, object, old);
  if (update.isInternal !== true) await mutate(context, request, object, old);
  prepare(context, update, object, old, request);
  if (update.isInternal !== true) await validate(context, update.rules, object, old, request);
  return write(context, object, current, request);
}

async function mutate(
  context: StoreContext,
  request: WriteRequest,
  object: ApiObject,
  old: ApiObject,
): Promise<void> {
  const what = { operation: 'UPDATE', object, oldObject: old } as const;
  const attributes = admissionAttributes(context, request, what);
  await admit('mutate', context.admission, attributes, context.objects);
}

async function validate(
  context: StoreContext,
  rules: UpdateRules,
  object: ApiObject,
  old: ApiObject,
  request: WriteRequest,
): Promise<void> {
  const { strategy } = context;
  const errors = updateProblems(context, rules, object, old);
  if (errors.length > 0) throw invalid(strategy.resource, object.metadata.name, errors);
  if (rules.kind === 'main') {
    for (const text of strategy.warnings?.(object) ?? []) request.warn(text);
  }
  const what = { operation: 'UPDATE', object, oldObject: old } as const;
  const attributes = admissionAttributes(context, request, what);
  await admit('validate', context.admission, attributes, context.objects);
}

/** Carries over what an update can't change, and applies the rules of what is updated. */
function prepare(
  context: StoreContext,
  { rules, ownership = 'update' }: Update,
  object: ApiObject,
  old: ApiObject,
  request: WriteRequest,
): void {
  const { metadata } = object;
  metadata.uid = old.metadata.uid;
  metadata.creationTimestamp = old.metadata.creationTimestamp;
  restore(metadata, old.metadata, 'namespace');
  restore(metadata, old.metadata, 'deletionTimestamp');
  restore(metadata, old.metadata, 'deletionGracePeriodSeconds');
  restore(metadata, old.metadata, 'generation');
  restore(metadata, old.metadata, 'generateName');
  delete metadata.selfLink;
  rules.prepare(object, old, {
    nowMs: context.clock.wallMs(),
    user: request.user,
    randomUid: context.random.uid,
  });
  const { generation } = old.metadata;
  // Binding a pod and the like are no changes of what was asked for.
  const isCounted = rules.kind !== 'internal' && generation !== undefined;
  if (isCounted && !jsonEquals(object.spec, old.spec)) {
    metadata.generation = generation + 1;
  }
  if (ownership === 'update') trackWrite(context, old, object, request);
}

async function write(
  context: StoreContext,
  object: ApiObject,
  current: Current,
  request: WriteRequest,
): Promise<Outcome> {
  const { kind, storage, strategy } = context;
  const key = keyOfTarget(kind, object.metadata);
  if (changesNothing(current.object, object)) {
    // Nothing to write; but the answer must be about what is stored now.
    if (!(await isCurrent(context, key, current))) {
      return { kind: 'again', current: await readCurrent(context, key) };
    }
    const { revision } = current;
    return done({ object: current.object, text: storedText(current.object), revision });
  }
  const text = storedText(object);
  if (request.dryRun) {
    object.metadata.resourceVersion = current.object.metadata.resourceVersion;
    return done({ object, text, revision: current.revision });
  }
  const isOver = object.metadata.deletionTimestamp !== undefined && !mustStay(strategy, object);
  const options = strategy.ttlSeconds === undefined ? {} : { ttlSeconds: strategy.ttlSeconds };
  const value = storedBytes(text);
  if (!isOver) context.remember(value, object);
  const result = isOver
    ? await storage.delete(key, current.revision)
    : await storage.put(key, value, current.revision, options);
  if (result.kind === 'conflict') return { kind: 'again', current: currentOf(result.current) };
  object.metadata.resourceVersion = String(result.revision);
  return done({ object, text, revision: result.revision });
}

function done(written: Written): Outcome {
  return { kind: 'done', updated: { ...written, isCreated: false } };
}

async function isCurrent(context: StoreContext, key: string, current: Current): Promise<boolean> {
  return (await context.storage.get(key)).kv?.modRevision === current.revision;
}

async function createMissing(
  context: StoreContext,
  target: WriteTarget,
  update: Update,
  request: WriteRequest,
): Promise<Updated> {
  const { resource } = context.strategy;
  if (!update.createIfMissing) throw notFound(resource, target.name);
  const object = await update.change(undefined);
  checkName(target, object);
  if ((object.metadata.uid ?? '') !== '') {
    // The object that was meant is gone.
    const why = `StorageError: invalid object, Code: 4, Key: ${groupResource(resource)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${object.metadata.uid}, UID in object meta: `;
    throw conflict(resource, target.name, why);
  }
  if ((object.metadata.resourceVersion ?? '') !== '') throw notFound(resource, target.name);
  const { ownership } = update;
  const written = await createObject(context, target.namespace, object, request, ownership);
  return { ...written, isCreated: true };
}

function checkTarget(
  context: StoreContext,
  target: WriteTarget,
  object: ApiObject,
  old: ApiObject,
): void {
  checkName(target, object);
  const { resource } = context.strategy;
  const { namespace = '', uid = '', resourceVersion = '' } = object.metadata;
  if (namespace !== '' && namespace !== target.namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  if (uid !== '' && uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(resource, target.name, why);
  }
  const isAny = resourceVersion === '' || resourceVersion === '0';
  if (!isAny && !/^\d+$/.test(resourceVersion)) {
    throw newApiError(400, 'BadRequest', `invalid resource version "${resourceVersion}"`);
  }
  if (!isAny && resourceVersion !== old.metadata.resourceVersion) {
    throw conflict(resource, target.name, MODIFIED);
  }
}

function checkName(target: WriteTarget, object: ApiObject): void {
  const { name = '' } = object.metadata;
  if (name === '') object.metadata.name = target.name;
  else if (name !== target.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
}

function restore(metadata: ApiObject['metadata'], old: ApiObject['metadata'], field: string): void {
  assert(metadata !== old, 'A change must not share metadata with what it changes');
  const value = old[field];
  if (value === undefined) delete metadata[field];
  else metadata[field] = value;
}
