/**
 * Objects that a cluster has from its first start, made when they are missing.
 * Source: kubernetes pkg/controlplane/controller/systemnamespaces, v1.36.
 */

import { namespaces } from '../proto/api/gen/resources.ts';
import { isAlreadyExists } from '../proto/api/status-error.ts';
import type { StoredObjects } from './registry/stored-objects.ts';

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export async function ensureSystemNamespaces(objects: StoredObjects): Promise<void> {
  const store = objects.find(namespaces);
  if (store === undefined) return;
  const missing = SYSTEM_NAMESPACES.filter(
    (name) => store.peek({ namespace: '', name }) === undefined,
  );
  await Promise.all(
    missing.map(async (name) => {
      const metadata = {
        name,
        labels: { 'kubernetes.io/metadata.name': name },
        uid: '',
        resourceVersion: '',
        creationTimestamp: '',
      };
      try {
        await objects.create(namespaces, {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata,
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        });
      } catch (error) {
        // Another API server of the same store was faster.
        if (!isAlreadyExists(error)) throw error;
      }
    }),
  );
}
