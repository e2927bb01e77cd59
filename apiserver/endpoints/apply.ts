/**
 * Server-side apply: PATCH with the fields that the client wants to own, as YAML or JSON. An object
 * that is missing is created.
 *
 * Source: kubernetes.io "Server-Side Apply"; kubernetes/apiserver pkg/endpoints/handlers/patch.go, v0.36.
 */

import { decodeObject, strictDecodingError } from '../../proto/api/decode.ts';
import { cloneJson, isJsonObject, type JsonObject } from '../../proto/api/json.ts';
import { applyServerSide } from '../../proto/api/managed-fields.ts';
import { typeNameOfKind } from '../../proto/api/schema.ts';
import { badRequest } from '../../proto/api/status-error.ts';
import { type ParsedBody, parseStrictJson } from '../../proto/api/strict-json.ts';
import { formatTime } from '../../proto/api/time.ts';
import type { Answer } from '../http/answer.ts';
import { inShape } from '../registry/resource-api.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { decodeTree } from './decode-body.ts';
import { type Endpoint, expectedBody, writeRequestOf } from './endpoint.ts';
import { changedBy, rulesOf } from './update.ts';
import { type WriteQuery, writeQuery } from './write-options.ts';
import { answerWritten } from './written.ts';

export async function apply(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, name, part, request } = endpoint;
  const query = writeQuery(request, 'PatchOptions', true);
  const applied = await readConfiguration(endpoint, query);
  const updated = await api.store.update(
    { namespace, name },
    {
      rules: rulesOf(endpoint),
      // A part in a shape of its own (scale) has no list of owners in that shape.
      ownership: part?.body === undefined ? 'applied' : 'update',
      createIfMissing: part === undefined,
      change: (current) => changed(endpoint, query, applied, current),
    },
    writeRequestOf(endpoint, query),
  );
  return answerWritten(endpoint, updated.isCreated ? 201 : 200, updated);
}

function changed(
  endpoint: Endpoint,
  query: WriteQuery,
  applied: JsonObject,
  current: ApiObject | undefined,
): ApiObject {
  const { api, part, request, clock } = endpoint;
  const shown = current === undefined ? undefined : inShape(api, current);
  const live = shown !== undefined && part?.body !== undefined ? part.body.read(shown) : shown;
  const tree = applyServerSide({
    typeName: typeNameOf(endpoint),
    live,
    applied,
    manager: query.fieldManager,
    force: query.force,
    time: formatTime(clock.wallMs()),
    subresource: part?.name,
  });
  if (tree === live && current !== undefined) return cloneJson(current);
  // What the configuration itself says wrongly has been reported once already.
  const body = decodeTree(tree, expectedBody(endpoint), request, 'Ignore');
  const { resourceVersion, uid } = isJsonObject(applied.metadata) ? applied.metadata : {};
  body.metadata.resourceVersion = typeof resourceVersion === 'string' ? resourceVersion : '';
  body.metadata.uid = typeof uid === 'string' ? uid : '';
  return changedBy(endpoint, body, current);
}

/** The parsed configuration; it is decoded by the apply itself, which needs to know what it names. */
async function readConfiguration(endpoint: Endpoint, query: WriteQuery): Promise<JsonObject> {
  const { request, name } = endpoint;
  const { value, duplicates } = await parse(await request.readBody());
  if (!isJsonObject(value)) throw badRequest('the configuration to apply must be an object');
  const kind = expectedBody(endpoint);
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  if (value.kind !== kind.kind || value.apiVersion !== apiVersion) {
    throw badRequest(
      `the configuration to apply must be of apiVersion ${apiVersion} and kind ${kind.kind}`,
    );
  }
  const { unknownFields } = decodeObject(typeNameOf(endpoint), value);
  const problems = [...duplicates, ...unknownFields.map((field) => `unknown field "${field}"`)];
  if (problems.length > 0 && query.fieldValidation === 'Strict') {
    throw strictDecodingError(kind, problems);
  }
  if (query.fieldValidation === 'Warn') for (const problem of problems) request.warn(problem);
  const metadata = isJsonObject(value.metadata) ? value.metadata : {};
  return { ...value, metadata: { name, ...metadata } };
}

/** JSON is YAML, and most clients send it: it is tried first, for it is much faster. */
async function parse(bytes: Uint8Array): Promise<ParsedBody> {
  if (bytes[0] === '{'.charCodeAt(0)) {
    try {
      return parseStrictJson(bytes, { findDuplicates: true });
    } catch {
      // A flow mapping of YAML begins alike; the YAML parser says what is wrong otherwise.
    }
  }
  return (await import('../../proto/api/yaml-body.ts')).parseYamlBody(bytes);
}

export function typeNameOf(endpoint: Endpoint): string {
  const { group, version, kind } = expectedBody(endpoint);
  const typeName = typeNameOfKind(group, version, kind);
  if (typeName === undefined) throw badRequest(`no kind "${kind}" is registered`);
  return typeName;
}
