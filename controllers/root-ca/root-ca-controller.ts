/**
 * Every namespace has a ConfigMap `kube-root-ca.crt`, with which pods check the API server's
 * certificate.
 *
 * Source: kubernetes pkg/controller/certificates/rootcacertpublisher/publisher.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import { configmaps } from '../../proto/api/gen/resources.ts';
import { type ControllerContext, ROOT_CA_NAME } from '../context.ts';
import type { Runnable } from '../controller.ts';
import { newPerNamespaceController } from '../per-namespace.ts';

const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** `ca` is PEM. */
export function newRootCaController(context: ControllerContext, ca: string): Runnable {
  const data = { 'ca.crt': ca };
  return newPerNamespaceController(context, {
    name: 'root-ca',
    informer: context.informers.rootCaConfigMaps,
    objectName: ROOT_CA_NAME,
    reconcile: async (namespace, existing, signal) => {
      const { client } = context;
      if (existing === undefined) {
        const annotations = { 'kubernetes.io/description': DESCRIPTION };
        const metadata = { name: ROOT_CA_NAME, namespace, annotations };
        const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as const;
        await client.create(configmaps, configMap, {}, signal);
      } else if (!isDeepStrictEqual({ ...existing.data }, data)) {
        await client.update(configmaps, { ...existing, data }, {}, signal);
      }
    },
  });
}
