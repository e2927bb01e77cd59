/** DELETE of a collection: every object that the selectors pick, each as by a DELETE of its own. */

import { isNotFound } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { objectAnswer } from '../http/answer.ts';
import { inShape } from '../registry/resource-api.ts';
import { keyPrefix } from '../registry/store-context.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { deletingRequest } from './delete.ts';
import { deleteOptions } from './delete-options.ts';
import type { Endpoint } from './endpoint.ts';
import { parseSelection } from './selection.ts';

/** Deletes under way at a time: enough to share commits of the store. */
const CONCURRENCY = 32;

export async function deleteCollection(endpoint: Endpoint): Promise<Answer> {
  const { api, namespace, request } = endpoint;
  const options = await deleteOptions(request);
  const selection = parseSelection(api, request.query);
  const write = deletingRequest(
    endpoint,
    options.dryRun !== undefined && options.dryRun.length > 0,
  );
  await api.store.waitFor('', request.signal);
  const { items, revision } = api.store.cache.list({
    prefix: keyPrefix(api.store.kind, namespace),
  });
  const selected = items.filter((cached) => selection.matches(cached));
  const deleted: ApiObject[] = [];
  const queue = selected.values();
  const work = async (): Promise<void> => {
    for (const { object } of queue) {
      const target = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
      try {
        deleted.push((await api.store.delete(target, options, write)).object);
      } catch (error) {
        // Somebody else was faster.
        if (!isNotFound(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const { kind } = api;
  return objectAnswer(200, {
    kind: kind.list,
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    metadata: { resourceVersion: String(revision) },
    items: deleted.map((object) => inShape(api, object)),
  });
}
