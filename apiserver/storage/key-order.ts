/**
 * The order of keys, that of their UTF-8 bytes, and the range of keys with a prefix. JavaScript
 * compares strings by UTF-16 units, which differs where a surrogate meets U+E000 to U+FFFF.
 */

const SURROGATE_FIRST = 0xd800;
const SURROGATE_LAST = 0xdfff;
const CODE_POINT_LAST = 0x10ffff;

/** Negative, zero or positive, as `a` comes before, is, or comes after `b` in the order of bytes. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA === unitB) continue;
    const isSurrogateA = isSurrogate(unitA);
    // A surrogate stands for a code point above every single unit.
    if (isSurrogateA !== isSurrogate(unitB)) return isSurrogateA ? 1 : -1;
    return unitA - unitB;
  }
  return a.length - b.length;
}

/**
 * The first key after all those with this prefix, so that they are the range `[prefix, end)`;
 * absent: there is no such key.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === CODE_POINT_LAST) continue;
    const next = point + 1 === SURROGATE_FIRST ? SURROGATE_LAST + 1 : point + 1;
    return points.join('') + String.fromCodePoint(next);
  }
  return undefined;
}

function isSurrogate(unit: number): boolean {
  return unit >= SURROGATE_FIRST && unit <= SURROGATE_LAST;
}
