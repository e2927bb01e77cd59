/**
 * Keeps the EndpointSlices of every Service with a selector. Those of a Service that is gone go by
 * garbage collection.
 *
 * Source: kubernetes pkg/controller/endpointslice/endpointslice_controller.go, v1.36.
 */

import type { Service } from '../../proto/api/gen/core-v1.ts';
import { endpointslices } from '../../proto/api/gen/resources.ts';
import { controllerOf, keyOf } from '../../proto/api/meta.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import type { Runnable } from '../controller.ts';
import { newPerServiceController } from '../endpoints/per-service.ts';
import { backendsOf, hasSelector } from '../endpoints/service-backends.ts';
import { controllerReference } from '../ownership.ts';
import { planSlices, type SliceContent, sliceContents, sliceLabels, sliceNames } from './slices.ts';

export function newEndpointSliceController(context: ControllerContext): Runnable {
  const { services, endpointSlices } = context.informers;
  return newPerServiceController(context, {
    name: 'endpoint-slice',
    synced: [endpointSlices.hasSynced],
    reconcile: async (key, signal) => {
      const service = services.get(key);
      if (service === undefined || service.metadata.deletionTimestamp !== undefined) return;
      if (hasSelector(service)) await reconcile(context, service, signal);
    },
  });
}

async function reconcile(
  { client, informers }: ControllerContext,
  service: Service,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', uid } = service.metadata;
  const backends = backendsOf(service, informers.pods.byIndex('namespace', namespace));
  const existing = informers.endpointSlices
    .byIndex('namespace', namespace)
    .filter((slice) => controllerOf(slice)?.uid === uid);
  const changes = planSlices(existing, sliceContents(backends));
  const draftOf = ({ ports, endpoints }: SliceContent, sliceName: string) =>
    ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: sliceName,
        namespace,
        labels: sliceLabels(service),
        ownerReferences: [controllerReference(service)],
      },
      addressType: 'IPv4',
      endpoints,
      ports,
    }) as const;
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  const names = sliceNames(service, taken, changes.create.length);
  for (const [index, content] of changes.create.entries()) {
    await client.create(endpointslices, draftOf(content, names[index] ?? ''), {}, signal);
  }
  for (const { slice, ports, endpoints } of changes.update) {
    await client.update(endpointslices, { ...slice, ports, endpoints }, {}, signal);
  }
  for (const slice of changes.remove) {
    const target = { namespace, name: slice.metadata.name };
    await client.delete(endpointslices, target, {}, signal).catch((error: unknown) => {
      if (!isNotFound(error)) throw new Error(`Could not delete ${keyOf(slice)}`, { cause: error });
    });
  }
}
