/**
 * Server-side apply, and `metadata.managedFields` for all other writes: who owns which field. Pure: objects
 * come in decoded (decode.ts), nothing that comes in is changed.
 *
 * A manager that applies owns the leaves it names; an update owns what it changes. What another manager
 * sets differently is a conflict, or taken over by force; what an applier no longer names and nobody else
 * owns is removed.
 *
 * Source: kubernetes/apimachinery pkg/util/managedfields, kubernetes-sigs/structured-merge-diff v6
 * merge/update.go.
 */

import { type Comparison, changedFields, compare, fieldSetOf } from './apply/compare.ts';
import { type Conflict, conflictError } from './apply/conflicts.ts';
import {
  capUpdateManagers,
  type Entries,
  identityOf,
  isReset,
  type ManagerEntry,
  readEntries,
  writeEntries,
} from './apply/entries.ts';
import { difference, equals, type FieldSet, intersection, union } from './apply/field-set.ts';
import { checkConfiguration, mergeApplied, withNamedFields, withoutFields } from './apply/merge.ts';
import { type Shape, shapeOfType } from './apply/shape.ts';
import { decodeConfiguration, decodeObject, zeroMessage } from './decode.ts';
import { isJsonObject, type JsonObject, jsonEquals } from './json.ts';
import { typeNamed } from './schema.ts';
import { badRequest } from './status-error.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Never owned by anybody. */
const UNOWNED: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
};

export interface Update {
  readonly typeName: string;
  /** The object as it was stored; absent for a create. */
  readonly before: JsonObject | undefined;
  /** The object as it is to be stored; its own managedFields are what the request asked for. */
  readonly after: JsonObject;
  readonly manager: string;
  /** RFC 3339, seconds. */
  readonly time: string;
  /** Empty or absent for the main resource. */
  readonly subresource?: string | undefined;
  readonly apiVersion: string;
}

/**
 * The `managedFields` of an object after an ordinary write: what the write changed belongs to the manager,
 * what it removed to nobody. The list of `before` is given back when the write changed nothing; absent
 * when nothing is tracked.
 */
export function trackUpdate(update: Update): JsonObject[] | undefined {
  const { typeName, before, after, manager, time, subresource = '', apiVersion } = update;
  const managed = requestedEntries(before, after, subresource);
  if (managed.size === 0 && before !== undefined) return undefined;
  const shape = shapeOfType(typeName);
  const entry = { manager, operation: 'Update', apiVersion, subresource } as const;
  const change =
    managed.size === 0
      ? { changed: createdFields(typeName, shape, after), removed: undefined }
      : compareObjects(shape, before ?? zeroOf(typeName), after);
  const entries = new Map(shrunk(managed, change, undefined));
  const own = difference(change.changed, UNOWNED);
  if (own !== undefined) {
    const identity = identityOf(entry);
    const set = union(own, entries.get(identity)?.set) ?? own;
    entries.set(identity, { ...entry, time, set });
  }
  capUpdateManagers(entries);
  return writeEntries(entries);
}

export interface Apply {
  readonly typeName: string;
  /** The object as it is stored; absent when the apply creates it. */
  readonly live: JsonObject | undefined;
  /** The configuration as it came, parsed only: which zeros it names counts. */
  readonly applied: unknown;
  readonly manager: string;
  readonly force: boolean;
  /** RFC 3339, seconds. */
  readonly time: string;
  readonly subresource?: string | undefined;
}

/**
 * Applies a configuration. Gives the object to store, decoded, with its managedFields; `live` itself when
 * the apply changes nothing. Defaults, validation and what the server sets are the caller's business.
 * Throws an ApiError: 400 for what is not a configuration of the type, 409 for conflicts.
 */
export function applyServerSide(apply: Apply): JsonObject {
  const { typeName, live, manager, time, subresource = '' } = apply;
  const config = configurationOf(apply);
  const apiVersion = String(config.apiVersion ?? '');
  const shape = shapeOfType(typeName);
  const base = live ?? { ...zeroMessage(typeName), apiVersion, kind: config.kind };
  checkConfiguration(shape, config);

  const managed = entriesOfLive(apply, apiVersion);
  const entry = { manager, operation: 'Apply', apiVersion, subresource } as const;
  const identity = identityOf(entry);
  const last = managed.get(identity);
  const named = fieldSetOf(shape, config);
  const set = difference(named, UNOWNED);
  const claimed = new Map(managed);
  if (set === undefined) claimed.delete(identity);
  else claimed.set(identity, { ...entry, time, set });

  const merged = mergeApplied(shape, withoutManagedFields(base), config);
  const others = [...claimed.values()].map((one) => one.set);
  const pruned = prune(shape, merged, last?.set, [named, ...others]);
  const object = decodeObject(typeName, pruned).object;
  const change = compareObjects(shape, base, object);
  if (!apply.force) refuseConflicts(apply, shape, claimed, change, identity);
  const entries = new Map(shrunk(claimed, change, identity));

  const isSame = live !== undefined && isUnchanged(live, object);
  const isSameSet = last !== undefined && equals(last.set, set);
  if (isSame && isSameSet && entries.size === managed.size) {
    if (last.apiVersion === apiVersion) return live;
  }
  syncLastApplied(apply, object);
  return withManagedFields(object, writeEntries(entries));
}

/** Equal but for times in managedFields and the resourceVersion: such a write is none. */
export function isUnchanged(before: JsonObject, after: JsonObject): boolean {
  if (!jsonEquals(comparable(before), comparable(after))) return false;
  const [aFields, bFields] = [managedFieldsOf(before), managedFieldsOf(after)];
  if (bFields === undefined || aFields === undefined) return true;
  return jsonEquals(withoutTimes(aFields), withoutTimes(bFields));
}

function withoutTimes(managedFields: unknown): unknown {
  if (!Array.isArray(managedFields)) return managedFields;
  return managedFields.map((entry) =>
    isJsonObject(entry) ? { ...entry, time: undefined } : entry,
  );
}

function requestedEntries(
  before: JsonObject | undefined,
  after: JsonObject,
  subresource: string,
): Entries {
  const live = before === undefined ? undefined : managedFieldsOf(before);
  if (subresource !== '') return readEntries(live);
  const requested = managedFieldsOf(after);
  if (isReset(requested)) return new Map();
  const entries = readEntries(requested);
  return entries.size === 0 ? readEntries(live) : entries;
}

/** Objects that nobody owns yet belong, before the first apply, to a manager of that name. */
function entriesOfLive(apply: Apply, apiVersion: string): Entries {
  const { typeName, live, time, subresource } = apply;
  if (live === undefined) return new Map();
  const entries = readEntries(managedFieldsOf(live));
  if (entries.size > 0) return entries;
  const manager = 'before-first-apply';
  const after = withoutManagedFields(live);
  const tracked = trackUpdate({
    typeName,
    before: undefined,
    after,
    manager,
    time,
    subresource,
    apiVersion,
  });
  return readEntries(tracked);
}

/** The configuration, decoded, without the parts that this resource or subresource does not set. */
function configurationOf({ typeName, applied, subresource = '' }: Apply): JsonObject {
  const config = { ...decodeConfiguration(typeName, applied).object };
  const metadata = config.metadata;
  if (isJsonObject(metadata) && metadata.managedFields !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const hasStatus =
    typeNamed(typeName).fields.has('status') && typeNamed(typeName).fields.has('spec');
  if (subresource === '' && hasStatus) delete config.status;
  if (subresource === 'status') delete config.spec;
  return config;
}

/** Entries without what changed under them, or vanished; those left with nothing are gone. */
function shrunk(
  managed: Entries,
  { changed, removed }: Comparison,
  applier: string | undefined,
): Entries {
  const entries = new Map<string, ManagerEntry>();
  for (const [identity, entry] of managed) {
    const isApplier = identity === applier;
    const kept = isApplier ? entry.set : difference(entry.set, changed);
    const set = isApplier ? kept : difference(kept, removed);
    if (set === entry.set) entries.set(identity, entry);
    else if (set !== undefined) entries.set(identity, { ...entry, set });
  }
  return entries;
}

function refuseConflicts(
  apply: Apply,
  shape: Shape,
  managed: Entries,
  { changed }: Comparison,
  applier: string,
): void {
  const allowed = apply.manager === 'kubectl' ? lastAppliedFields(apply, shape) : undefined;
  const conflicts: Conflict[] = [];
  for (const [identity, entry] of managed) {
    if (identity === applier) continue;
    const set = difference(intersection(entry.set, changed), allowed);
    if (set !== undefined) conflicts.push({ entry, set });
  }
  if (conflicts.length > 0) throw conflictError(conflicts);
}

/**
 * Takes out what the applier named last time, and neither it nor anybody else names now. In three steps,
 * as upstream: all it named, then back what is owned, then back what it did not name.
 */
function prune(
  shape: Shape,
  merged: unknown,
  last: FieldSet | undefined,
  sets: readonly (FieldSet | undefined)[],
): unknown {
  if (last === undefined) return merged;
  const lastNamed = withNamedFields(shape, last) ?? {};
  const stripped = withoutFields(shape, merged, lastNamed) ?? {};
  const all = withNamedFields(shape, fieldSetOf(shape, merged));
  let owned: FieldSet | undefined;
  for (const set of sets) owned = union(owned, set);
  const left = withNamedFields(shape, fieldSetOf(shape, stripped));
  const keep = union(left, withNamedFields(shape, owned));
  const withOwned = withoutFields(shape, merged, difference(all, keep) ?? {}) ?? {};
  const gone = difference(all, withNamedFields(shape, fieldSetOf(shape, withOwned)));
  return withoutFields(shape, merged, intersection(gone, lastNamed) ?? {});
}

/** Fields that `kubectl apply` set before it applied on the server, and that are still as it set them. */
function lastAppliedFields({ typeName, live }: Apply, shape: Shape): FieldSet | undefined {
  const text = live === undefined ? undefined : annotationsOf(live)?.[LAST_APPLIED];
  if (live === undefined || typeof text !== 'string') return undefined;
  try {
    const config = decodeConfiguration(typeName, JSON.parse(text)).object;
    if (config.apiVersion !== live.apiVersion) return undefined;
    const { changed } = compareObjects(shape, live, config);
    return difference(fieldSetOf(shape, config), changed);
  } catch {
    // What the annotation holds was written by a client, and need not be right.
    return undefined;
  }
}

/** Keeps the annotation of client-side apply in step, where there is one. */
function syncLastApplied(apply: Apply, object: JsonObject): void {
  const annotations = annotationsOf(object);
  if (apply.manager !== 'kubectl' || annotations?.[LAST_APPLIED] === undefined) return;
  annotations[LAST_APPLIED] = `${JSON.stringify(withoutLastApplied(apply.applied))}\n`;
}

function withoutLastApplied(config: unknown): unknown {
  if (!isJsonObject(config) || !isJsonObject(config.metadata)) return config;
  const metadata = { ...config.metadata };
  if (isJsonObject(metadata.annotations)) {
    const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations;
    metadata.annotations = annotations;
  }
  return { ...config, metadata };
}

function createdFields(typeName: string, shape: Shape, after: JsonObject): FieldSet | undefined {
  return changedFields(shape, zeroOf(typeName), comparable(after));
}

/** What an object is compared with that was not there: made once for each type, and never changed. */
function zeroOf(typeName: string): JsonObject {
  const known = zeros.get(typeName);
  if (known !== undefined) return known;
  const zero = zeroMessage(typeName);
  zeros.set(typeName, zero);
  return zero;
}

const zeros = new Map<string, JsonObject>();

/** Ownership is not a field, and every write has another resourceVersion. */
function compareObjects(shape: Shape, before: JsonObject, after: JsonObject): Comparison {
  return compare(shape, comparable(before), comparable(after));
}

function comparable(object: JsonObject): JsonObject {
  const { metadata } = object;
  if (!isJsonObject(metadata)) return object;
  const { managedFields: _, resourceVersion: __, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function annotationsOf(object: JsonObject): JsonObject | undefined {
  const { metadata } = object;
  const annotations = isJsonObject(metadata) ? metadata.annotations : undefined;
  return isJsonObject(annotations) ? annotations : undefined;
}

function managedFieldsOf(object: JsonObject): unknown {
  const { metadata } = object;
  return isJsonObject(metadata) ? metadata.managedFields : undefined;
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const { metadata } = object;
  if (!isJsonObject(metadata)) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function withManagedFields(
  object: JsonObject,
  managedFields: JsonObject[] | undefined,
): JsonObject {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const { managedFields: _, ...rest } = metadata;
  return {
    ...object,
    metadata: managedFields === undefined ? rest : { ...rest, managedFields },
  };
}
