/** PUT of an object, or of a part of it. */

import { cloneJson } from '../../proto/api/json.ts';
import { badRequest, invalid } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { toStored } from '../registry/resource-api.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { mainRules, partRules, statusRules, type UpdateRules } from '../registry/update-rules.ts';
import { decodeBody } from './decode-body.ts';
import { type Endpoint, expectedBody, writeRequestOf } from './endpoint.ts';
import { writeQuery } from './write-options.ts';
import { answerWritten } from './written.ts';

export async function update(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, name, request, part } = endpoint;
  const query = writeQuery(request, 'UpdateOptions');
  const body = await decodeBody(request, expectedBody(endpoint), query.fieldValidation);
  const bodyName = body.metadata.name ?? '';
  if (bodyName !== '' && bodyName !== name) {
    throw badRequest(
      `the name of the object (${bodyName}) does not match the name on the URL (${name})`,
    );
  }
  const updated = await api.store.update(
    { namespace, name },
    {
      rules: rulesOf(endpoint),
      createIfMissing: part === undefined && api.strategy.allowCreateOnUpdate,
      change: (current) => changedBy(endpoint, body, current),
    },
    writeRequestOf(endpoint, query),
  );
  return answerWritten(endpoint, updated.isCreated ? 201 : 200, updated);
}

/** What writes to the endpoint may change. */
export function rulesOf({ api, part }: Endpoint): UpdateRules {
  if (part === undefined) return mainRules(api.store.strategy);
  return part.name === 'status' ? statusRules(api.store.strategy) : partRules(part);
}

/** The stored object that the body asks for, fresh for each attempt. */
export function changedBy(
  { api, part, namespace }: Endpoint,
  body: ApiObject,
  current: ApiObject | undefined,
): ApiObject {
  if (part?.body === undefined) {
    if (api.view !== undefined) {
      body.metadata.namespace ??= namespace;
      const old = current === undefined ? undefined : api.view.fromStored(current);
      const errors = [
        ...(api.strategy.validate?.(body) ?? []),
        ...(old === undefined ? [] : (api.strategy.validateUpdate?.(body, old) ?? [])),
      ];
      if (errors.length > 0) throw invalid(api.kind, body.metadata.name ?? '', errors);
    }
    return toStored(api, cloneJson(body));
  }
  const errors = part.body.validate?.(body) ?? [];
  if (errors.length > 0) throw invalid(part.body, body.metadata.name ?? '', errors);
  const object = cloneJson(current ?? body);
  part.body.write(object, body);
  // The body's own metadata says on which version it is based.
  object.metadata.resourceVersion = body.metadata.resourceVersion ?? '';
  object.metadata.uid = body.metadata.uid ?? '';
  return object;
}
