/** Small questions about the containers of a pod's spec. */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** A sidecar: an init container that is restarted for as long as the pod lives. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function initContainersOf(pod: Pod): readonly Container[] {
  return pod.spec.initContainers ?? [];
}

export function allContainersOf(pod: Pod): readonly Container[] {
  return [...initContainersOf(pod), ...pod.spec.containers];
}

export function restartPolicyOf(pod: Pod): RestartPolicy {
  return pod.spec.restartPolicy ?? 'Always';
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec.hostNetwork === true;
}

/** `name_namespace(uid)`, as the kubelet names a pod in messages. */
export function formatPod(pod: Pod): string {
  const { name, namespace = '', uid } = pod.metadata;
  return `${name}_${namespace}(${uid})`;
}

/** A pod in one of these phases never runs again. */
export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
