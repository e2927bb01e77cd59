/**
 * OpenAPI v3: a document for each group version, and the index of them. kubectl reads the documents to
 * explain kinds, and to learn that PATCH takes `fieldValidation`; then it leaves validation to the server.
 *
 * Source: kubernetes/kube-openapi pkg/handler3; OpenAPI Specification 3.0.0.
 */

import type { JsonObject } from './json.ts';
import {
  definitionName,
  groupVersionKind,
  listName,
  servedDefinitions,
} from './openapi/definitions.ts';
import { type Operation, type Parameter, pathsOf } from './openapi/operations.ts';
import { groupVersionPath, type ServedResourceFacts } from './openapi/served.ts';
import { schemaVersion } from './schema.ts';

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** A document as the index names it; the hash makes its address, so that it can be cached for good. */
export interface IndexEntry {
  readonly group: string;
  readonly version: string;
  readonly hash: string;
}

/** What `/openapi/v3` answers. */
export function openApiV3Index(entries: readonly IndexEntry[]): JsonObject {
  const paths: JsonObject = {};
  for (const { group, version, hash } of entries) {
    const path = groupVersionPath(group, version);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { paths };
}

/** The document of one group version; `resources` are those of that group version. */
export function openApiV3Document(resources: readonly ServedResourceFacts[]): JsonObject {
  const paths: JsonObject = {};
  for (const resource of resources) {
    for (const { path, parameters, operations } of pathsOf(resource)) {
      const item: JsonObject = { parameters: parameters.map(parameterObject) };
      for (const operation of operations) {
        item[operation.method] = operationObject(resource, operation);
      }
      paths[path] = item;
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: `v${schemaVersion()}` },
    paths,
    components: { schemas: servedDefinitions(resources, 'v3') },
  };
}

function operationObject(resource: ServedResourceFacts, operation: Operation): JsonObject {
  const body = requestBody(operation);
  return {
    tags: [tagOf(resource)],
    description: `${operation.action} ${resource.plural}`,
    operationId: operation.id,
    ...(operation.parameters.length > 0
      ? { parameters: operation.parameters.map(parameterObject) }
      : {}),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      200: { description: 'OK', content: contentOf(['application/json'], answerName(operation)) },
    },
    'x-kubernetes-action': operation.action,
    ...groupVersionKind(operation.kind),
  };
}

function requestBody(operation: Operation): JsonObject | undefined {
  if (!operation.takesBody) return undefined;
  if (operation.method !== 'patch') {
    return { required: true, content: contentOf(BODY_TYPES, definitionName(operation.kind)) };
  }
  const content = Object.fromEntries(
    PATCH_TYPES.map((type) => [type, { schema: { description: 'A patch.' } }]),
  );
  return { required: true, content };
}

function contentOf(types: readonly string[], definition: string | undefined): JsonObject {
  const schema = definition === undefined ? {} : { $ref: `#/components/schemas/${definition}` };
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

/** The definition of what an operation answers with. */
function answerName({ action, kind, answers }: Operation): string | undefined {
  const own = definitionName(kind);
  return action === 'list' && own !== undefined ? listName(own, answers.kind) : own;
}

function parameterObject({ name, in: place, type, description }: Parameter): JsonObject {
  return {
    name,
    in: place,
    description,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}

function tagOf({ group, version }: ServedResourceFacts): string {
  return `${group === '' ? 'core' : (group.split('.')[0] ?? '')}_${version}`;
}
