/**
 * Which fields differ between two objects, as sets of paths: what ownership is computed from.
 *
 * Source: kubernetes-sigs/structured-merge-diff v6 typed/{compare,tofieldset}.go.
 */

import { jsonEquals } from '../json.ts';
import { type FieldSet, LEAF, type MutableFieldSet } from './field-set.ts';
import {
  fitsShape,
  isEmptyValue,
  itemElement,
  itemsByElement,
  type Shape,
  shapeOfEntry,
} from './shape.ts';

export interface Comparison {
  /** Fields that are new, or have another value. */
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

/** Compares two values of a shape. */
export function compare(shape: Shape, before: unknown, after: unknown): Comparison {
  return {
    changed: changedFields(shape, before, after),
    removed: changes(shape, after, before, true),
  };
}

/** The first half of {@link compare}: a create has no other. */
export function changedFields(shape: Shape, before: unknown, after: unknown): FieldSet | undefined {
  return changes(shape, before, after);
}

/**
 * The fields that an applied configuration sets. Structs are there by their leaves only; entries of maps
 * and items of lists are members themselves.
 */
export function fieldSetOf(shape: Shape, value: unknown): FieldSet | undefined {
  if (shape.kind === 'leaf' || !fitsShape(shape, value) || isEmptyValue(value)) return LEAF;
  const children: MutableFieldSet = {};
  if (shape.kind === 'struct' || shape.kind === 'map') {
    for (const name of Object.keys(value)) {
      if (value[name] === undefined) continue;
      const inner = fieldSetOf(shapeOfEntry(shape, name), value[name]) ?? LEAF;
      children[`f:${name}`] = shape.kind === 'map' ? asMember(inner) : inner;
    }
    return children;
  }
  for (const item of value) {
    const element = itemElement(shape, item);
    if (element === undefined) continue;
    const inner = shape.kind === 'set' ? LEAF : fieldSetOf(shape.item, item);
    children[element] = asMember(inner ?? LEAF);
  }
  return children;
}

function asMember(node: FieldSet): FieldSet {
  return isEmptyValue(node) ? LEAF : { '.': LEAF, ...node };
}

/**
 * Fields of `to` that `from` does not have, or not with this value; with `onlyNew`, only the former. An
 * absent side is `undefined`.
 */
function changes(shape: Shape, from: unknown, to: unknown, onlyNew = false): FieldSet | undefined {
  if (to === undefined || from === to) return undefined;
  const isLeaf = shape.kind === 'leaf' || !fitsShape(shape, to) || isEmptyValue(to);
  if (isLeaf) {
    if (from === undefined) return LEAF;
    // An empty value in the place of one with fields: those are removed, nothing is new.
    const hadFields = shape.kind !== 'leaf' && fitsShape(shape, from) && !isEmptyValue(from);
    return onlyNew || hadFields || jsonEquals(from, to) ? undefined : LEAF;
  }
  const isNew = from === undefined;
  const node: MutableFieldSet = isNew ? { '.': LEAF } : {};
  let isAnyChanged = isNew;
  if (shape.kind === 'struct' || shape.kind === 'map') {
    const old = fitsShape(shape, from) ? from : undefined;
    for (const name in to) {
      const inner = changes(shapeOfEntry(shape, name), own(old, name), to[name], onlyNew);
      if (inner === undefined) continue;
      node[`f:${name}`] = inner;
      isAnyChanged = true;
    }
    return isAnyChanged ? node : undefined;
  }
  const old = fitsShape(shape, from) ? itemsByElement(shape, from) : undefined;
  const itemShape = shape.kind === 'set' ? LEAF_SHAPE : shape.item;
  for (const item of to) {
    const element = itemElement(shape, item);
    if (element === undefined || element in node) continue;
    const inner = changes(itemShape, old?.get(element), item, onlyNew);
    if (inner === undefined) continue;
    node[element] = inner;
    isAnyChanged = true;
  }
  return isAnyChanged ? node : undefined;
}

const LEAF_SHAPE: Shape = { kind: 'leaf' };

function own(object: Readonly<Record<string, unknown>> | undefined, name: string): unknown {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}
