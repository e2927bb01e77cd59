/**
 * What ownership of fields asks of the schema: where an object is one value (a leaf), where it consists
 * of fields, of entries, or of items with an identity.
 *
 * Source: kubernetes-sigs/structured-merge-diff v6 schema/elements.go; the rules of the fact table.
 */

import { isJsonObject, type JsonObject } from '../json.ts';
import { type FieldInfo, isTypeName, type TypeRef, typeNamed } from '../schema.ts';

export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'struct'; readonly field: (name: string) => Shape | undefined }
  | { readonly kind: 'map'; readonly item: Shape }
  | { readonly kind: 'set' }
  | {
      readonly kind: 'list';
      readonly keys: readonly ListKey[];
      readonly item: Shape;
    };

interface ListKey {
  readonly name: string;
  /** The name as it begins its part of the element: `"name":`. */
  readonly label: string;
  /** The declared default, which stands in for an absent value. */
  readonly value: unknown;
}

const LEAF: Shape = { kind: 'leaf' };
const shapes = new Map<string, Shape>();

/** The shape of values of a type, as the root of an object: never a leaf. */
export function shapeOfType(typeName: string): Shape {
  const known = shapes.get(typeName);
  if (known !== undefined) return known;
  const type = typeNamed(typeName);
  const fields = new Map<string, Shape>();
  const shape: Shape = {
    kind: 'struct',
    field: (name) => {
      const compiled = fields.get(name);
      if (compiled !== undefined) return compiled;
      const info = type.fields.get(name);
      if (info === undefined) return undefined;
      const made = shapeOfField(info);
      fields.set(name, made);
      return made;
    },
  };
  shapes.set(typeName, shape);
  return shape;
}

/**
 * The element that names an item in a path: `k:{"name":"c"}`, `v:"a"`. `undefined` when the item has no
 * identity: it is no object, or none of its keys is there.
 */
export function itemElement(
  shape: Extract<Shape, { readonly kind: 'set' | 'list' }>,
  item: unknown,
): string | undefined {
  if (shape.kind === 'set') {
    return typeof item === 'object' ? undefined : `v:${jsonOf(item)}`;
  }
  if (!isJsonObject(item)) return undefined;
  let text = '';
  for (const { name, label, value } of shape.keys) {
    const key = item[name] ?? value;
    if (key === undefined) continue;
    text += `${text === '' ? '' : ','}${label}${jsonOf(key)}`;
  }
  return text === '' ? undefined : `k:{${text}}`;
}

/** JSON of a scalar; most are plain words, which need no escaping. */
function jsonOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const isPlain = typeof value === 'string' && /^[\w./-]*$/.test(value);
  return isPlain ? `"${value}"` : JSON.stringify(value);
}

/** Items by their element; of items that share one, only the first is there. */
export function itemsByElement(
  shape: Extract<Shape, { readonly kind: 'set' | 'list' }>,
  list: readonly unknown[],
): ReadonlyMap<string, unknown> {
  const items = new Map<string, unknown>();
  for (const item of list) {
    const element = itemElement(shape, item);
    if (element !== undefined && !items.has(element)) items.set(element, item);
  }
  return items;
}

/** True for values that have nothing inside: what is empty is a leaf. */
export function isEmptyValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (!isJsonObject(value)) return true;
  for (const _ in value) return false;
  return true;
}

/** The shape of an entry of a struct or map; unknown fields are leaves. */
export function shapeOfEntry(
  shape: Extract<Shape, { readonly kind: 'struct' | 'map' }>,
  name: string,
): Shape {
  return shape.kind === 'map' ? shape.item : (shape.field(name) ?? LEAF);
}

/** Wants values of the shape: an object for fields and entries, a list for items. */
export function fitsShape(shape: Shape, value: unknown): value is JsonObject & unknown[] {
  switch (shape.kind) {
    case 'leaf':
      return false;
    case 'struct':
    case 'map':
      return isJsonObject(value);
    case 'set':
    case 'list':
      return Array.isArray(value);
  }
}

function shapeOfField(field: FieldInfo): Shape {
  switch (field.list) {
    case undefined:
      return shapeOfRef(field.t, field);
    case 'atomic':
      return LEAF;
    case 'set':
      return { kind: 'set' };
    case 'map':
      return listShape(field);
  }
}

function listShape(field: FieldInfo): Shape {
  if (!isTypeName(field.t)) return LEAF;
  const item = typeNamed(field.t);
  const names = [...(field.keys ?? [])].sort();
  const keys = names.map((name) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    value: item.fields.get(name)?.def,
  }));
  return { kind: 'list', keys, item: shapeOfRef(field.t, undefined) };
}

function shapeOfRef(ref: TypeRef, field: FieldInfo | undefined): Shape {
  if (typeof ref !== 'string') {
    const isAtomic = field?.mapType === 'atomic';
    return isAtomic ? LEAF : { kind: 'map', item: shapeOfRef(ref.map, undefined) };
  }
  if (!isTypeName(ref)) return LEAF;
  const type = typeNamed(ref);
  const isWhole = type.isAtomic ? field?.struct !== 'granular' : field?.struct === 'atomic';
  return isWhole || type.isCustom || type.isWrapped ? LEAF : shapeOfType(ref);
}
