/**
 * Request bodies in protobuf (`application/vnd.kubernetes.protobuf`), which client-go sends for the
 * types it knows. The result is the same object that the JSON form would give after decode.ts.
 *
 * The envelope is `k8s\0` and a `runtime.Unknown`, which names the kind; the fields come from the
 * schema. Answers are always JSON, so there is nothing here that encodes.
 *
 * Source: kubernetes/apimachinery pkg/runtime/serializer/protobuf, pkg/runtime/generated.proto, v0.36.
 */

import { decodeObject } from './decode.ts';
import { formatGoDuration } from './go-duration.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { LENGTH, ProtobufError, ProtobufReader } from './protobuf-reader.ts';
import {
  type FieldInfo,
  isTypeName,
  type TypeInfo,
  type TypeRef,
  typeNamed,
  typeNameOfKind,
} from './schema.ts';
import { badRequest } from './status-error.ts';
import { formatMicroTime, formatTime } from './time.ts';

const MAGIC = Buffer.from('k8s\0', 'latin1');

/** Messages within messages; JSON schemas are the deepest that is met. */
const DEPTH_MAX = 200;

export interface DecodedProtobuf {
  readonly apiVersion: string;
  readonly kind: string;
  readonly typeName: string;
  /** With `apiVersion` and `kind`, in the form of decode.ts. */
  readonly object: JsonObject;
}

/**
 * Decodes one body. `fallback` is the type of a body that names no kind. Throws an ApiError 400 for
 * what is no envelope, a kind the schema does not have, and broken messages.
 */
export function decodeProtobuf(
  bytes: Uint8Array,
  fallback?: { readonly apiVersion: string; readonly kind: string },
): DecodedProtobuf {
  try {
    return decodeEnvelope(bytes, fallback, 0);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw badRequest(`the object provided is not valid protobuf: ${error.message}`, {
      cause: error,
    });
  }
}

/** True when the bytes begin as an envelope does. */
export function isProtobufEnvelope(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 4 && MAGIC.every((byte, index) => bytes[index] === byte);
}

function decodeEnvelope(
  bytes: Uint8Array,
  fallback: { readonly apiVersion: string; readonly kind: string } | undefined,
  depth: number,
): DecodedProtobuf {
  if (!isProtobufEnvelope(bytes)) {
    throw badRequest('the body is not in the form of application/vnd.kubernetes.protobuf');
  }
  const envelope = readUnknown(new ProtobufReader(bytes, MAGIC.length));
  const isNamed = envelope.kind !== '' || fallback === undefined;
  const { apiVersion, kind } = isNamed ? envelope : fallback;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const typeName = typeNameOfKind(group, version, kind);
  if (typeName === undefined) {
    throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
  }
  const raw = decodeMessage(typeNamed(typeName), new ProtobufReader(envelope.raw), depth);
  const json = { apiVersion, kind, ...raw };
  return { apiVersion, kind, typeName, object: decodeObject(typeName, json).object };
}

interface Unknown {
  apiVersion: string;
  kind: string;
  raw: Uint8Array;
}

function readUnknown(reader: ProtobufReader): Unknown {
  const unknown: Unknown = { apiVersion: '', kind: '', raw: new Uint8Array() };
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === LENGTH) readTypeMeta(reader.message(), unknown);
    else if (number === 2 && wireType === LENGTH) unknown.raw = reader.bytes();
    else if (number === 3 && wireType === LENGTH) {
      const encoding = reader.string();
      if (encoding !== '') throw new ProtobufError(`content encoding "${encoding}" is not known`);
    } else reader.skip(wireType);
  }
  return unknown;
}

function readTypeMeta(reader: ProtobufReader, unknown: Unknown): void {
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === LENGTH) unknown.apiVersion = reader.string();
    else if (number === 2 && wireType === LENGTH) unknown.kind = reader.string();
    else reader.skip(wireType);
  }
}

/** Fields by their number in protobuf, a table for each type. */
const fieldTables = new Map<TypeInfo, ReadonlyMap<number, FieldInfo>>();

function fieldTable(type: TypeInfo): ReadonlyMap<number, FieldInfo> {
  const known = fieldTables.get(type);
  if (known !== undefined) return known;
  const numbered = type.messageFields.flatMap((field) =>
    field.n === undefined ? [] : [[field.n, field] as const],
  );
  const table = new Map(numbered);
  fieldTables.set(type, table);
  return table;
}

function decodeMessage(type: TypeInfo, reader: ProtobufReader, depth: number): JsonObject {
  if (depth > DEPTH_MAX) throw new ProtobufError(`nested more than ${DEPTH_MAX} levels deep`);
  const fields = fieldTable(type);
  const object: JsonObject = {};
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    const field = fields.get(number);
    if (field === undefined) reader.skip(wireType);
    else decodeField(field, reader, wireType, object, depth);
  }
  return object;
}

function decodeField(
  field: FieldInfo,
  reader: ProtobufReader,
  wireType: number,
  object: JsonObject,
  depth: number,
): void {
  if (field.inline === true && isTypeName(field.t)) {
    Object.assign(object, decodeMessage(typeNamed(field.t), reader.message(), depth + 1));
    return;
  }
  const key = field.json;
  if (typeof field.t !== 'string') {
    const map = isJsonObject(object[key]) ? object[key] : {};
    object[key] = map;
    decodeMapEntry(field.t.map, reader.message(), map, depth);
    return;
  }
  if (field.list === undefined) {
    const value = decodeValue(field.t, reader, wireType, depth);
    if (value !== undefined) object[key] = value;
    return;
  }
  const list: unknown[] = Array.isArray(object[key]) ? object[key] : [];
  object[key] = list;
  const isPacked = wireType === LENGTH && VARINT_SCALARS.has(field.t);
  if (!isPacked) {
    list.push(decodeValue(field.t, reader, wireType, depth) ?? null);
    return;
  }
  const items = reader.message();
  while (!items.isAtEnd) list.push(decodeValue(field.t, items, 0, depth));
}

/** Key 1, value 2; an absent key or value is its zero. */
function decodeMapEntry(
  item: TypeRef,
  reader: ProtobufReader,
  map: JsonObject,
  depth: number,
): void {
  let key = '';
  let value: unknown = null;
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === LENGTH) key = reader.string();
    else if (number === 2) value = decodeValue(item, reader, wireType, depth);
    else reader.skip(wireType);
  }
  if (key === '__proto__') throw new ProtobufError('a key "__proto__" is not accepted');
  map[key] = value ?? null;
}

const VARINT_SCALARS: ReadonlySet<string> = new Set(['int32', 'int64', 'bool']);

function decodeValue(
  ref: TypeRef,
  reader: ProtobufReader,
  wireType: number,
  depth: number,
): unknown {
  if (typeof ref !== 'string') throw new ProtobufError('a map within a map has no wire form');
  const expected = VARINT_SCALARS.has(ref) ? 0 : ref === 'double' ? 1 : LENGTH;
  if (wireType !== expected) throw new ProtobufError(`proto: wrong wireType = ${wireType}`);
  switch (ref) {
    case 'string':
      return reader.string();
    case 'int32':
    case 'int64':
      return Number(reader.int64());
    case 'bool':
      return reader.int64() !== 0n;
    case 'double':
      return reader.double();
    case 'bytes':
      return reader.bytes().toString('base64');
    default:
      return isTypeName(ref)
        ? decodeTyped(typeNamed(ref), reader.message(), depth + 1)
        : decodeScalarMessage(ref, reader.message(), depth + 1);
  }
}

function decodeTyped(type: TypeInfo, reader: ProtobufReader, depth: number): unknown {
  const message = decodeMessage(type, reader, depth);
  const [first] = type.messageFields;
  if (type.isWrapped) return message[first?.json ?? 'items'] ?? [];
  if (!type.isCustom) return message;
  switch (type.shortName) {
    case 'JSONSchemaPropsOrArray':
      return message.schema ?? message.jSONSchemas ?? [];
    case 'JSONSchemaPropsOrBool':
      return message.schema ?? message.allows ?? false;
    default:
      return message.property ?? message.schema ?? [];
  }
}

/** Scalars of the API that are messages on the wire: their fields by number. */
function decodeScalarMessage(ref: string, reader: ProtobufReader, depth: number): unknown {
  const numbers = new Map<number, bigint>();
  const parts = new Map<number, Buffer>();
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (wireType === 0) numbers.set(number, reader.int64());
    else if (wireType === LENGTH) parts.set(number, reader.bytes());
    else reader.skip(wireType);
  }
  switch (ref) {
    case 'quantity':
      return parts.get(1)?.toString('utf8') || '0';
    case 'intOrString':
      if (numbers.get(1) === 1n) return parts.get(3)?.toString('utf8') ?? '';
      return Number(numbers.get(2) ?? 0n);
    case 'duration':
      return formatGoDuration(numbers.get(1) ?? 0n);
    case 'time':
    case 'microTime':
      return timeOf(ref, numbers.get(1) ?? 0n, numbers.get(2) ?? 0n);
    default:
      return opaque(parts.get(1), depth);
  }
}

/** The zero time is an empty message, and nothing in JSON. */
function timeOf(ref: 'time' | 'microTime', seconds: bigint, nanos: bigint): string | undefined {
  if (seconds === 0n && nanos === 0n) return undefined;
  const ms = Number(seconds) * 1000;
  if (Number.isNaN(ms) || Math.abs(ms) > 253_402_300_799_000) {
    throw new ProtobufError(`${seconds} s is not a time between the years 1 and 9999`);
  }
  if (ref === 'time') return formatTime(ms);
  const micros = Math.floor(Number(nanos) / 1000);
  return formatMicroTime(ms + Math.floor(micros / 1000), micros % 1000);
}

/** JSON text, or another envelope. */
function opaque(raw: Buffer | undefined, depth: number): unknown {
  if (raw === undefined || raw.length === 0) return undefined;
  if (isProtobufEnvelope(raw)) return decodeEnvelope(raw, undefined, depth + 1).object;
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch (error) {
    throw new ProtobufError('opaque bytes are not JSON', { cause: error });
  }
}
