/**
 * The CRI configuration of a pod's sandbox. The same pod gives the same configuration: it is sent
 * again with every container.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_sandbox.go, v1.36.
 */

import path from 'node:path';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type {
  DnsConfig,
  IdMapping,
  Input,
  NamespaceOption,
  PodSandboxConfig,
  SecurityProfile,
} from '../../proto/cri/types.ts';
import { sandboxAnnotations, sandboxLabels } from '../pod/container-identity.ts';
import { allContainersOf, isHostNetwork } from '../pod/container-kinds.ts';
import { CPU_PERIOD_US, podCgroupLimits } from '../pod/qos.ts';

/** The kernel's limit of a host name. */
const HOSTNAME_LENGTH_MAX = 63;

export interface SandboxInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly logDirectory: string;
  readonly cgroupParent: string;
  /** Absent: the host's resolv.conf. */
  readonly dns?: DnsConfig;
  /** Absent: the users of the node. */
  readonly users?: IdMapping;
}

export function sandboxConfig(input: SandboxInput): Input<PodSandboxConfig> {
  const { pod } = input;
  const { name, namespace = '', uid } = pod.metadata;
  const context = pod.spec.securityContext;
  const limits = podCgroupLimits(pod);
  return {
    metadata: { name, namespace, uid, attempt: input.attempt },
    hostname: isHostNetwork(pod) ? '' : hostnameOf(pod),
    log_directory: input.logDirectory,
    dns_config: input.dns ?? null,
    port_mappings: portMappings(pod),
    labels: sandboxLabels(pod),
    annotations: sandboxAnnotations(pod),
    linux: {
      cgroup_parent: input.cgroupParent,
      sysctls: Object.fromEntries((context?.sysctls ?? []).map((each) => [each.name, each.value])),
      security_context: {
        namespace_options: namespaceOptions(pod, input.users),
        privileged: allContainersOf(pod).some((c) => c.securityContext?.privileged === true),
        seccomp: { profile_type: 'RuntimeDefault', localhost_ref: '' },
        supplemental_groups: supplementalGroups(pod),
        supplemental_groups_policy: context?.supplementalGroupsPolicy ?? 'Merge',
        ...(context?.runAsUser === undefined ? {} : { run_as_user: { value: context.runAsUser } }),
        ...(context?.runAsUser === undefined || context.runAsGroup === undefined
          ? {}
          : { run_as_group: { value: context.runAsGroup } }),
      },
      resources: {
        cpu_period: CPU_PERIOD_US,
        cpu_quota: limits.cpuQuotaUs,
        cpu_shares: limits.cpuShares,
        memory_limit_in_bytes: limits.memoryBytes,
      },
    },
  };
}

/** `spec.hostname`, else the pod's name cut to what the kernel takes. */
export function hostnameOf(pod: Pod): string {
  const { hostnameOverride, hostname } = pod.spec;
  const wanted = hostnameOverride ?? hostname;
  if (wanted !== undefined && wanted !== '') return wanted;
  return pod.metadata.name.slice(0, HOSTNAME_LENGTH_MAX).replace(/[-.]+$/, '');
}

export function namespaceOptions(pod: Pod, users: IdMapping | undefined): Input<NamespaceOption> {
  const { hostNetwork, hostIPC, hostPID, shareProcessNamespace } = pod.spec;
  return {
    network: hostNetwork === true ? 'NODE' : 'POD',
    ipc: hostIPC === true ? 'NODE' : 'POD',
    pid: hostPID === true ? 'NODE' : shareProcessNamespace === true ? 'POD' : 'CONTAINER',
    ...(users === undefined
      ? {}
      : { userns_options: { mode: 'POD', uids: [users], gids: [users] } }),
  };
}

export function supplementalGroups(pod: Pod): readonly number[] {
  const { fsGroup, supplementalGroups: groups = [] } = pod.spec.securityContext ?? {};
  return fsGroup === undefined ? groups : [...groups, fsGroup];
}

/**
 * Nothing asked for is unconfined, as with the kubelet without `seccompDefault`. A profile of one's own
 * is a file below `profileRoot`.
 */
export function seccompProfile(
  profile:
    | { readonly type: SecurityProfile['profile_type']; readonly localhostProfile?: string }
    | undefined,
  profileRoot: string,
): Input<SecurityProfile> {
  if (profile === undefined) return { profile_type: 'Unconfined', localhost_ref: '' };
  const { type, localhostProfile = '' } = profile;
  const file = type === 'Localhost' ? path.join(profileRoot, localhostProfile) : '';
  return { profile_type: type, localhost_ref: file };
}

function portMappings(pod: Pod): Input<PodSandboxConfig['port_mappings']> {
  return allContainersOf(pod)
    .flatMap(({ ports = [] }) => ports)
    .map((port) => ({
      protocol: port.protocol ?? 'TCP',
      container_port: port.containerPort,
      host_port: port.hostPort ?? 0,
      host_ip: port.hostIP ?? '',
    }));
}
