/** GET of one object, or of a part of it. */

import { badRequest } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { Shown } from '../registry/resource-api.ts';
import type { Endpoint } from './endpoint.ts';
import { answerObject } from './present.ts';

export async function get(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, name, request, part } = endpoint;
  const resourceVersion = request.query.get('resourceVersion') ?? '';
  if (!/^\d{0,15}$/.test(resourceVersion)) {
    throw badRequest(`invalid resource version "${resourceVersion}"`);
  }
  const cached = await api.store.get({ namespace, name }, resourceVersion);
  const shown = api.show(cached);
  if (part?.body === undefined) return answerObject(endpoint, 200, shown);
  return answerObject(endpoint, 200, shownBody(part.body.read(shown.object)));
}

/** A body that is made for this answer. */
export function shownBody(object: Shown['object']): Shown {
  return { object, json: Buffer.from(JSON.stringify(object)) };
}
