/**
 * NodeRestriction: an agent writes its own node, its own lease, and the pods that are bound to its node;
 * the rest of the cluster is safe from a node that was taken over.
 * Source: kubernetes plugin/pkg/admission/noderestriction/admission.go, v1.36.
 */

import { leases, nodes, pods } from '../../../proto/api/gen/resources.ts';
import { nodeNameOf } from '../../auth/node-identity.ts';
import { isDeepEqual } from '../../registry/strategies/validation/deep-equal.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { refusal } from '../refusal.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const LEASE_NAMESPACE = 'kube-node-lease';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',

  validate(attributes) {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return;
    const why = problemOf(attributes, node);
    if (why !== undefined) throw refusal(attributes, why);
  },
};

/** What is wrong with the write; undefined when the node may do it. */
function problemOf(attributes: AdmissionAttributes, node: string): string | undefined {
  const { group, plural } = attributes.resource;
  switch (`${plural}.${group}`) {
    case `${pods.plural}.`:
      return attributes.subresource === 'status'
        ? statusProblem(attributes, node)
        : podProblem(attributes, node);
    case `${nodes.plural}.`:
      return nodeProblem(attributes, node);
    case `${leases.plural}.${leases.group}`:
      return leaseProblem(attributes, node);
    default:
      return undefined;
  }
}

function podProblem(attributes: AdmissionAttributes, node: string): string | undefined {
  const { operation, object, oldObject } = attributes;
  switch (operation) {
    case 'CREATE':
      if (object?.metadata.annotations?.[MIRROR_ANNOTATION] === undefined) {
        return `pod does not have "${MIRROR_ANNOTATION}" annotation, node "${node}" can only create mirror pods`;
      }
      if (object.spec?.nodeName === node) return undefined;
      return `node "${node}" can only create pods with spec.nodeName set to itself`;
    case 'DELETE':
      if (oldObject?.spec?.nodeName === node) return undefined;
      return `node "${node}" can only delete pods with spec.nodeName set to itself`;
    case 'UPDATE':
    case 'CONNECT':
      return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`;
  }
}

function statusProblem(attributes: AdmissionAttributes, node: string): string | undefined {
  const { object, oldObject } = attributes;
  if (oldObject?.spec?.nodeName !== node) {
    return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (isDeepEqual(object?.metadata.labels ?? {}, oldObject.metadata.labels ?? {})) return undefined;
  return `node "${node}" cannot update labels through pod status`;
}

function nodeProblem(attributes: AdmissionAttributes, node: string): string | undefined {
  const { operation, object, oldObject, name } = attributes;
  if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`;
  if (operation === 'DELETE') return `node "${node}" is not allowed to delete itself`;
  if (operation !== 'UPDATE') return undefined;
  if (isDeepEqual(object?.spec?.taints ?? [], oldObject?.spec?.taints ?? [])) return undefined;
  return `node "${node}" is not allowed to modify taints`;
}

function leaseProblem(attributes: AdmissionAttributes, node: string): string | undefined {
  if (attributes.namespace !== LEASE_NAMESPACE) {
    return `can only access leases in the "${LEASE_NAMESPACE}" system namespace`;
  }
  if (attributes.name === node) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}
