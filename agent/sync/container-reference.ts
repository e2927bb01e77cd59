/** What an event about one container of a pod is about. */

import type { Container, ObjectReference, Pod } from '../../proto/api/gen/core-v1.ts';
import { initContainersOf } from '../pod/container-kinds.ts';

/** The pod, with `spec.containers{name}` as the field. */
export function containerReference(pod: Pod, container: Pick<Container, 'name'>): ObjectReference {
  const { name, namespace = '', uid, resourceVersion } = pod.metadata;
  const isInit = initContainersOf(pod).some((each) => each.name === container.name);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    name,
    namespace,
    uid,
    resourceVersion,
    fieldPath: `spec.${isInit ? 'initContainers' : 'containers'}{${container.name}}`,
  };
}
