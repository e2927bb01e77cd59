/** What the work on every pod of the node shares. */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { ObjectReference, Pod, Service } from '../../proto/api/gen/core-v1.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import type { DnsConfig } from '../../proto/cri/types.ts';
import type { AgentPaths } from '../agent-paths.ts';
import type { PodCgroups } from '../cgroup/pod-cgroups.ts';
import type { RuntimeIdentity } from '../cri/runtime-identity.ts';
import type { ReferenceSource } from '../environment/container-environment.ts';
import type { NodeAllocatable } from '../environment/field-value.ts';
import type { ImageManager } from '../images/image-manager.ts';
import type { NodeCapacity } from '../pod/admission.ts';
import type { ProbeManager } from '../probes/probe-manager.ts';
import type { HookRunner } from '../probes/run-hook.ts';
import type { UserNamespaces } from '../user-namespaces/user-namespaces.ts';
import type { Mounts } from '../volumes/mounts.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import type { StatusManager } from './status-manager.ts';

/** Recording never waits and never fails. */
export interface EventSink {
  record(
    object: KubernetesObject | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
}

export interface PodContext {
  readonly cri: CriClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly paths: AgentPaths;
  readonly mounts: Mounts;
  readonly volumes: VolumeManager;
  readonly images: ImageManager;
  readonly cgroups: Pick<PodCgroups, 'isUnified' | 'pathOf' | 'ensure' | 'remove' | 'list'>;
  readonly probes: ProbeManager;
  readonly hooks: HookRunner;
  readonly statuses: StatusManager;
  readonly references: ReferenceSource;
  /** All services, for service links; waits until they are known. */
  readonly services: () => Promise<readonly Service[]>;
  readonly dnsOf: (pod: Pod) => DnsConfig | undefined;
  readonly nodeIp: string;
  readonly allocatable: NodeAllocatable & NodeCapacity;
  readonly runtime: Pick<RuntimeIdentity, 'name'>;
  readonly userNamespaces: UserNamespaces;
  readonly clusterDomain: string;
}
