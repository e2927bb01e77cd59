/**
 * Who a container runs as and what it may do, as the CRI says it, from the pod's and the
 * container's security contexts.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/security_context.go and pkg/securitycontext/util.go,
 * v1.36.
 */

import type { Container, Pod, SecurityContext } from '../../proto/api/gen/core-v1.ts';
import type {
  IdMapping,
  Image,
  Input,
  LinuxContainerSecurityContext,
} from '../../proto/cri/types.ts';
import { ConfigError } from '../environment/container-environment.ts';
import { formatPod } from '../pod/container-kinds.ts';
import { namespaceOptions, seccompProfile, supplementalGroups } from './sandbox-config.ts';

/** Hidden from containers. Source: pkg/securitycontext/util.go `defaultMaskedPaths`. */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What the node has for the pod. */
export interface SecurityOfNode {
  /** Where seccomp profiles of the type Localhost are. */
  readonly seccompProfileRoot: string;
  /** Absent: the users of the node. */
  readonly users?: IdMapping;
}

/** Throws a {@link ConfigError} when the image would run as root and may not. */
export function containerSecurityContext(
  pod: Pod,
  container: Container,
  image: Image | undefined,
  node: SecurityOfNode,
): Input<LinuxContainerSecurityContext> {
  const context = effectiveContext(pod, container);
  verifyNonRoot(pod, container, context, image);
  const privileged = context.privileged === true;
  const unmasked = privileged || context.procMount === 'Unmasked';
  return {
    privileged,
    capabilities: {
      add_capabilities: context.capabilities?.add ?? [],
      drop_capabilities: context.capabilities?.drop ?? [],
    },
    namespace_options: namespaceOptions(pod, node.users),
    ...userOf(context, image),
    readonly_rootfs: context.readOnlyRootFilesystem === true,
    supplemental_groups: supplementalGroups(pod),
    supplemental_groups_policy: pod.spec.securityContext?.supplementalGroupsPolicy ?? 'Merge',
    no_new_privs: context.allowPrivilegeEscalation === false,
    masked_paths: unmasked ? [] : MASKED_PATHS,
    readonly_paths: unmasked ? [] : READONLY_PATHS,
    seccomp: seccompProfile(context.seccompProfile, node.seccompProfileRoot),
    apparmor:
      context.appArmorProfile === undefined
        ? null
        : {
            profile_type: context.appArmorProfile.type,
            localhost_ref: context.appArmorProfile.localhostProfile ?? '',
          },
  };
}

/** What the container says goes before what the pod says. */
function effectiveContext(pod: Pod, container: Container): SecurityContext {
  const {
    runAsUser,
    runAsGroup,
    runAsNonRoot,
    seccompProfile: seccomp,
    appArmorProfile,
  } = pod.spec.securityContext ?? {};
  return {
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...(seccomp === undefined ? {} : { seccompProfile: seccomp }),
    ...(appArmorProfile === undefined ? {} : { appArmorProfile }),
    ...container.securityContext,
  };
}

/** Without `runAsUser` the runtime takes the image's user; a group alone needs the user named. */
function userOf(
  context: SecurityContext,
  image: Image | undefined,
): Input<Pick<LinuxContainerSecurityContext, 'run_as_user' | 'run_as_group' | 'run_as_username'>> {
  const group =
    context.runAsGroup === undefined ? {} : { run_as_group: { value: context.runAsGroup } };
  if (context.runAsUser !== undefined) {
    return { run_as_user: { value: context.runAsUser }, ...group };
  }
  if (context.runAsGroup === undefined) return {};
  if (image?.uid != null) return { run_as_user: image.uid, ...group };
  if (image !== undefined && image.username !== '') {
    return { run_as_username: image.username, ...group };
  }
  return { run_as_user: { value: 0 }, ...group };
}

function verifyNonRoot(
  pod: Pod,
  container: Container,
  context: SecurityContext,
  image: Image | undefined,
): void {
  if (context.runAsNonRoot !== true) return;
  const where = `(pod: "${formatPod(pod)}", container: ${container.name})`;
  if (context.runAsUser !== undefined) {
    if (context.runAsUser !== 0) return;
    throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  }
  const uid = image?.uid?.value;
  if (uid !== undefined && uid !== '0') return;
  const username = image?.username ?? '';
  if (uid === undefined && username !== '') {
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${username}), cannot verify user is non-root ${where}`,
    );
  }
  throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
