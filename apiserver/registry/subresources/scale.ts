/**
 * `scale` of deployments and replica sets: how many pods there should be, as an autoscaling/v1 Scale.
 * Source: kubernetes pkg/registry/apps/deployment/storage/storage.go `ScaleREST`, v1.36.
 */

import type { LabelSelector } from '../../../proto/api/gen/meta-v1.ts';
import { deployments, replicasets } from '../../../proto/api/gen/resources.ts';
import { formatLabelSelector, requirementsOf } from '../../../proto/api/label-selector.ts';
import type { Resource } from '../../../proto/api/resource.ts';
import { nonNegative } from '../../../proto/api/validation.ts';
import type { ApiObject } from '../strategy.ts';
import type { PartSubresource } from '../subresource.ts';

export const scaleSubresources: readonly PartSubresource[] = [deployments, replicasets].map(
  scaleOf,
);

function scaleOf(resource: Resource): PartSubresource {
  return {
    type: 'part',
    resource,
    name: 'scale',
    body: {
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      read: readScale,
      write(object, scale) {
        object.spec = { ...object.spec, replicas: replicasOf(scale) };
      },
      validate: (scale) => nonNegative('spec.replicas', replicasOf(scale)),
    },
  };
}

function readScale(object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  // The schema has checked the type of the selector.
  const selector = object.spec?.selector as LabelSelector | undefined;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
    },
    spec: { replicas: replicasOf(object) },
    status: {
      replicas: Number(object.status?.replicas ?? 0),
      selector: formatLabelSelector(requirementsOf(selector)),
    },
  };
}

function replicasOf(object: ApiObject): number {
  return Number(object.spec?.replicas ?? 0);
}
