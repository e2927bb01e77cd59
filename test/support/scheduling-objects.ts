/** Pods and nodes for scheduler and controller tests, with what a test doesn't care about filled in. */

import type { Container, Node, Pod, PodSpec } from '../../proto/api/gen/core-v1.ts';
import type { ObjectMeta } from '../../proto/api/gen/meta-v1.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import type { ConfiguredPlugin } from '../../scheduler/framework/plugin.ts';

let serial = 0;

function metadataOf(name: string, more: Partial<ObjectMeta>): ObjectMeta {
  serial += 1;
  return {
    name,
    uid: `uid-${name}-${serial}`,
    resourceVersion: String(serial),
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...more,
  };
}

export function newPod(
  name: string,
  spec: Partial<PodSpec> = {},
  metadata: Partial<ObjectMeta> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadataOf(name, { namespace: 'default', ...metadata }),
    spec: { containers: [newContainer()], ...spec },
    status: { phase: 'Pending' },
  };
}

/** A container with these requests. */
export function newContainer(
  requests: Readonly<Record<string, string>> = {},
  more: Partial<Container> = {},
): Container {
  return { name: 'c', image: 'i', resources: { requests }, ...more };
}

export function newNode(
  name: string,
  allocatable: Readonly<Record<string, string>> = {},
  more: Partial<Pick<Node, 'spec' | 'status'>> & { labels?: Record<string, string> } = {},
): Node {
  const labels = { 'kubernetes.io/hostname': name, ...more.labels };
  const resources = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: metadataOf(name, { labels }),
    spec: { ...more.spec },
    status: { allocatable: resources, capacity: resources, ...more.status },
  };
}

/** The default profile for decisions in memory: its plugins have nobody to ask. */
export function inertProfile(): readonly ConfiguredPlugin[] {
  const request = async (): Promise<never> => {
    throw new Error('A decision asks nobody');
  };
  const peersOf = (): undefined => undefined;
  return defaultProfile({ client: { request }, peersOf, namespaceLabels: () => ({}) });
}
