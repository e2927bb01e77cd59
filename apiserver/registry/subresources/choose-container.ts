/**
 * Which container of a pod a request for logs or for a command means.
 * Source: kubernetes pkg/registry/core/pod/strategy.go `LogLocation`, `streamLocation`, v1.36.
 */

import type { PodSpec } from '../../../proto/api/gen/core-v1.ts';
import { badRequest } from '../../../proto/api/status-error.ts';
import type { ApiObject } from '../strategy.ts';

/** Throws a bad request when none is named and there are several, or when there is none of the name. */
export function chooseContainer(pod: ApiObject, name: string): string {
  // The schema has checked the types of the pod's fields.
  const spec = (pod.spec ?? {}) as unknown as PodSpec;
  const main = (spec.containers ?? []).map((container) => container.name);
  const init = (spec.initContainers ?? []).map((container) => container.name);
  const ephemeral = (spec.ephemeralContainers ?? []).map((container) => container.name);
  const podName = pod.metadata.name;
  if (name !== '') {
    if ([...main, ...init, ...ephemeral].includes(name)) return name;
    throw badRequest(`container ${name} is not valid for pod ${podName}`);
  }
  const [only] = main;
  if (main.length === 1 && only !== undefined) return only;
  const orInit = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${podName}, choose one of: [${main.join(' ')}]${orInit}`,
  );
}
