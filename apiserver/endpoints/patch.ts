/**
 * PATCH of an object, or of a part of it: JSON patch, merge patch, strategic merge patch, and
 * server-side apply (apply.ts).
 *
 * A patch is applied to what is stored, anew for each attempt, so that writers of different fields do
 * not disturb each other. A resourceVersion in the patch is a precondition.
 *
 * Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go, v0.36.
 */

import { isJsonObject, type JsonObject } from '../../proto/api/json.ts';
import { applyJsonPatch } from '../../proto/api/patch/json-patch.ts';
import { applyMergePatch } from '../../proto/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../../proto/api/patch/strategic-merge-patch.ts';
import { badRequest } from '../../proto/api/status-error.ts';
import { parseStrictJson } from '../../proto/api/strict-json.ts';
import type { Answer } from '../http/answer.ts';
import { inShape } from '../registry/resource-api.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { apply, typeNameOf } from './apply.ts';
import { decodeTree, unsupportedMediaType } from './decode-body.ts';
import { type Endpoint, expectedBody, writeRequestOf } from './endpoint.ts';
import { changedBy, rulesOf } from './update.ts';
import { type WriteQuery, writeQuery } from './write-options.ts';
import { answerWritten } from './written.ts';

type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export async function patch(endpoint: Endpoint): Promise<Answer> {
  const { request } = endpoint;
  const type = patchType(request.headers['content-type']);
  if (type === 'apply') return apply(endpoint);
  const query = writeQuery(request, 'PatchOptions');
  const { value, duplicates } = parseStrictJson(await request.readBody(), {
    findDuplicates: query.fieldValidation !== 'Ignore',
  });
  const isFit = type === 'json' ? Array.isArray(value) : isJsonObject(value);
  if (!isFit) {
    throw badRequest(`a patch of this type must be ${type === 'json' ? 'a list' : 'an object'}`);
  }
  for (const problem of duplicates) {
    if (query.fieldValidation === 'Strict') throw badRequest(`strict decoding error: ${problem}`);
    request.warn(problem);
  }
  return patchWith(endpoint, query, (target) => applied(endpoint, type, target, value));
}

async function patchWith(
  endpoint: Endpoint,
  query: WriteQuery,
  apply: (target: JsonObject) => unknown,
): Promise<Answer> {
  const { api, namespace, name, part, request } = endpoint;
  const updated = await api.store.update(
    { namespace, name },
    {
      rules: rulesOf(endpoint),
      createIfMissing: false,
      change(current) {
        const shown = inShape(api, current as ApiObject);
        const target = part?.body === undefined ? shown : part.body.read(shown);
        const tree = apply(target);
        const body = decodeTree(tree, expectedBody(endpoint), request, query.fieldValidation);
        return changedBy(endpoint, body, current);
      },
    },
    writeRequestOf(endpoint, query),
  );
  return answerWritten(endpoint, 200, updated);
}

function applied(
  endpoint: Endpoint,
  type: Exclude<PatchType, 'apply'>,
  target: JsonObject,
  body: unknown,
): unknown {
  switch (type) {
    case 'json':
      return applyJsonPatch(target, body);
    case 'merge':
      return applyMergePatch(target, body);
    case 'strategic':
      return applyStrategicMergePatch(typeNameOf(endpoint), target, body as JsonObject);
  }
}

function patchType(contentType: string | undefined): PatchType {
  const [type = ''] = (contentType ?? '').split(';');
  const known = type.trim().toLowerCase();
  const found = Object.hasOwn(TYPES, known) ? TYPES[known] : undefined;
  if (found === undefined) throw unsupportedMediaType(Object.keys(TYPES));
  return found;
}
