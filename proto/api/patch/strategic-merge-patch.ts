/**
 * Strategic merge patch: a merge patch that knows the schema, so that lists of containers, ports or
 * conditions are merged item by item. Directives: `$patch: delete|replace|merge`, `$retainKeys`,
 * `$deleteFromPrimitiveList/LIST`, `$setElementOrder/LIST`; null deletes.
 *
 * Source: kubernetes/apimachinery pkg/util/strategicpatch/patch.go, v0.36.
 */

import { canonicalJson, isJsonObject, type JsonObject, jsonEquals } from '../json.ts';
import type { TypeRef } from '../schema.ts';
import { badRequest } from '../status-error.ts';
import { orderItems } from './list-order.ts';
import { type PatchField, patchField } from './patch-schema.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_PRIMITIVE_LIST = '$deleteFromPrimitiveList/';
const SET_ELEMENT_ORDER = '$setElementOrder/';

/**
 * Patches an object of a type. Neither argument is changed; the result shares what was not touched.
 * Throws an ApiError 400 when the patch is malformed.
 */
export function applyStrategicMergePatch(
  typeName: string,
  original: JsonObject,
  patch: unknown,
): JsonObject {
  if (!isJsonObject(patch)) throw badRequest('a strategic merge patch must be an object');
  return mergeObject(typeName, original, patch);
}

function mergeObject(
  ref: TypeRef | undefined,
  original: JsonObject,
  patch: JsonObject,
): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return {};
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);
  const result = retainKeys(original, patch);
  const ordered = applyElementOrders(ref, result, patch);
  for (const key of Object.keys(patch)) {
    if (ordered.has(key) || isHandledDirective(key)) continue;
    if (key.startsWith(DELETE_FROM_PRIMITIVE_LIST)) {
      deleteFromPrimitiveList(result, key, patch[key]);
      continue;
    }
    const value = patch[key];
    if (value === null) delete result[key];
    else setMerged(result, key, mergeValue(patchField(ref, key), result[key], value));
  }
  return result;
}

/** Directives of the object itself, done before its keys. */
function isHandledDirective(key: string): boolean {
  return key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(SET_ELEMENT_ORDER);
}

function setMerged(result: JsonObject, key: string, value: unknown): void {
  if (value === undefined) delete result[key];
  else result[key] = value;
}

/** The patched value; `undefined` when the patch is nothing but a directive to delete. */
function mergeValue(field: PatchField, original: unknown, patch: unknown): unknown {
  if (isJsonObject(patch) && isJsonObject(original)) {
    if (field.strategy === 'replace') return withoutDirectives(patch);
    return mergeObject(field.ref, original, patch);
  }
  if (Array.isArray(patch) && Array.isArray(original) && field.strategy === 'merge') {
    return mergeList(field, original, patch);
  }
  return additions(patch);
}

function mergeList(
  field: PatchField,
  original: readonly unknown[],
  patch: readonly unknown[],
): readonly unknown[] {
  const { mergeKey } = field;
  const isOfObjects = [...original, ...patch].some(isJsonObject);
  if (!isOfObjects) {
    const merged = [...new Set([...original, ...patch])];
    return orderItems(merged, patch, original, undefined);
  }
  if (mergeKey === undefined) throw badRequest('cannot merge lists without merge key');
  const objects = [...original, ...patch].every(isJsonObject);
  if (!objects) throw badRequest('list element types are not identical');
  const items = original.filter(isJsonObject);
  const changes = patch.filter(isJsonObject);
  const plain = changes.filter((item) => isPlainItem(item));
  if (changes.some((item) => item[DIRECTIVE] === 'replace')) {
    return plain.map((item) => withoutDirectives(item));
  }
  const deleted = new Set(
    changes.filter((item) => item[DIRECTIVE] === 'delete').map((item) => keyOf(item, mergeKey)),
  );
  const kept = items.filter((item) => !deleted.has(canonicalJson(item[mergeKey])));
  const merged: JsonObject[] = [...kept];
  const indexOf = new Map<string, number>();
  for (const [index, item] of kept.entries()) {
    const key = canonicalJson(item[mergeKey]);
    if (!indexOf.has(key)) indexOf.set(key, index);
  }
  for (const item of plain) {
    const key = keyOf(item, mergeKey);
    const index = indexOf.get(key) ?? merged.length;
    const existing = merged[index];
    merged[index] =
      existing === undefined ? withoutDirectives(item) : mergeObject(field.ref, existing, item);
    indexOf.set(key, index);
  }
  return orderItems(merged, plain, kept, mergeKey);
}

/** An item without a directive to delete or replace. */
function isPlainItem(item: JsonObject): boolean {
  const directive = item[DIRECTIVE];
  if (directive === undefined || directive === 'merge') return true;
  if (directive === 'delete' || directive === 'replace') return false;
  throw unknownDirective(directive);
}

/** The value of the merge key as a text; an item of a patch must have one. */
function keyOf(item: JsonObject, mergeKey: string): string {
  const value = item[mergeKey];
  if (value === undefined) {
    const shown = JSON.stringify(item);
    throw badRequest(`map: ${shown} does not contain declared merge key: ${mergeKey}`);
  }
  return canonicalJson(value);
}

/** A copy of the original; `$retainKeys` removes the keys it does not name. */
function retainKeys(original: JsonObject, patch: JsonObject): JsonObject {
  const retained = patch[RETAIN_KEYS];
  if (retained === undefined) return { ...original };
  if (!Array.isArray(retained)) throw badRequest('invalid patch format of retainKeys');
  const names = new Set<unknown>(retained);
  const isForgotten = Object.keys(patch).some(
    (key) => !(key.startsWith('$') || patch[key] === null || names.has(key)),
  );
  if (isForgotten) throw badRequest('invalid patch format of retainKeys');
  return Object.fromEntries(Object.entries(original).filter(([key]) => names.has(key)));
}

function deleteFromPrimitiveList(result: JsonObject, directive: string, values: unknown): void {
  if (!Array.isArray(values)) throw badRequest('invalid patch format of primitive list');
  const key = directive.slice(DELETE_FROM_PRIMITIVE_LIST.length);
  const list = result[key];
  const deleted = new Set<unknown>(values);
  if (Array.isArray(list)) result[key] = list.filter((item) => !deleted.has(item));
}

/**
 * Merges the lists that `$setElementOrder/LIST` names, and puts their items in that order. Gives the
 * keys that are done with.
 */
function applyElementOrders(
  ref: TypeRef | undefined,
  result: JsonObject,
  patch: JsonObject,
): ReadonlySet<string> {
  const done = new Set<string>();
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(SET_ELEMENT_ORDER)) continue;
    const order = patch[directive];
    if (!Array.isArray(order)) {
      throw badRequest('invalid patch format of setElementOrder list');
    }
    const key = directive.slice(SET_ELEMENT_ORDER.length);
    const original = result[key];
    const change = patch[key];
    if (change === null || (change === undefined && original === undefined)) continue;
    const field = patchField(ref, key);
    const { mergeKey } = field;
    const before = Array.isArray(original) ? original : [];
    if (Array.isArray(change)) checkOrder(change, order, mergeKey);
    const merged = change === undefined ? before : mergeValue(field, original, change);
    if (!Array.isArray(merged)) continue;
    result[key] = orderItems(merged, order, before, mergeKey);
    done.add(key);
  }
  return done;
}

/** What is added or changed must be in the list of the order, and stand there in the same order. */
function checkOrder(
  change: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): void {
  const identity = (item: unknown): unknown =>
    mergeKey !== undefined && isJsonObject(item) ? item[mergeKey] : item;
  let at = 0;
  for (const item of change) {
    if (isJsonObject(item) && item[DIRECTIVE] !== undefined) continue;
    while (at < order.length && !jsonEquals(identity(order[at]), identity(item))) at += 1;
    if (at === order.length) {
      const [patchText, orderText] = [JSON.stringify(change), JSON.stringify(order)];
      throw badRequest(
        `The order in patch list:\n${patchText}\n doesn't match ${SET_ELEMENT_ORDER.slice(0, -1)} list:\n${orderText}\n`,
      );
    }
    at += 1;
  }
}

/** A value that is new: without directives and nulls; `undefined` when it only says to delete. */
function additions(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(additions).filter((item) => item !== undefined);
  }
  if (!isJsonObject(value)) return value;
  return value[DIRECTIVE] === 'delete' ? undefined : withoutDirectives(value);
}

function withoutDirectives(object: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(object)) {
    const isDirective = isHandledDirective(key) || key.startsWith(DELETE_FROM_PRIMITIVE_LIST);
    const value = object[key];
    if (isDirective || value === null) continue;
    const added = additions(value);
    if (added !== undefined) result[key] = added;
  }
  return result;
}

function unknownDirective(directive: unknown): Error {
  return badRequest(`Unknown patch type: ${JSON.stringify(directive)}`);
}
