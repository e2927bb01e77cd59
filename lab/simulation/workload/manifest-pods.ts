/** Pods from manifests: Pods as they are, and those that a controller would make of its template. */

import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { isJsonObject, type JsonObject } from '../../../proto/api/json.ts';
import type { PodRow } from './pod-rows.ts';

export interface ManifestOptions {
  readonly atMs: number;
  readonly durationMs: number;
}

/** Objects of other kinds are passed over. Throws an Error for a Pod without containers. */
export function podsFromManifests(
  objects: readonly unknown[],
  { atMs, durationMs }: ManifestOptions,
): readonly PodRow[] {
  return objects.flatMap((object): readonly PodRow[] => {
    if (!isJsonObject(object)) return [];
    const { kind, items } = object;
    if (Array.isArray(items)) return podsFromManifests(items, { atMs, durationMs });
    const made = podsOf(String(kind), object);
    if (made === undefined) return [];
    const { name, namespace, template, count } = made;
    if (!Array.isArray(template.spec?.containers))
      throw new Error(`${String(kind)} "${name}" has no containers`);
    const metadata = {
      ...template.metadata,
      name: '',
      namespace,
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
    };
    const own = { metadata, spec: { ...template.spec } } as Pick<Pod, 'metadata' | 'spec'>;
    return Array.from({ length: count }, (_, index) => ({
      name: count === 1 ? name : `${name}-${index}`,
      template: own,
      arrivalMs: atMs,
      durationMs,
    }));
  });
}

interface Made {
  readonly name: string;
  readonly namespace: string;
  readonly template: Partial<Pod>;
  readonly count: number;
}

function podsOf(kind: string, object: JsonObject): Made | undefined {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const name = String(metadata.name ?? kind.toLowerCase());
  const namespace = String(metadata.namespace ?? 'default');
  const of = (template: unknown, count: unknown): Made => ({
    name,
    namespace,
    // What of it is missing is seen by who uses it.
    template: (isJsonObject(template) ? template : {}) as Partial<Pod>,
    count: typeof count === 'number' ? count : 1,
  });
  switch (kind) {
    case 'Pod':
      return of(object, 1);
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'ReplicationController':
      return of(spec.template, spec.replicas);
    case 'Job':
      return of(spec.template, spec.parallelism);
    default:
      return undefined;
  }
}
