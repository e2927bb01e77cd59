/**
 * NamespaceLifecycle: nothing is written into a namespace that does not exist, nothing is created in
 * one that is being deleted, and the namespaces of the system stay.
 * Source: kubernetes/apiserver pkg/admission/plugin/namespace/lifecycle/admission.go, v0.36.
 */

import { namespaces } from '../../../proto/api/gen/resources.ts';
import type { ObjectAccess } from '../../registry/object-access.ts';
import type { ApiObject } from '../../registry/strategy.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { isOf, refusal } from '../refusal.ts';

const IMMORTAL: readonly string[] = ['default', 'kube-system', 'kube-public'];

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',

  /** Runs before the other plugins, so that they need not ask for the namespace. */
  mutate(attributes, objects) {
    const { operation, namespace = '' } = attributes;
    if (isOf(attributes, namespaces)) {
      if (operation === 'DELETE' && IMMORTAL.includes(attributes.name)) {
        throw refusal(attributes, 'this namespace may not be deleted');
      }
      return undefined;
    }
    if (namespace === '' || operation === 'DELETE' || operation === 'CONNECT') return undefined;
    const known = objects.peek(namespaces, { name: namespace });
    // The watch cache may not have heard of it yet; the store's answer is final (NotFound).
    if (known === undefined) return checkStored(attributes, objects, namespace);
    return refuseCreateIfTerminating(attributes, known);
  },
};

async function checkStored(
  attributes: AdmissionAttributes,
  objects: ObjectAccess,
  name: string,
): Promise<void> {
  refuseCreateIfTerminating(attributes, await objects.get(namespaces, { name }));
}

function refuseCreateIfTerminating(attributes: AdmissionAttributes, namespace: ApiObject): void {
  const isTerminating = namespace.metadata.deletionTimestamp !== undefined;
  if (attributes.operation !== 'CREATE' || !isTerminating) return;
  const { name } = namespace.metadata;
  throw refusal(
    attributes,
    `unable to create new content in namespace ${name} because it is being terminated`,
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${name} is being terminated`,
      field: 'metadata.namespace',
    },
  );
}
