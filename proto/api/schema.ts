/**
 * The schema of the API: kinds, types and fields, as gen/schema.json holds them, in the form that
 * decoding, patching and describing ask for. It is read from disk at the first question, and a type
 * is prepared at the first question about it.
 *
 * Source: gen/schema.json, made by generator/ from the facts of Kubernetes API 1.36.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A scalar (`string`, `int32`, `quantity`, …), the name of a type, or a map from strings. */
export type TypeRef = string | { readonly map: TypeRef };

/** A kind that is served, and what its resource is called. */
export interface KindInfo {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  /** The kind of its lists; absent where there is nothing to list. */
  readonly list?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly string[];
  /** The name of its type. */
  readonly schema: string;
}

/** A field as the generator's facts hold it; proto/api/generator/facts.ts explains the letters. */
export interface FieldInfo {
  /** Absent for inlined messages only. */
  readonly json: string;
  /** Its number in protobuf; absent: it has none. */
  readonly n?: number;
  /** The type of the value, of each item where `list` is present. */
  readonly t: TypeRef;
  readonly list?: 'atomic' | 'set' | 'map';
  /** The fields that identify an item of a `list: "map"`. */
  readonly keys?: readonly string[];
  /** The list's kind is not marked upstream: it behaves as atomic. */
  readonly unmarked?: boolean;
  /** A pointer: absent and zero are different. */
  readonly ptr?: boolean;
  /** Written even when zero. */
  readonly keep?: boolean;
  readonly omitzero?: boolean;
  readonly req?: boolean;
  readonly def?: unknown;
  readonly enum?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly struct?: 'atomic' | 'granular';
  /** Strategy of strategic merge patch, and the key that identifies items. */
  readonly patch?: string;
  readonly patchKey?: string;
  readonly inline?: boolean;
}

export interface TypeInfo {
  /** As in OpenAPI: `io.k8s.api.core.v1.Pod`. */
  readonly name: string;
  /** `Pod` */
  readonly shortName: string;
  /** By JSON name; fields of inlined types are among them. */
  readonly fields: ReadonlyMap<string, FieldInfo>;
  /** As in protobuf: an inlined message is a field of its own. */
  readonly messageFields: readonly FieldInfo[];
  /** Server-side apply and managedFields treat the whole as one value. */
  readonly isAtomic: boolean;
  /** The JSON form is the bare list that the message holds. */
  readonly isWrapped: boolean;
  /** The JSON form is made by hand: a schema, or something else in its place. */
  readonly isCustom: boolean;
  /** Has `apiVersion` and `kind`. */
  readonly hasTypeMeta: boolean;
}

interface TypeFact {
  readonly tm?: boolean;
  readonly atomic?: boolean;
  readonly wrap?: boolean;
  readonly custom?: boolean;
  readonly fields?: readonly FieldInfo[];
}

interface SchemaFile {
  readonly version: string;
  readonly kinds: readonly KindInfo[];
  readonly types: Readonly<Record<string, TypeFact>>;
}

const SCALARS: ReadonlySet<string> = new Set([
  'string',
  'int32',
  'int64',
  'bool',
  'double',
  'bytes',
  'quantity',
  'intOrString',
  'time',
  'microTime',
  'duration',
  'rawExtension',
  'fieldsV1',
  'json',
]);

let file: SchemaFile | undefined;
let kindsByKey: ReadonlyMap<string, KindInfo> | undefined;
const types = new Map<string, TypeInfo>();

/** The version of the Kubernetes API that the schema describes: `1.36.3`. */
export function schemaVersion(): string {
  return loaded().version;
}

/** Kinds with a resource of their own, in the order of their groups. */
export function allKinds(): readonly KindInfo[] {
  return loaded().kinds;
}

export function kindOf(group: string, version: string, kind: string): KindInfo | undefined {
  return byKey().get(`kind ${group}/${version}/${kind}`);
}

export function kindOfResource(
  group: string,
  version: string,
  plural: string,
): KindInfo | undefined {
  return byKey().get(`plural ${group}/${version}/${plural}`);
}

/**
 * The name of the type of request bodies of this kind; also of kinds without a resource (`Binding`,
 * `Eviction`, `Scale`), and of `DeleteOptions`, which every group version has.
 */
export function typeNameOfKind(group: string, version: string, kind: string): string | undefined {
  const known = kindOf(group, version, kind)?.schema;
  if (known !== undefined) return known;
  const label = group === '' ? 'core' : (group.split('.')[0] ?? '');
  const own = `io.k8s.api.${label}.${version}.${kind}`;
  if (Object.hasOwn(loaded().types, own)) return own;
  const meta = `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;
  const isMeta = kind.endsWith('Options') || kind === 'Status' || kind === 'WatchEvent';
  return isMeta && Object.hasOwn(loaded().types, meta) ? meta : undefined;
}

export function typeNames(): readonly string[] {
  return Object.keys(loaded().types);
}

/** The type must exist: names come from the schema itself. */
export function typeNamed(name: string): TypeInfo {
  const known = types.get(name);
  if (known !== undefined) return known;
  const fact = Object.hasOwn(loaded().types, name) ? loaded().types[name] : undefined;
  assert(fact !== undefined, `The schema has no type "${name}"`);
  const info: TypeInfo = {
    name,
    shortName: name.slice(name.lastIndexOf('.') + 1),
    fields: new Map(flatten(fact).map((field) => [field.json, field])),
    messageFields: fact.fields ?? [],
    isAtomic: fact.atomic === true,
    isWrapped: fact.wrap === true,
    isCustom: fact.custom === true,
    hasTypeMeta: fact.tm === true,
  };
  types.set(name, info);
  return info;
}

/** A type with fields, as opposed to a scalar or a map. */
export function isTypeName(ref: TypeRef): ref is string {
  return typeof ref === 'string' && !SCALARS.has(ref);
}

/** True for a message that JSON writes as an object: neither custom nor a bare list. */
export function isPlainMessage(ref: TypeRef): ref is string {
  if (!isTypeName(ref)) return false;
  const type = typeNamed(ref);
  return !(type.isCustom || type.isWrapped);
}

/** The fields as JSON has them: those of inlined types stand where the inlined one does. */
function flatten(fact: TypeFact): readonly FieldInfo[] {
  return (fact.fields ?? []).flatMap((field) => {
    if (field.inline !== true || typeof field.t !== 'string') return [field];
    const inner = loaded().types[field.t];
    return inner === undefined ? [] : flatten(inner);
  });
}

function byKey(): ReadonlyMap<string, KindInfo> {
  kindsByKey ??= new Map(
    loaded().kinds.flatMap((kind) => {
      const groupVersion = `${kind.group}/${kind.version}`;
      return [
        [`kind ${groupVersion}/${kind.kind}`, kind],
        [`plural ${groupVersion}/${kind.plural}`, kind],
      ] as const;
    }),
  );
  return kindsByKey;
}

function loaded(): SchemaFile {
  file ??= JSON.parse(
    readFileSync(path.join(import.meta.dirname, 'gen/schema.json'), 'utf8'),
  ) as SchemaFile;
  return file;
}
