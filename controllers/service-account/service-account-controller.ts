/**
 * Every namespace has a ServiceAccount `default`, which pods get that name none.
 *
 * Source: kubernetes pkg/controller/serviceaccount/serviceaccounts_controller.go, v1.36.
 */

import { serviceaccounts } from '../../proto/api/gen/resources.ts';
import type { ControllerContext } from '../context.ts';
import type { Runnable } from '../controller.ts';
import { newPerNamespaceController } from '../per-namespace.ts';

const NAME = 'default';

export function newServiceAccountController(context: ControllerContext): Runnable {
  return newPerNamespaceController(context, {
    name: 'service-account',
    informer: context.informers.serviceAccounts,
    objectName: NAME,
    reconcile: async (namespace, existing, signal) => {
      if (existing !== undefined) return;
      const metadata = { name: NAME, namespace };
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata } as const;
      await context.client.create(serviceaccounts, account, {}, signal);
    },
  });
}
