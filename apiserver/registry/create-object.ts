/**
 * Creation on the one generic path: system fields, admission, the kind's strategy, validation, and
 * the write that must find nothing under the name.
 *
 * Source: kubernetes/apiserver pkg/registry/rest/create.go, pkg/registry/generic/registry/store.go, v0.36.
 */

import { alreadyExists, badRequest, invalid, newApiError } from '../../proto/api/status-error.ts';
import { formatTime } from '../../proto/api/time.ts';
import { admit } from '../admission/admission.ts';
import { emptyStatus } from './empty-status.ts';
import { type Ownership, trackWrite } from './field-ownership.ts';
import {
  admissionAttributes,
  keyOfTarget,
  type StoreContext,
  strategyContext,
  type WriteRequest,
} from './store-context.ts';
import { storedBytes, storedText } from './stored-form.ts';
import type { ApiObject } from './strategy.ts';
import { validateNew } from './validate-object.ts';

/** Characters of a generated name before its suffix: 63 with the suffix. */
const GENERATED_PREFIX_MAX = 58;
const SUFFIX_LENGTH = 5;
/** Attempts at a name that nobody has. */
const GENERATE_ATTEMPTS = 8;

/** What a write left in the store. */
export interface Written {
  /** With its resourceVersion. */
  readonly object: ApiObject;
  /** The stored text, of which the answer is made. */
  readonly text: string;
  /** 0 for a dry run. */
  readonly revision: number;
}

/**
 * Stores a new object. `object` is decoded and defaulted, and becomes the caller's no more. Throws
 * AlreadyExists, Invalid, and what admission refuses with.
 */
export async function createObject(
  context: StoreContext,
  namespace: string,
  object: ApiObject,
  request: WriteRequest,
  ownership: Ownership = 'update',
): Promise<Written> {
  const { strategy, admission, objects } = context;
  setNamespace(context, namespace, object);
  const { metadata } = object;
  if ((metadata.resourceVersion ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const isGenerated = (metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '';
  if (isGenerated) metadata.name = generatedName(context, metadata.generateName ?? '');
  setSystemFields(context, object);
  if (strategy.status === 'separate') {
    const status = emptyStatus(context.kind);
    if (status === undefined) delete object.status;
    else object.status = status;
    if (strategy.withoutGeneration !== true) metadata.generation = 1;
  }
  if (ownership === 'update') {
    delete metadata.managedFields;
    // Before admission: what the server assigns (addresses, volumes of tokens) is nobody's.
    trackWrite(context, undefined, object, request);
  }

  const attributes = admissionAttributes(context, request, {
    operation: 'CREATE',
    object,
    oldObject: undefined,
  });
  const mutated = admit('mutate', admission, attributes, objects);
  if (mutated !== undefined) await mutated;

  strategy.prepareForCreate?.(object, strategyContext(context, request));

  const errors = validateNew(strategy, context.kind, object);
  if (errors.length > 0) throw invalid(strategy.resource, metadata.name, errors);
  for (const text of strategy.warnings?.(object) ?? []) request.warn(text);
  const validated = admit('validate', admission, attributes, objects);
  if (validated !== undefined) await validated;
  return put(context, object, request, isGenerated);
}

async function put(
  context: StoreContext,
  object: ApiObject,
  request: WriteRequest,
  isGenerated: boolean,
): Promise<Written> {
  const { strategy, storage, kind } = context;
  const options = strategy.ttlSeconds === undefined ? {} : { ttlSeconds: strategy.ttlSeconds };
  for (let attempt = 1; ; attempt += 1) {
    const { metadata } = object;
    const key = keyOfTarget(kind, metadata);
    const text = storedText(object);
    if (request.dryRun) {
      const isTaken = (await storage.get(key)).kv !== undefined;
      if (!isTaken) return { object, text, revision: 0 };
    } else {
      const value = storedBytes(text);
      context.remember(value, object);
      const result = await storage.put(key, value, 0, options);
      if (result.kind === 'ok') {
        metadata.resourceVersion = String(result.revision);
        return { object, text, revision: result.revision };
      }
    }
    if (!isGenerated) throw alreadyExists(strategy.resource, metadata.name);
    if (attempt === GENERATE_ATTEMPTS) throw noUniqueName(context, metadata.name);
    metadata.name = generatedName(context, metadata.generateName ?? '');
  }
}

function noUniqueName(context: StoreContext, name: string): Error {
  const { message, details } = alreadyExists(context.strategy.resource, name).status;
  return newApiError(
    409,
    'AlreadyExists',
    `${message}, the server was not able to generate a unique name for the object`,
    details,
  );
}

function generatedName(context: StoreContext, generateName: string): string {
  return generateName.slice(0, GENERATED_PREFIX_MAX) + context.random.suffix(SUFFIX_LENGTH);
}

function setNamespace(context: StoreContext, namespace: string, object: ApiObject): void {
  const { metadata } = object;
  const given = metadata.namespace ?? '';
  if (!context.strategy.resource.namespaced) {
    if (given !== '') return; // Validation names the field.
    delete metadata.namespace;
    return;
  }
  if (given !== '' && given !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  metadata.namespace = namespace;
}

/** What only the server says of an object. */
function setSystemFields(context: StoreContext, object: ApiObject): void {
  const { metadata } = object;
  metadata.uid = context.random.uid();
  metadata.creationTimestamp = formatTime(context.clock.wallMs());
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  delete metadata.selfLink;
}
