/**
 * The order of a merged list: items the patch names stand in the patch's order; the others keep the
 * order they had, before or after those with which they can be compared.
 *
 * Source: kubernetes/apimachinery pkg/util/strategicpatch/patch.go (normalizeElementOrder), v0.36.
 */

import { canonicalJson, isJsonObject } from '../json.ts';

/**
 * Orders `merged`. `patchOrder` and `originalOrder` hold items, or objects with nothing but the merge
 * key; without `mergeKey`, items are compared by value.
 */
export function orderItems(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  originalOrder: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const identity = (item: unknown): string => {
    const isKeyed = mergeKey !== undefined && isJsonObject(item);
    return canonicalJson(isKeyed ? item[mergeKey] : item);
  };
  const inPatch = positions(patchOrder, identity);
  const inOriginal = positions(originalOrder, identity);
  const position = (item: unknown, order: ReadonlyMap<string, number>): number =>
    order.get(identity(item)) ?? order.size;
  const named = merged.filter((item) => inPatch.has(identity(item)));
  const others = merged.filter((item) => !inPatch.has(identity(item)));
  named.sort((a, b) => position(a, inPatch) - position(b, inPatch));
  others.sort((a, b) => position(a, inOriginal) - position(b, inOriginal));

  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const limit = inOriginal.get(identity(item));
    while (limit !== undefined && next < others.length) {
      const other = inOriginal.get(identity(others[next]));
      if (other === undefined || other > limit) break;
      result.push(others[next]);
      next += 1;
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

function positions(
  items: readonly unknown[],
  identity: (item: unknown) => string,
): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  for (const item of items) {
    const id = identity(item);
    if (!result.has(id)) result.set(id, result.size);
  }
  return result;
}
