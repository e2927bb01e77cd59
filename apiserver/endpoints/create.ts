/** POST to a collection. */

import { badRequest, invalid } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { toStored } from '../registry/resource-api.ts';
import { decodeBody } from './decode-body.ts';
import { type Endpoint, expectedBody, writeRequestOf } from './endpoint.ts';
import { writeQuery } from './write-options.ts';
import { answerWritten } from './written.ts';

export async function create(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, request } = endpoint;
  const query = writeQuery(request, 'CreateOptions');
  const object = await decodeBody(request, expectedBody(endpoint), query.fieldValidation);
  if (api.view !== undefined) {
    // The rules of the view are asked here; those of what is stored, on the generic path.
    object.metadata.namespace ??= namespace;
    const errors = api.strategy.validate?.(object) ?? [];
    if (errors.length > 0) throw invalid(api.kind, object.metadata.name ?? '', errors);
  }
  if (api.kind.namespaced && namespace === '') {
    throw badRequest('an empty namespace may not be set during creation');
  }
  const write = writeRequestOf(endpoint, query);
  const written = await api.store.create(namespace, toStored(api, object), write);
  return answerWritten(endpoint, 201, written);
}
