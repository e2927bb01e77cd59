/**
 * Decodes the JSON form of an object by its type, as Go's decoder would: values of the wrong type are
 * errors in its words, unknown fields are left out and named, nulls vanish. The result is the object as
 * the API writes it: fields that mean the same absent or zero are absent, messages and scalars that are
 * always written are there, quantities and times have their canonical form. No defaults, no validation.
 *
 * A decoder is compiled once for each type, since this runs for every write.
 *
 * Source: encoding/json of Go 1.24; kubernetes-sigs/json; the rules in the fact table's own page.
 */

import { decodeScalar, kindOfJson, Mismatch } from './decode-scalar.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import {
  type FieldInfo,
  isPlainMessage,
  isTypeName,
  type TypeInfo,
  type TypeRef,
  typeNamed,
} from './schema.ts';
import { type ApiError, badRequest } from './status-error.ts';

/** Unknown fields that are reported of one object; upstream's number. */
export const UNKNOWN_FIELDS_MAX = 100;

export interface Decoded {
  readonly object: JsonObject;
  /** Paths as `spec.containers[0].foo`, in the order of the input. */
  readonly unknownFields: readonly string[];
}

/** The type is `Kind` in `version` for messages; by default what its name says. */
interface DecodeOptions {
  readonly kind?: string;
  readonly version?: string;
}

/** Where the decoder is, and what it has found. */
interface Context {
  readonly path: (string | number)[];
  /** The short name of the message whose field is being decoded. */
  message: string;
  readonly unknown: string[];
}

/** Gives `undefined` for a value that is to be left out. */
type Decoder = (value: unknown, context: Context) => unknown;

interface FieldDecoder {
  readonly decode: Decoder;
  /** A non-pointer that is not always written: zero is the same as absent. */
  readonly dropsZero: boolean;
}

/** `whole`: as the API writes the object. `sparse`: just what was said, zeros too: an applied configuration. */
type Form = 'whole' | 'sparse';

const decoders: Readonly<Record<Form, Map<string, Decoder>>> = {
  whole: new Map(),
  sparse: new Map(),
};

/**
 * Decodes an object of a type. The input is not changed; opaque parts (`rawExtension`) are shared with
 * the result. Throws an ApiError 400 when a value has the wrong type.
 */
export function decodeObject(
  typeName: string,
  json: unknown,
  options: DecodeOptions = {},
): Decoded {
  return decode(typeName, json, options, 'whole');
}

/**
 * Decodes a configuration to apply: types are checked and unknown fields left out as by
 * {@link decodeObject}, but zeros stay and nothing is added, since each field that is there counts.
 */
export function decodeConfiguration(
  typeName: string,
  json: unknown,
  options: DecodeOptions = {},
): Decoded {
  return decode(typeName, json, options, 'sparse');
}

function decode(typeName: string, json: unknown, options: DecodeOptions, form: Form): Decoded {
  const type = typeNamed(typeName);
  const context: Context = { path: [], message: type.shortName, unknown: [] };
  try {
    const object = decoderOf(type.name, form)(json, context) as JsonObject;
    return { object, unknownFields: context.unknown };
  } catch (error) {
    if (error instanceof Mismatch) throw cannotBeHandled(type, options, error, context);
    throw error;
  }
}

/** The error of strict field validation: `problems` are as `unknown field "spec.foo"`. */
export function strictDecodingError(
  target: { readonly kind: string; readonly version: string },
  problems: readonly string[],
): ApiError {
  const { kind, version } = target;
  const list = problems.join(', ');
  return badRequest(
    `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${list}`,
  );
}

/** The smallest value of a type: `{}` with all that is always written. */
export function zeroMessage(typeName: string): JsonObject {
  const zero: JsonObject = {};
  for (const field of alwaysWritten(typeNamed(typeName))) zero[field.json] = zeroOf(field);
  return zero;
}

function cannotBeHandled(
  type: TypeInfo,
  options: DecodeOptions,
  mismatch: Mismatch,
  context: Context,
): ApiError {
  const kind = options.kind ?? type.shortName;
  const version = options.version ?? versionOf(type.name);
  const path = context.path.filter((part) => typeof part === 'string').join('.');
  const place = path === '' ? 'value' : `struct field ${context.message}.${path}`;
  const why = mismatch.describe(place);
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

function decoderOf(typeName: string, form: Form): Decoder {
  const known = decoders[form].get(typeName);
  if (known !== undefined) return known;
  // Types refer to themselves: the fields are compiled at the first use.
  let compiled: Decoder | undefined;
  const decoder: Decoder = (value, context) => {
    compiled ??= compileType(typeNamed(typeName), form);
    return compiled(value, context);
  };
  decoders[form].set(typeName, decoder);
  return decoder;
}

function compileType(type: TypeInfo, form: Form): Decoder {
  if (type.isWrapped) {
    const [items] = type.messageFields;
    return compileList(items?.t ?? 'string', form);
  }
  return type.isCustom ? compileCustom(type, form) : compileMessage(type, form);
}

function compileMessage(type: TypeInfo, form: Form): Decoder {
  const fields = new Map<string, FieldDecoder>();
  for (const field of type.fields.values()) fields.set(field.json, compileField(field, form));
  const always = form === 'whole' ? alwaysWritten(type) : [];
  const goType = goTypeOf(type.name);
  return (value, context) => {
    if (!isJsonObject(value)) throw new Mismatch(kindOfJson(value), goType);
    const outer = context.message;
    context.message = type.shortName;
    const result: JsonObject = {};
    for (const key in value) {
      const field = fields.get(key);
      if (field === undefined) {
        noteUnknown(context, key);
        continue;
      }
      const input = value[key];
      if (input === null || input === undefined) continue;
      context.path.push(key);
      const output = field.decode(input, context);
      context.path.pop();
      if (!(field.dropsZero && isZero(output))) result[key] = output;
    }
    for (const field of always) {
      if (result[field.json] === undefined) result[field.json] = zeroOf(field);
    }
    context.message = outer;
    return result;
  };
}

function compileField(field: FieldInfo, form: Form): FieldDecoder {
  const isMessage = field.list === undefined && isPlainMessage(field.t);
  const isKept = field.ptr === true || field.keep === true || isMessage;
  const decoder = field.list === undefined ? compileRef(field.t, form) : compileList(field.t, form);
  return { decode: decoder, dropsZero: form === 'whole' && !isKept };
}

function compileRef(ref: TypeRef, form: Form): Decoder {
  if (typeof ref !== 'string') return compileMap(ref.map, form);
  return isTypeName(ref) ? decoderOf(ref, form) : decodeScalar(ref);
}

function compileList(item: TypeRef, form: Form): Decoder {
  const decodeItem = compileRef(item, form);
  const goType = `[]${goTypeOf(item)}`;
  return (value, context) => {
    if (!Array.isArray(value)) throw new Mismatch(kindOfJson(value), goType);
    const result: unknown[] = [];
    for (let i = 0; i < value.length; i += 1) {
      context.path.push(i);
      result.push(value[i] === null ? (zeroOfRef(item) ?? null) : decodeItem(value[i], context));
      context.path.pop();
    }
    return result;
  };
}

function compileMap(item: TypeRef, form: Form): Decoder {
  const decodeItem = compileRef(item, form);
  const goType = `map[string]${goTypeOf(item)}`;
  // Keys of maps are no fields: only messages below them need to know where they are.
  const isDeep = typeof item !== 'string' || isTypeName(item);
  return (value, context) => {
    if (!isJsonObject(value)) throw new Mismatch(kindOfJson(value), goType);
    const result: JsonObject = {};
    for (const key in value) {
      const input = value[key];
      if (isDeep) context.path.push(key);
      result[key] = input === null ? (zeroOfRef(item) ?? null) : decodeItem(input, context);
      if (isDeep) context.path.pop();
    }
    return result;
  };
}

/** A JSON schema in a CustomResourceDefinition, or what may stand in its place. */
function compileCustom(type: TypeInfo, form: Form): Decoder {
  const schema = decoderOf(type.name.replace(/Or\w+$/, ''), form);
  const alternative: Readonly<Record<string, (value: unknown) => boolean>> = {
    JSONSchemaPropsOrArray: Array.isArray,
    JSONSchemaPropsOrBool: (value) => typeof value === 'boolean',
    JSONSchemaPropsOrStringArray: Array.isArray,
  };
  const isAlternative = alternative[type.shortName] ?? (() => false);
  const list = compileList(
    type.shortName === 'JSONSchemaPropsOrArray' ? type.name.replace(/Or\w+$/, '') : 'string',
    form,
  );
  return (value, context) => {
    if (!isAlternative(value)) return schema(value, context);
    return Array.isArray(value) ? list(value, context) : value;
  };
}

function noteUnknown(context: Context, key: string): void {
  if (context.unknown.length >= UNKNOWN_FIELDS_MAX) return;
  let text = '';
  for (const part of [...context.path, key]) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  context.unknown.push(text);
}

/** Fields of a message that are there even when nothing was said about them. */
function alwaysWritten(type: TypeInfo): readonly FieldInfo[] {
  return [...type.fields.values()].filter((field) => {
    if (field.ptr === true || field.omitzero === true) return false;
    if (field.list === undefined && isPlainMessage(field.t)) return true;
    return field.keep === true && zeroOf(field) !== undefined;
  });
}

function zeroOf(field: FieldInfo): unknown {
  return field.list === undefined ? zeroOfRef(field.t) : [];
}

function zeroOfRef(ref: TypeRef): unknown {
  if (typeof ref !== 'string') return {};
  switch (ref) {
    case 'string':
    case 'bytes':
      return '';
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0;
    case 'bool':
      return false;
    case 'quantity':
      return '0';
    case 'duration':
      return '0s';
    default:
      return zeroOfType(ref);
  }
}

function zeroOfType(ref: string): unknown {
  if (!isTypeName(ref)) return undefined;
  if (isPlainMessage(ref)) return zeroMessage(ref);
  return typeNamed(ref).isWrapped ? [] : undefined;
}

function isZero(value: unknown): boolean {
  if (typeof value !== 'object') return value === '' || value === 0 || value === false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** As Go prints the type: `v1.PodSpec`, `int32`. */
function goTypeOf(ref: TypeRef): string {
  if (typeof ref !== 'string') return `map[string]${goTypeOf(ref.map)}`;
  if (isTypeName(ref)) return `${versionOf(ref)}.${ref.slice(ref.lastIndexOf('.') + 1)}`;
  const names: Readonly<Record<string, string>> = { double: 'float64', bytes: '[]uint8' };
  return names[ref] ?? ref;
}

/** `v1` of `io.k8s.api.core.v1.Pod` */
function versionOf(typeName: string): string {
  return typeName.split('.').at(-2) ?? '';
}
