/**
 * How sandboxes and containers carry who they are: CRI labels and annotations. After a restart of
 * the agent everything that is needed to adopt, and to kill, is read back from them.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/labels.go and pkg/kubelet/container/helpers.go
 * `HashContainer` (name and image only, since 1.31), v1.36.
 */

import { createHash } from 'node:crypto';
import type { Container, LifecycleHandler, Pod } from '../../proto/api/gen/core-v1.ts';

export const POD_NAME_LABEL = 'io.kubernetes.pod.name';
export const POD_NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';
export const POD_UID_LABEL = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';

export const HASH_ANNOTATION = 'io.kubernetes.container.hash';
export const RESTART_COUNT_ANNOTATION = 'io.kubernetes.container.restartCount';
export const TERMINATION_PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';
export const TERMINATION_POLICY_ANNOTATION = 'io.kubernetes.container.terminationMessagePolicy';
const PORTS_ANNOTATION = 'io.kubernetes.container.ports';
const PRE_STOP_ANNOTATION = 'io.kubernetes.container.preStopHandler';
const GRACE_ANNOTATION = 'io.kubernetes.pod.terminationGracePeriod';
const DELETION_GRACE_ANNOTATION = 'io.kubernetes.pod.deletionGracePeriod';

type Strings = Readonly<Record<string, string>>;

export const DEFAULT_TERMINATION_PATH = '/dev/termination-log';

/** Changes when the container must be replaced. */
export function hashContainer(container: Container): string {
  const text = JSON.stringify({ name: container.name, image: container.image ?? '' });
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

export function sandboxLabels(pod: Pod): Strings {
  return { ...pod.metadata.labels, ...podLabels(pod) };
}

/** The pod's own annotations, and where the pod came from. */
export function sandboxAnnotations(pod: Pod): Strings {
  return {
    ...pod.metadata.annotations,
    'kubernetes.io/config.source': 'api',
    [GRACE_ANNOTATION]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
  };
}

export function containerLabels(pod: Pod, container: Container): Strings {
  return { ...podLabels(pod), [CONTAINER_NAME_LABEL]: container.name };
}

export function containerAnnotations(pod: Pod, container: Container, attempt: number): Strings {
  const preStop = container.lifecycle?.preStop;
  const grace = pod.metadata.deletionGracePeriodSeconds;
  return {
    [HASH_ANNOTATION]: hashContainer(container),
    [RESTART_COUNT_ANNOTATION]: String(attempt),
    [TERMINATION_PATH_ANNOTATION]: container.terminationMessagePath ?? DEFAULT_TERMINATION_PATH,
    [TERMINATION_POLICY_ANNOTATION]: container.terminationMessagePolicy ?? 'File',
    [GRACE_ANNOTATION]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    ...(grace === undefined ? {} : { [DELETION_GRACE_ANNOTATION]: String(grace) }),
    ...(container.ports === undefined
      ? {}
      : { [PORTS_ANNOTATION]: JSON.stringify(container.ports) }),
    ...(preStop === undefined ? {} : { [PRE_STOP_ANNOTATION]: JSON.stringify(preStop) }),
  };
}

function podLabels(pod: Pod): Strings {
  return {
    [POD_NAME_LABEL]: pod.metadata.name,
    [POD_NAMESPACE_LABEL]: pod.metadata.namespace ?? '',
    [POD_UID_LABEL]: pod.metadata.uid,
  };
}

/** What is needed to end a pod that the API no longer knows. */
export interface OrphanTermination {
  readonly graceSeconds: number;
  readonly preStop?: LifecycleHandler;
}

/** Reads the annotations of a container; what can't be read counts as absent. */
export function readTermination(annotations: Strings): OrphanTermination {
  const grace = Number(annotations[DELETION_GRACE_ANNOTATION] ?? annotations[GRACE_ANNOTATION]);
  const preStop = parseHandler(annotations[PRE_STOP_ANNOTATION]);
  return {
    graceSeconds: Number.isFinite(grace) ? grace : 30,
    ...(preStop === undefined ? {} : { preStop }),
  };
}

function parseHandler(text: string | undefined): LifecycleHandler | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LifecycleHandler) : undefined;
  } catch {
    return undefined;
  }
}
