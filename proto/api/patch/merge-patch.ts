/**
 * JSON Merge Patch: objects are merged key by key, null deletes, everything else replaces.
 *
 * Source: RFC 7386.
 */

import { isJsonObject, type JsonObject } from '../json.ts';

/** Neither argument is changed; the result shares what was not touched with both. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}
