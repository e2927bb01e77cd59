/**
 * The entries of `metadata.managedFields`: who set which fields, when, and how. Entries are kept by their
 * identity (manager, operation, version, subresource); reading never fails, writing gives upstream's order.
 *
 * Source: kubernetes/apimachinery pkg/util/managedfields/internal/{managedfields,capmanagers}.go, v0.36.
 */

import { isJsonObject, type JsonObject } from '../json.ts';
import { type FieldSet, sortedSet, union } from './field-set.ts';

/** More entries of updates than these are merged into one; upstream's number. */
export const UPDATE_MANAGERS_MAX = 10;

const OLD_UPDATES_MANAGER = 'ancient-changes';

export interface ManagerEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** RFC 3339, or absent when it is not known. */
  readonly time?: string | undefined;
  readonly subresource: string;
  readonly set: FieldSet;
}

export type Entries = ReadonlyMap<string, ManagerEntry>;

/** What makes two entries the same; an applier is the same in every version. */
export function identityOf(entry: Omit<ManagerEntry, 'set' | 'time'>): string {
  const version = entry.operation === 'Apply' ? '' : entry.apiVersion;
  return `${entry.operation}\n${entry.manager}\n${version}\n${entry.subresource}`;
}

/** Gives no entries at all when one of them is malformed, as upstream does. */
export function readEntries(managedFields: unknown): Entries {
  const entries = new Map<string, ManagerEntry>();
  if (!Array.isArray(managedFields)) return entries;
  for (const raw of managedFields) {
    const entry = readEntry(raw);
    if (entry === undefined) return new Map();
    entries.set(identityOf(entry), entry);
  }
  return entries;
}

/** The list for `metadata.managedFields`; absent when there are no entries. */
export function writeEntries(entries: Entries): JsonObject[] | undefined {
  if (entries.size === 0) return undefined;
  return [...entries.values()].sort(byOperationAndTime).map((entry) => ({
    manager: entry.manager,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === undefined ? {} : { time: entry.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sortedSet(entry.set),
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  }));
}

/** True when the list asks to forget all entries: it is empty, or holds one empty entry. */
export function isReset(managedFields: unknown): boolean {
  if (!Array.isArray(managedFields)) return false;
  if (managedFields.length === 0) return true;
  const [first] = managedFields;
  return managedFields.length === 1 && isJsonObject(first) && Object.keys(first).length === 0;
}

/** Merges the oldest updates of a version into one entry until there are few enough. */
export function capUpdateManagers(entries: Map<string, ManagerEntry>): void {
  const updates = [...entries.values()].filter(({ operation }) => operation === 'Update');
  let excess = updates.length - UPDATE_MANAGERS_MAX;
  if (excess <= 0) return;
  updates.sort(byOperationAndTime);
  const firstOfVersion = new Map<string, ManagerEntry>();
  for (const entry of updates) {
    if (excess <= 0) return;
    const bucketEntry: ManagerEntry = { ...entry, manager: OLD_UPDATES_MANAGER, subresource: '' };
    const bucket = identityOf(bucketEntry);
    const first = firstOfVersion.get(entry.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(entry.apiVersion, entry);
      continue;
    }
    const old = entries.get(bucket) ?? entries.get(identityOf(first));
    entries.delete(identityOf(first));
    entries.delete(identityOf(entry));
    entries.set(bucket, { ...bucketEntry, set: union(entry.set, old?.set) ?? entry.set });
    excess -= 1;
  }
}

function readEntry(raw: unknown): ManagerEntry | undefined {
  if (!isJsonObject(raw)) return undefined;
  const { manager = '', operation, apiVersion, time, fieldsType, fieldsV1, subresource = '' } = raw;
  const isOperation = operation === 'Apply' || operation === 'Update';
  const isText = typeof manager === 'string' && typeof subresource === 'string';
  if (!(isOperation && isText) || typeof apiVersion !== 'string' || apiVersion === '') {
    return undefined;
  }
  if (fieldsType !== 'FieldsV1' || !isFieldSet(fieldsV1 ?? {})) return undefined;
  return {
    manager,
    operation,
    apiVersion,
    time: typeof time === 'string' ? time : undefined,
    subresource,
    set: (fieldsV1 ?? {}) as FieldSet,
  };
}

/** Objects all the way down, with keys that are path elements. */
function isFieldSet(value: unknown): value is FieldSet {
  if (!isJsonObject(value)) return false;
  for (const key in value) {
    if (!(/^[fvki]:/.test(key) || key === '.')) return false;
    if (!isFieldSet(value[key])) return false;
    if (key.startsWith('k:') && !isJson(key.slice(2))) return false;
  }
  return true;
}

function isJson(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}

function byOperationAndTime(a: ManagerEntry, b: ManagerEntry): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time ?? '', b.time ?? '') ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  );
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
