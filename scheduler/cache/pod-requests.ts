/**
 * What a pod asks of its node: the larger of what its containers need together and what each init
 * container needs beside the sidecars started before it, plus overhead. Requests of the pod as a
 * whole go before those of its containers. Resizes under way aren't looked at.
 *
 * Source: kubernetes/component-helpers resource/helpers.go, v0.36.
 */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import {
  addResources,
  maxResources,
  NO_RESOURCES,
  type ResourceList,
  type Resources,
  resourcesOf,
} from './resources.ts';

/**
 * What a container without a request counts in scores, so that pods without requests spread too.
 * Source: kubernetes pkg/scheduler/util/pod_resources.go.
 */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export interface PodRequests {
  /** As asked: what filters count. */
  readonly requests: Resources;
  /** With the defaults for containers that ask for no CPU or memory: what scores count. */
  readonly nonZero: Resources;
}

export function podRequests(pod: Pod): PodRequests {
  return {
    requests: effectiveRequests(pod, (list) => resourcesOf(list)),
    nonZero: effectiveRequests(pod, withDefaults),
  };
}

function effectiveRequests(
  pod: Pod,
  read: (list: ResourceList | undefined) => Resources,
): Resources {
  const { spec } = pod;
  const ofContainer = (container: Container): Resources => read(container.resources?.requests);
  let running = NO_RESOURCES;
  for (const container of spec.containers) running = addResources(running, ofContainer(container));
  let sidecars = NO_RESOURCES;
  let starting = NO_RESOURCES;
  for (const container of spec.initContainers ?? []) {
    const own = ofContainer(container);
    if (container.restartPolicy === 'Always') {
      sidecars = addResources(sidecars, own);
      starting = maxResources(starting, sidecars);
    } else starting = maxResources(starting, addResources(own, sidecars));
  }
  const containers = maxResources(addResources(running, sidecars), starting);
  const whole = withPodLevel(containers, spec.resources?.requests);
  return spec.overhead === undefined ? whole : addResources(whole, resourcesOf(spec.overhead));
}

/** CPU, memory and huge pages can be asked for by the pod as a whole. */
function withPodLevel(containers: Resources, list: ResourceList | undefined): Resources {
  if (list === undefined || Object.keys(list).length === 0) return containers;
  const pod = resourcesOf(list);
  const scalars = new Map(containers.scalars);
  for (const [name, amount] of pod.scalars) {
    if (name.startsWith('hugepages-')) scalars.set(name, amount);
  }
  return {
    milliCpu: list.cpu === undefined ? containers.milliCpu : pod.milliCpu,
    memory: list.memory === undefined ? containers.memory : pod.memory,
    ephemeralStorage: containers.ephemeralStorage,
    scalars,
  };
}

/** An explicit zero stays zero. */
function withDefaults(list: ResourceList | undefined): Resources {
  const asked = resourcesOf(list);
  return {
    ...asked,
    milliCpu: list?.cpu === undefined ? DEFAULT_MILLI_CPU : asked.milliCpu,
    memory: list?.memory === undefined ? DEFAULT_MEMORY : asked.memory,
  };
}
