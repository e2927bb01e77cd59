/** Deployments and ReplicaSets for tests, with what a test doesn't care about filled in. */

import type { Deployment, DeploymentSpec, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../proto/api/gen/core-v1.ts';
import type { ObjectMeta } from '../../proto/api/gen/meta-v1.ts';
import { newPod } from './scheduling-objects.ts';

export const START = '2026-01-01T00:00:00Z';

export function templateOf(image: string): PodTemplateSpec {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } };
}

export function newDeployment(
  spec: Partial<DeploymentSpec> = {},
  more: Partial<Pick<Deployment, 'status'>> & { metadata?: Partial<ObjectMeta> } = {},
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      namespace: 'default',
      name: 'web',
      uid: 'deployment-uid',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: START,
      ...more.metadata,
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('one'),
      progressDeadlineSeconds: 600,
      ...spec,
    },
    status: more.status ?? {},
  };
}

export interface SetShape {
  readonly replicas: number;
  readonly available?: number;
  readonly image?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}

export function newReplicaSet(name: string, shape: SetShape): ReplicaSet {
  const { replicas, available = replicas, image = 'one' } = shape;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: shape.creationTimestamp ?? START,
      ...(shape.annotations === undefined ? {} : { annotations: shape.annotations }),
    },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: templateOf(image) },
    status: {
      replicas,
      readyReplicas: available,
      availableReplicas: available,
      observedGeneration: 1,
    },
  };
}

/** A running pod; ready since a time when it is. */
export function runningPod(
  name: string,
  more: { readySince?: string; node?: string; metadata?: Partial<ObjectMeta> } = {},
): Pod {
  const { readySince, node = 'n1' } = more;
  const pod = newPod(name, { nodeName: node }, more.metadata);
  const status = readySince === undefined ? 'False' : 'True';
  const ready = { type: 'Ready', status, lastTransitionTime: readySince ?? START };
  return { ...pod, status: { phase: 'Running', conditions: [ready] } };
}
