/**
 * The CRI configuration of one run of a container.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go `generateContainerConfig` and
 * kuberuntime_container_linux.go, v1.36.
 */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import type {
  ContainerConfig,
  IdMapping,
  Image,
  Input,
  LinuxContainerResources,
  Mount,
} from '../../proto/cri/types.ts';
import { expand } from '../environment/expand.ts';
import { containerAnnotations, containerLabels } from '../pod/container-identity.ts';
import {
  CPU_PERIOD_US,
  cpuQuota,
  cpuShares,
  limitsOf,
  oomScoreAdj,
  requestsOf,
} from '../pod/qos.ts';
import { containerSecurityContext, type SecurityOfNode } from './security-context.ts';

export interface ContainerInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Input<Mount>[];
  /** What the image reference of the spec resolved to. */
  readonly image: Image;
  /** Of the node. */
  readonly memoryCapacityBytes: number;
  /** Alone: a hybrid machine limits by v1. */
  readonly isCgroupV2: boolean;
  readonly security: SecurityOfNode;
}

/** Throws a ConfigError when the spec can't be carried out. */
export function containerConfig(input: ContainerInput): Input<ContainerConfig> {
  const { pod, container, attempt, environment } = input;
  const expanded = (text: string): string => expand(text, (name) => environment.get(name));
  return {
    metadata: { name: container.name, attempt },
    image: { image: input.image.id, user_specified_image: container.image ?? '' },
    command: (container.command ?? []).map(expanded),
    args: (container.args ?? []).map(expanded),
    working_dir: container.workingDir ?? '',
    envs: [...environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: input.mounts.map((mount) => mapped(mount, input.security.users)),
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, attempt),
    log_path: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdin_once: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: resourcesOf(input),
      security_context: containerSecurityContext(pod, container, input.image, input.security),
    },
    stop_signal: stopSignal(container),
  };
}

/** Who owns a volume's files owns them in the pod's user namespace, too. */
function mapped(mount: Input<Mount>, users: IdMapping | undefined): Input<Mount> {
  return users === undefined ? mount : { ...mount, uidMappings: [users], gidMappings: [users] };
}

function resourcesOf(input: ContainerInput): Input<LinuxContainerResources> {
  const requests = requestsOf(input.container);
  const limits = limitsOf(input.container);
  return {
    cpu_period: CPU_PERIOD_US,
    cpu_quota: cpuQuota(limits.cpuMilli),
    cpu_shares: cpuShares(requests.cpuMilli),
    memory_limit_in_bytes: limits.memoryBytes ?? 0,
    oom_score_adj: oomScoreAdj(input.pod, input.container, input.memoryCapacityBytes),
    // A container whose process was killed for want of memory ends as a whole.
    ...(input.isCgroupV2 ? { unified: { 'memory.oom.group': '1' } } : {}),
  };
}

/** The CRI's names: `SIGNAL_SIGRTMINPLUS1` is `SIGRTMIN+1` of the API. */
function stopSignal(container: Container): string {
  const signal = container.lifecycle?.stopSignal;
  if (signal === undefined) return 'SIGNAL_RUNTIME_DEFAULT';
  return `SIGNAL_${signal.replace('+', 'PLUS').replace('-', 'MINUS')}`;
}
