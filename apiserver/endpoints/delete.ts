/** DELETE of one object. */

import type { Answer } from '../http/answer.ts';
import { objectAnswer } from '../http/answer.ts';
import { inShape } from '../registry/resource-api.ts';
import type { WriteRequest } from '../registry/store-context.ts';
import { deleteOptions } from './delete-options.ts';
import type { Endpoint } from './endpoint.ts';
import { shownBody } from './get.ts';
import { answerObject } from './present.ts';
import { managerOf } from './write-options.ts';

export async function deleteOne(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, name, request } = endpoint;
  const options = await deleteOptions(request);
  const write = deletingRequest(
    endpoint,
    options.dryRun !== undefined && options.dryRun.length > 0,
  );
  const { object, isGone } = await api.store.delete({ namespace, name }, options, write);
  if (!isGone || api.strategy.returnsDeleted === true) {
    // 202 says that deletion goes on; upstream keeps it for clients that ask in the old way.
    const code = !isGone && options.orphanDependents === false ? 202 : 200;
    return answerObject(endpoint, code, shownBody(inShape(api, object)));
  }
  const { group, plural } = api.kind;
  return objectAnswer(200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      uid: object.metadata.uid,
    },
  });
}

export function deletingRequest({ request }: Endpoint, dryRun: boolean): WriteRequest {
  return {
    user: request.user,
    fieldManager: managerOf(request),
    dryRun,
    subresource: '',
    warn: (text) => request.warn(text),
  };
}
