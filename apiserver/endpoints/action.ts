/** Requests to action subresources and to resources that are answered, not stored. */

import { badRequest } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { negotiate } from '../http/negotiate.ts';
import type { VirtualResource } from '../registry/api-definition.ts';
import type { ActionContext, ActionSubresource } from '../registry/subresource.ts';
import { decodeBody, type ExpectedBody } from './decode-body.ts';
import { writeQuery } from './write-options.ts';

type Known = Pick<ActionContext, 'request' | 'target' | 'subpath' | 'nowMs' | 'objects'>;

export async function act(action: ActionSubresource, known: Known): Promise<Answer> {
  const isWrite = known.request.method === 'POST' || known.request.method === 'PUT';
  const expected = isWrite && action.connect === undefined ? action.body : undefined;
  return action.handle(await actionContext(known, expected));
}

/** The context of an upgrade, which has no body. */
export function upgradeContext(known: Known): ActionContext {
  return { ...known, body: undefined, dryRun: false, fieldManager: '' };
}

export async function createVirtual(virtual: VirtualResource, known: Known): Promise<Answer> {
  // These have no table, whatever the client would like.
  negotiate(known.request.headers.accept, ['object']);
  const context = await actionContext(known, virtual.resource);
  const { body } = context;
  if (body === undefined) throw badRequest(`a ${virtual.resource.kind} is needed`);
  const given = body.metadata.namespace ?? '';
  const { namespace = '' } = known.target;
  if (given !== '' && given !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return virtual.create({ ...context, body });
}

async function actionContext(
  known: Known,
  expected: ExpectedBody | undefined,
): Promise<ActionContext> {
  const { request } = known;
  const query = writeQuery(request, 'CreateOptions');
  const body =
    expected === undefined ? undefined : await decodeBody(request, expected, query.fieldValidation);
  return { ...known, body, dryRun: query.dryRun, fieldManager: query.fieldManager };
}
