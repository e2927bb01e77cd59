/** Equality of JSON trees: an absent field and an undefined one are the same, order of keys is not. */

export function isDeepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => isDeepEqual(item, b[index]));
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isDeepEqual(valueAt(a, key), valueAt(b, key)));
}

/** The paths at which two JSON trees differ, such as `spec.containers[0].env`; at most `max`. */
export function differences(a: unknown, b: unknown, path: string, max: number): readonly string[] {
  if (max <= 0 || isDeepEqual(a, b)) return [];
  const bothTrees = typeof a === 'object' && typeof b === 'object' && a !== null && b !== null;
  if (!bothTrees || Array.isArray(a) !== Array.isArray(b)) return [path];
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return [path];
  const found: string[] = [];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const below = Array.isArray(a) ? `${path}[${key}]` : `${path}.${key}`;
    found.push(...differences(valueAt(a, key), valueAt(b, key), below, max - found.length));
  }
  return found;
}

function valueAt(tree: object, key: string): unknown {
  return Object.hasOwn(tree, key) ? (tree as Record<string, unknown>)[key] : undefined;
}
