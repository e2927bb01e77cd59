/**
 * Merges an applied configuration into an object, and takes fields out of one again.
 *
 * Source: kubernetes-sigs/structured-merge-diff v6 typed/{merge,remove}.go, fieldpath/set.go.
 */

import { isJsonObject, type JsonObject } from '../json.ts';
import { badRequest } from '../status-error.ts';
import {
  elementsOf,
  type FieldSet,
  formatPath,
  isMember,
  LEAF,
  type MutableFieldSet,
  makeNode,
} from './field-set.ts';
import {
  fitsShape,
  isEmptyValue,
  itemElement,
  itemsByElement,
  type Shape,
  shapeOfEntry,
} from './shape.ts';

/**
 * The object with everything the configuration says. Neither argument is changed. Items of lists come in
 * the order of the configuration, with the others where they were between them.
 */
export function mergeApplied(shape: Shape, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || !(fitsShape(shape, config) && fitsShape(shape, live))) return config;
  switch (shape.kind) {
    case 'leaf':
      return config;
    case 'struct':
    case 'map': {
      const merged: JsonObject = { ...live };
      for (const name of Object.keys(config)) {
        const old = Object.hasOwn(live, name) ? live[name] : undefined;
        merged[name] = mergeApplied(shapeOfEntry(shape, name), old, config[name]);
      }
      return merged;
    }
    case 'set':
    case 'list':
      return mergeItems(shape, live, config);
  }
}

/** Throws an ApiError 400 when a configuration names an item twice, or one without its keys. */
export function checkConfiguration(
  shape: Shape,
  config: unknown,
  path: readonly string[] = [],
): void {
  if (!fitsShape(shape, config)) return;
  if (shape.kind === 'struct' || shape.kind === 'map') {
    for (const name of Object.keys(config)) {
      checkConfiguration(shapeOfEntry(shape, name), config[name], [...path, `f:${name}`]);
    }
    return;
  }
  if (shape.kind === 'leaf') return;
  const seen = new Set<string>();
  for (const [index, item] of config.entries()) {
    const element = itemElement(shape, item);
    if (element === undefined) {
      const keys = shape.kind === 'list' ? shape.keys.map(({ name }) => name).join(', ') : '';
      throw badRequest(
        `${formatPath(path)}: element ${index}: associative list with keys has an element that omits all key fields "${keys}"`,
      );
    }
    if (seen.has(element)) {
      throw badRequest(`${formatPath(path)}: duplicate entries for key ${formatPath([element])}`);
    }
    seen.add(element);
    if (shape.kind === 'list') checkConfiguration(shape.item, item, [...path, element]);
  }
}

/** The value without the members of a set; `undefined` when nothing is left of it. */
export function withoutFields(shape: Shape, value: unknown, set: FieldSet): unknown {
  if (!fitsShape(shape, value) || isEmptyValue(value)) {
    return shape.kind === 'leaf' || !isContainer(value) ? value : undefined;
  }
  switch (shape.kind) {
    case 'leaf':
      return value;
    case 'struct':
    case 'map': {
      const rest: JsonObject = {};
      for (const name of Object.keys(value)) {
        const node = set[`f:${name}`];
        if (node === undefined) rest[name] = value[name];
        else if (!isMember(node)) {
          const inner = withoutFields(shapeOfEntry(shape, name), value[name], node);
          if (inner !== undefined) rest[name] = inner;
        }
      }
      return isEmptyValue(rest) ? undefined : rest;
    }
    case 'set':
    case 'list': {
      const rest: unknown[] = [];
      for (const item of value) {
        const element = itemElement(shape, item);
        const node = element === undefined ? undefined : set[element];
        if (node === undefined) rest.push(item);
        else if (!isMember(node) && shape.kind === 'list') {
          rest.push(withoutFields(shape.item, item, node) ?? {});
        }
      }
      return rest.length === 0 ? undefined : rest;
    }
  }
}

/** The set with each field of a struct as a member when anything below it is one. */
export function withNamedFields(shape: Shape, set: FieldSet | undefined): FieldSet | undefined {
  if (set === undefined) return undefined;
  const children: MutableFieldSet = {};
  let isAny = false;
  for (const element of elementsOf(set)) {
    const inner = shapeBelow(shape, element);
    const node = withNamedFields(inner ?? { kind: 'leaf' }, set[element]) ?? LEAF;
    const isNamed = shape.kind === 'struct' && element.startsWith('f:') && inner !== undefined;
    children[element] =
      isNamed && !isMember(node) ? (makeNode(true, node as MutableFieldSet) ?? LEAF) : node;
    isAny = true;
  }
  return isAny ? makeNode('.' in set, children) : set;
}

function shapeBelow(shape: Shape, element: string): Shape | undefined {
  switch (shape.kind) {
    case 'struct':
      return shape.field(element.slice(2));
    case 'map':
      return shape.item;
    case 'list':
      return shape.item;
    case 'set':
    case 'leaf':
      return undefined;
  }
}

function mergeItems(
  shape: Extract<Shape, { readonly kind: 'set' | 'list' }>,
  live: readonly unknown[],
  config: readonly unknown[],
): readonly unknown[] {
  const old = itemsByElement(shape, live);
  const wanted = itemsByElement(shape, config);
  const merged: unknown[] = [];
  const done = new Set<string>();
  /** Takes over the items of `live` that nobody names, up to the one that is. */
  const position = new Map(live.map((item, index) => [itemElement(shape, item) ?? '', index]));
  let next = 0;
  const takeOthersUpTo = (end: number): void => {
    for (; next < end; next += 1) {
      const item = live[next];
      const element = itemElement(shape, item);
      if (element === undefined || !wanted.has(element)) merged.push(item);
    }
  };
  for (const [element, item] of wanted) {
    if (done.has(element)) continue;
    done.add(element);
    const at = position.get(element);
    if (at !== undefined) takeOthersUpTo(at);
    const inner: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    merged.push(mergeApplied(inner, old.get(element), item));
  }
  takeOthersUpTo(live.length);
  return merged;
}

function isContainer(value: unknown): boolean {
  return Array.isArray(value) || isJsonObject(value);
}
