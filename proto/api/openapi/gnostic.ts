/**
 * Writes a swagger document in protobuf: gnostic's `openapi.v2.Document`, as far as our documents go.
 *
 * Source: google/gnostic openapiv2/OpenAPIv2.proto, v0.7.
 */

import { isJsonObject, type JsonObject } from '../json.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** The numbers of an operation's method in `PathItem`. */
const METHODS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

export function encodeSwagger(document: JsonObject): Buffer {
  const writer = new ProtobufWriter();
  const info = objectOf(document.info);
  writer.string(1, textOf(document.swagger));
  writer.message(2, (inner) => {
    inner.string(1, textOf(info.title));
    inner.string(2, textOf(info.version));
  });
  writer.message(8, (inner) => {
    for (const [path, item] of Object.entries(objectOf(document.paths))) {
      inner.message(2, (named) => {
        named.string(1, path);
        named.message(2, (value) => writePathItem(value, objectOf(item)));
      });
    }
  });
  writer.message(9, (inner) => writeNamedSchemas(inner, objectOf(document.definitions)));
  return writer.finish();
}

function writePathItem(writer: ProtobufWriter, item: JsonObject): void {
  for (const [method, number] of Object.entries(METHODS)) {
    const operation = item[method];
    if (isJsonObject(operation)) {
      writer.message(number, (inner) => writeOperation(inner, operation));
    }
  }
  for (const parameter of listOf(item.parameters)) {
    writer.message(9, (inner) => writeParameter(inner, objectOf(parameter)));
  }
}

function writeOperation(writer: ProtobufWriter, operation: JsonObject): void {
  writer.string(3, textOf(operation.description));
  writer.string(5, textOf(operation.operationId));
  for (const parameter of listOf(operation.parameters)) {
    writer.message(8, (inner) => writeParameter(inner, objectOf(parameter)));
  }
  writer.message(9, (inner) => {
    for (const [code, response] of Object.entries(objectOf(operation.responses))) {
      inner.message(1, (named) => {
        named.string(1, code);
        named.message(2, (value) =>
          value.message(1, (answer) => writeResponse(answer, objectOf(response))),
        );
      });
    }
  });
  writeExtensions(writer, 13, operation);
}

function writeResponse(writer: ProtobufWriter, response: JsonObject): void {
  writer.string(1, textOf(response.description));
  const { schema } = response;
  if (isJsonObject(schema)) {
    writer.message(2, (item) => item.message(1, (inner) => writeSchema(inner, schema)));
  }
}

/** `ParametersItem.parameter`, a body or one of the others. */
function writeParameter(writer: ProtobufWriter, parameter: JsonObject): void {
  const isRequired = parameter.required === true;
  const description = textOf(parameter.description);
  const name = textOf(parameter.name);
  const place = textOf(parameter.in);
  writer.message(1, (inner) => {
    if (place === 'body') {
      inner.message(1, (body) => {
        body.string(1, description);
        body.string(2, name);
        body.string(3, place);
        body.bool(4, isRequired);
        body.message(5, (schema) => writeSchema(schema, objectOf(parameter.schema)));
      });
      return;
    }
    const isQuery = place === 'query';
    inner.message(2, (other) =>
      other.message(isQuery ? 3 : 4, (schema) => {
        schema.bool(1, isRequired);
        schema.string(2, place);
        schema.string(3, description);
        schema.string(4, name);
        // A query parameter has one more field before its type: whether it may be empty.
        schema.string(isQuery ? 6 : 5, textOf(parameter.type));
      }),
    );
  });
}

function writeNamedSchemas(writer: ProtobufWriter, schemas: JsonObject): void {
  for (const [name, schema] of Object.entries(schemas)) {
    writer.message(1, (named) => {
      named.string(1, name);
      named.message(2, (inner) => writeSchema(inner, objectOf(schema)));
    });
  }
}

function writeSchema(writer: ProtobufWriter, schema: JsonObject): void {
  const { type, items, additionalProperties, properties } = schema;
  writer.string(1, textOf(schema.$ref));
  writer.string(2, textOf(schema.format));
  writer.string(4, textOf(schema.description));
  if (schema.default !== undefined) writeAny(writer, 5, schema.default);
  for (const name of listOf(schema.required)) writer.string(19, textOf(name));
  for (const value of listOf(schema.enum)) writeAny(writer, 20, value);
  if (isJsonObject(additionalProperties)) {
    writer.message(21, (inner) =>
      inner.message(1, (value) => writeSchema(value, additionalProperties)),
    );
  }
  if (typeof type === 'string') writer.message(22, (inner) => inner.string(1, type));
  if (isJsonObject(items)) {
    writer.message(23, (inner) => inner.message(1, (item) => writeSchema(item, items)));
  }
  if (isJsonObject(properties)) {
    writer.message(25, (inner) => writeNamedSchemas(inner, properties));
  }
  writeExtensions(writer, 31, schema);
}

function writeExtensions(writer: ProtobufWriter, number: number, holder: JsonObject): void {
  for (const [name, value] of Object.entries(holder)) {
    if (!name.startsWith('x-')) continue;
    writer.message(number, (named) => {
      named.string(1, name);
      writeAny(named, 2, value);
    });
  }
}

/** `Any` with the value as YAML, which JSON is. */
function writeAny(writer: ProtobufWriter, number: number, value: unknown): void {
  writer.message(number, (any) => any.string(2, `${JSON.stringify(value)}\n`));
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
