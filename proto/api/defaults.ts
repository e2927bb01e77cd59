/**
 * The defaults that the API's types declare (`+default`): `protocol: TCP`, `replicas: 1`. Defaults that
 * need code (`dnsPolicy`, names made from others) are the strategies' business.
 */

import { cloneJson, isJsonObject, type JsonObject } from './json.ts';
import { isTypeName, type TypeRef, typeNamed } from './schema.ts';

/** What a type's values need: own defaults, and fields in which some may be needed. */
interface Plan {
  readonly values: readonly { readonly json: string; readonly value: unknown }[];
  readonly inner: readonly { readonly json: string; readonly type: string }[];
}

const plans = new Map<string, Plan>();

/** Sets declared defaults where a field is absent, in place, at every level that is there. */
export function applyDefaults(typeName: string, object: JsonObject): void {
  const plan = planOf(typeName);
  for (const { json, value } of plan.values) {
    if (object[json] === undefined) object[json] = cloneJson(value);
  }
  for (const { json, type } of plan.inner) defaultInside(type, object[json]);
}

/** `value` is a message, a list of them, or a map to them. */
function defaultInside(type: string, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      if (isJsonObject(item)) applyDefaults(type, item);
    }
  } else if (isJsonObject(value)) applyDefaults(type, value);
}

function planOf(typeName: string): Plan {
  const known = plans.get(typeName);
  if (known !== undefined) return known;
  const fields = [...typeNamed(typeName).fields.values()];
  const plan: Plan = {
    values: fields
      .filter((field) => field.def !== undefined && (field.ptr === true || !isZero(field.def)))
      .map((field) => ({ json: field.json, value: field.def })),
    inner: fields
      .map((field) => ({ json: field.json, type: messageIn(field.t) }))
      .filter(({ type }) => hasDefaults(type, new Set())),
  };
  plans.set(typeName, plan);
  return plan;
}

/** The message type that a field holds, directly or in a list; maps of messages have no defaults. */
function messageIn(ref: TypeRef): string {
  return isTypeName(ref) ? ref : '';
}

function hasDefaults(typeName: string, seen: Set<string>): boolean {
  if (typeName === '' || seen.has(typeName)) return false;
  seen.add(typeName);
  for (const field of typeNamed(typeName).fields.values()) {
    if (field.def !== undefined && (field.ptr === true || !isZero(field.def))) return true;
    if (hasDefaults(messageIn(field.t), seen)) return true;
  }
  return false;
}

/** A default that is the zero of a non-pointer changes nothing. */
function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}
