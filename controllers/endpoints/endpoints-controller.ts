/**
 * Keeps an Endpoints object for every Service with a selector.
 *
 * Source: kubernetes pkg/controller/endpoint/endpoints_controller.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Endpoints } from '../../proto/api/gen/core-v1.ts';
import { endpoints } from '../../proto/api/gen/resources.ts';
import { parseKey } from '../../proto/api/meta.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import type { Runnable } from '../controller.ts';
import { endpointSubsets } from './endpoint-subsets.ts';
import { newPerServiceController } from './per-service.ts';
import { backendsOf, hasSelector } from './service-backends.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';

export function newEndpointsController(context: ControllerContext): Runnable {
  const { services, pods, endpoints: informer } = context.informers;
  return newPerServiceController(context, {
    name: 'endpoints',
    synced: [informer.hasSynced],
    reconcile: async (key, signal) => {
      const service = services.get(key);
      const existing = informer.get(key);
      const { namespace = '', name } = parseKey(key);
      if (service === undefined) {
        // Those that were made by others are theirs.
        if (existing?.metadata.labels?.[MANAGED_BY] === undefined) return;
        const { uid } = existing.metadata;
        const options = { preconditions: { uid } };
        await context.client
          .delete(endpoints, { namespace, name }, options, signal)
          .catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
        return;
      }
      if (!hasSelector(service)) return;
      const subsets = endpointSubsets(backendsOf(service, pods.byIndex('namespace', namespace)));
      await write(context, { namespace, name }, existing, subsets, signal);
    },
  });
}

async function write(
  { client }: ControllerContext,
  target: { readonly namespace: string; readonly name: string },
  existing: Endpoints | undefined,
  subsets: Endpoints['subsets'],
  signal: AbortSignal,
): Promise<void> {
  const labels = { ...existing?.metadata.labels, [MANAGED_BY]: 'endpoint-controller' };
  if (existing === undefined) {
    const metadata = { ...target, labels };
    const made = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets } as const;
    await client.create(endpoints, { ...made, subsets: subsets ?? [] }, {}, signal);
  } else if (!isDeepStrictEqual(existing.subsets ?? [], subsets ?? [])) {
    const metadata = { ...existing.metadata, labels };
    await client.update(endpoints, { ...existing, metadata, subsets: subsets ?? [] }, {}, signal);
  }
}
