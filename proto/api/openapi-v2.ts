/**
 * OpenAPI v2 (swagger): one document for all that is served, as JSON, and in the protobuf form that
 * kubectl insists on. kubectl up to 1.20 validates and explains with it, newer ones fall back to it.
 *
 * Source: kubernetes/kube-openapi pkg/handler; OpenAPI Specification 2.0; google/gnostic openapiv2.
 */

import type { JsonObject } from './json.ts';
import {
  definitionName,
  groupVersionKind,
  listName,
  servedDefinitions,
} from './openapi/definitions.ts';
import { encodeSwagger } from './openapi/gnostic.ts';
import { type Operation, type Parameter, pathsOf } from './openapi/operations.ts';
import type { ServedResourceFacts } from './openapi/served.ts';
import { schemaVersion } from './schema.ts';

/** The document of all resources, of all group versions. */
export function openApiV2Document(resources: readonly ServedResourceFacts[]): JsonObject {
  const paths: JsonObject = {};
  for (const resource of resources) {
    for (const { path, parameters, operations } of pathsOf(resource)) {
      const item: JsonObject = { parameters: parameters.map(parameterObject) };
      for (const operation of operations) item[operation.method] = operationObject(operation);
      paths[path] = item;
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: `v${schemaVersion()}` },
    paths,
    definitions: servedDefinitions(resources, 'v2'),
  };
}

/** The same document as bytes of gnostic's `openapi.v2.Document`. */
export function openApiV2Protobuf(document: JsonObject): Buffer {
  return encodeSwagger(document);
}

function operationObject(operation: Operation): JsonObject {
  const own = definitionName(operation.kind);
  const isPatch = operation.method === 'patch';
  const bodySchema = own === undefined || isPatch ? { type: 'object' } : reference(own);
  const body = { name: 'body', in: 'body', required: true, schema: bodySchema };
  const isList = operation.action === 'list' && own !== undefined;
  const answer = isList ? listName(own, operation.answers.kind) : own;
  return {
    description: `${operation.action} ${operation.kind.kind}`,
    operationId: operation.id,
    parameters: [
      ...(operation.takesBody ? [body] : []),
      ...operation.parameters.map(parameterObject),
    ],
    responses: {
      200: { description: 'OK', ...(answer === undefined ? {} : { schema: reference(answer) }) },
    },
    'x-kubernetes-action': operation.action,
    ...groupVersionKind(operation.kind),
  };
}

function parameterObject({ name, in: place, type, description }: Parameter): JsonObject {
  const isPath = place === 'path';
  return {
    name,
    in: place,
    type,
    description,
    uniqueItems: true,
    ...(isPath ? { required: true } : {}),
  };
}

function reference(definition: string): JsonObject {
  return { $ref: `#/definitions/${definition}` };
}
