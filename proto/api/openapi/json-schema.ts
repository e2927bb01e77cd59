/**
 * Types of the API as JSON schemas, in the two dialects of OpenAPI: v2 puts everything beside `$ref`, v3
 * wraps the reference in `allOf`. Extensions say what patches and server-side apply need.
 *
 * Source: kubernetes/kube-openapi pkg/generators; the rules of the fact table.
 */

import { isJsonObject, type JsonObject } from '../json.ts';
import {
  type FieldInfo,
  isPlainMessage,
  isTypeName,
  type TypeInfo,
  type TypeRef,
  typeNamed,
} from '../schema.ts';
import { describeField, describeType } from './describe.ts';

export type Dialect = 'v2' | 'v3';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Scalars that are definitions of their own. */
const DEFINITION_OF_SCALAR: Readonly<Record<string, string>> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  duration: `${META}.Duration`,
  rawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  fieldsV1: `${META}.FieldsV1`,
  json: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
};
const SCALAR_OF_DEFINITION: ReadonlyMap<string, string> = new Map(
  Object.entries(DEFINITION_OF_SCALAR).map(([scalar, name]) => [name, scalar]),
);

const PRIMITIVES: Readonly<Record<string, JsonObject>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  bool: { type: 'boolean' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

/** Schemas by definition name: those asked for, and all they refer to. */
export function definitionsOf(names: readonly string[], dialect: Dialect): Map<string, JsonObject> {
  const definitions = new Map<string, JsonObject>();
  const add = (name: string): void => {
    if (definitions.has(name)) return;
    const schema = definitionOf(name, dialect);
    definitions.set(name, schema);
    for (const reference of referencesIn(schema)) add(reference);
  };
  for (const name of names) add(name);
  return new Map([...definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The schema of a list kind, which the fact table does not hold. */
export function listSchema(itemType: string, kind: string, dialect: Dialect): JsonObject {
  return {
    description: `${kind} is a list of objects, with the resourceVersion at which it was read.`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string', description: describeField('', 'apiVersion') },
      kind: { type: 'string', description: describeField('', 'kind') },
      metadata: reference(`${META}.ListMeta`, dialect, {
        description: 'Metadata of the list itself.',
      }),
      items: {
        type: 'array',
        description: 'The objects.',
        items: { $ref: `${prefix(dialect)}${itemType}` },
      },
    },
  };
}

/** The name in a reference, `#/definitions/NAME` or `#/components/schemas/NAME`. */
function referencesIn(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(referencesIn);
  if (!isJsonObject(schema)) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string'
      ? [value.slice(value.lastIndexOf('/') + 1)]
      : referencesIn(value),
  );
}

function definitionOf(name: string, dialect: Dialect): JsonObject {
  const scalar = SCALAR_OF_DEFINITION.get(name);
  return scalar === undefined
    ? typeSchema(typeNamed(name), dialect)
    : scalarDefinition(scalar, dialect);
}

function scalarDefinition(scalar: string, dialect: Dialect): JsonObject {
  const description = describeType(scalar);
  switch (scalar) {
    case 'time':
    case 'microTime':
      return { description, type: 'string', format: 'date-time' };
    case 'duration':
      return { description, type: 'string' };
    case 'quantity':
      return dialect === 'v2'
        ? { description, type: 'string' }
        : { description, oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'intOrString':
      return dialect === 'v2'
        ? { description, type: 'string', format: 'int-or-string' }
        : {
            description,
            format: 'int-or-string',
            oneOf: [{ type: 'integer' }, { type: 'string' }],
          };
    case 'json':
      return { description };
    default:
      return { description, type: 'object' };
  }
}

function typeSchema(type: TypeInfo, dialect: Dialect): JsonObject {
  const description = describeType(type.shortName);
  if (type.isCustom) return { description };
  const fields = [...type.fields.values()];
  const required = fields.filter(({ req }) => req === true).map(({ json }) => json);
  const properties = Object.fromEntries(
    fields.map((field) => [field.json, fieldSchema(type, field, dialect)]),
  );
  return {
    description,
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(fields.length === 0 ? {} : { properties }),
    ...(type.isAtomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}

function fieldSchema(owner: TypeInfo, field: FieldInfo, dialect: Dialect): JsonObject {
  const description = describeField(owner.shortName, field.json);
  const extensions = extensionsOf(field);
  if (field.list !== undefined) {
    const items = valueSchema(field.t, dialect, field.enum);
    return { description, type: 'array', items, ...extensions };
  }
  const fallback = defaultOf(field);
  const beside = {
    ...(description === '' ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...extensions,
  };
  const definition = definitionNameOf(field.t);
  if (definition !== undefined) return reference(definition, dialect, beside);
  return { ...valueSchema(field.t, dialect, field.enum), ...beside };
}

function valueSchema(
  ref: TypeRef,
  dialect: Dialect,
  allowed: readonly string[] | undefined,
): JsonObject {
  if (typeof ref !== 'string') {
    return { type: 'object', additionalProperties: valueSchema(ref.map, dialect, undefined) };
  }
  const definition = definitionNameOf(ref);
  if (definition !== undefined) return { $ref: `${prefix(dialect)}${definition}` };
  if (isTypeName(ref)) {
    const [items] = typeNamed(ref).messageFields;
    return { type: 'array', items: valueSchema(items?.t ?? 'string', dialect, undefined) };
  }
  const primitive = PRIMITIVES[ref] ?? {};
  return allowed === undefined ? { ...primitive } : { ...primitive, enum: allowed };
}

/** Types and scalars that have a definition; wrapped lists are written out. */
function definitionNameOf(ref: TypeRef): string | undefined {
  if (typeof ref !== 'string') return undefined;
  if (isTypeName(ref)) return typeNamed(ref).isWrapped ? undefined : ref;
  return DEFINITION_OF_SCALAR[ref];
}

function reference(name: string, dialect: Dialect, beside: JsonObject): JsonObject {
  const $ref = `${prefix(dialect)}${name}`;
  const isAlone = Object.keys(beside).length === 0;
  if (dialect === 'v2' || isAlone) return { ...beside, $ref };
  return { ...beside, allOf: [{ $ref }] };
}

function extensionsOf(field: FieldInfo): JsonObject {
  const { list, keys, unmarked, mapType, struct, patch, patchKey } = field;
  const isListMarked = list !== undefined && unmarked !== true;
  return {
    ...(isListMarked ? { 'x-kubernetes-list-type': list } : {}),
    ...(isListMarked && list === 'map' ? { 'x-kubernetes-list-map-keys': keys } : {}),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
    ...(struct === undefined ? {} : { 'x-kubernetes-map-type': struct }),
    ...(patch === undefined ? {} : { 'x-kubernetes-patch-strategy': patch }),
    ...(patchKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': patchKey }),
  };
}

function defaultOf(field: FieldInfo): unknown {
  if (field.def !== undefined) return field.def;
  if (field.ptr === true) return undefined;
  if (isPlainMessage(field.t)) return {};
  const zeros: Readonly<Record<string, unknown>> = {
    string: '',
    int32: 0,
    int64: 0,
    double: 0,
    bool: false,
  };
  return field.keep === true && typeof field.t === 'string' ? zeros[field.t] : undefined;
}

function prefix(dialect: Dialect): string {
  return dialect === 'v2' ? '#/definitions/' : '#/components/schemas/';
}
