/**
 * Sets of field paths, in the very form that `managedFields` stores them (`FieldsV1`): a tree of objects
 * whose keys are `f:<field>`, `k:<keys of a list item as JSON>` or `v:<value as JSON>`. A path is a member
 * when its node is empty or has the key `.`. No set at all is `undefined`; nothing here changes a set.
 *
 * Source: kubernetes-sigs/structured-merge-diff v6 fieldpath/{set,serialize,path}.go.
 */

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set being built. */
export type MutableFieldSet = Record<string, FieldSet>;

const SELF = '.';
export const LEAF: FieldSet = Object.freeze({});

/** The node is itself a member, besides what is below it. */
export function isMember(node: FieldSet): boolean {
  if (SELF in node) return true;
  for (const _ in node) return false;
  return true;
}

/** A node with these children, or nothing when it would say nothing. */
export function makeNode(
  member: boolean,
  children: MutableFieldSet | undefined,
): FieldSet | undefined {
  if (children === undefined) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...children } : children;
}

/** The elements below a node. */
export function elementsOf(node: FieldSet): readonly string[] {
  return Object.keys(node).filter((element) => element !== SELF);
}

export function union(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || a === b) return b;
  if (b === undefined) return a;
  const children: MutableFieldSet = {};
  for (const element of elementsOf(a)) {
    const merged = union(a[element], b[element]);
    if (merged !== undefined) children[element] = merged;
  }
  for (const element of elementsOf(b)) {
    const own = b[element];
    if (own !== undefined && !(element in a)) children[element] = own;
  }
  return finish(isMember(a) || isMember(b), children);
}

/** What is in both; path by path, so that a parent does not stand for its children. */
export function intersection(
  a: FieldSet | undefined,
  b: FieldSet | undefined,
): FieldSet | undefined {
  if (a === undefined || b === undefined) return undefined;
  const children: MutableFieldSet = {};
  for (const element of elementsOf(a)) {
    const common = intersection(a[element], b[element]);
    if (common !== undefined) children[element] = common;
  }
  return finish(isMember(a) && isMember(b), children);
}

/** What is in `a` and not in `b`, path by path; `a` itself when nothing is taken away. */
export function difference(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined) return a;
  const children: MutableFieldSet = {};
  const wasMember = isMember(a);
  const member = wasMember && !isMember(b);
  let isSame = member === wasMember;
  for (const element of elementsOf(a)) {
    const rest = difference(a[element], b[element]);
    if (rest !== a[element]) isSame = false;
    if (rest !== undefined) children[element] = rest;
  }
  return isSame ? a : finish(member, children);
}

export function equals(a: FieldSet | undefined, b: FieldSet | undefined): boolean {
  return difference(a, b) === undefined && difference(b, a) === undefined;
}

/** Every member as a list of elements, parents first. */
export function pathsOf(set: FieldSet | undefined): readonly (readonly string[])[] {
  const paths: (readonly string[])[] = [];
  const visit = (node: FieldSet, path: readonly string[]): void => {
    if (path.length > 0 && isMember(node)) paths.push(path);
    for (const element of elementsOf(node)) visit(node[element] ?? LEAF, [...path, element]);
  };
  if (set !== undefined) visit(set, []);
  return paths;
}

/** `.spec.containers[name="c"].image`, as conflicts are reported. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

/** Elements sorted at every level, as upstream writes them; the set itself when they are already. */
export function sortedSet(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  let isSorted = true;
  for (let i = 1; i < elements.length; i += 1) {
    if ((elements[i - 1] ?? '') > (elements[i] ?? '')) isSorted = false;
  }
  if (!isSorted) elements.sort();
  let isSame = isSorted;
  const sorted: MutableFieldSet = {};
  for (const element of elements) {
    const node = set[element] ?? LEAF;
    const inner = sortedSet(node);
    if (inner !== node) isSame = false;
    sorted[element] = inner;
  }
  return isSame ? set : sorted;
}

function finish(member: boolean, children: MutableFieldSet): FieldSet | undefined {
  for (const _ in children) return makeNode(member, children);
  return member ? LEAF : undefined;
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${text}`;
    case 'v:':
      return `[=${text}]`;
    case 'k:': {
      const keys = JSON.parse(text) as Record<string, unknown>;
      const parts = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${parts.join(',')}]`;
    }
    default:
      return `[${text}]`;
  }
}
