/** Records as the messages that clients see. Pure. */

import type {
  Container,
  ContainerStatus,
  Input,
  PodSandbox,
  PodSandboxStatus,
} from '../../../proto/cri/types.ts';
import { type ContainerRecord, containerState } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';

export function sandboxMessage(record: SandboxRecord): Input<PodSandbox> {
  return {
    id: record.id,
    metadata: record.metadata,
    state: record.phase === 'ready' ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
    created_at: record.createdAtNs,
    labels: record.config.labels,
    annotations: record.config.annotations,
    runtime_handler: record.runtimeHandler,
  };
}

export function sandboxStatusMessage(record: SandboxRecord): Input<PodSandboxStatus> {
  const options = record.config.linux?.security_context?.namespace_options ?? null;
  return {
    ...sandboxMessage(record),
    network: { ip: record.ip, additional_ips: (record.additionalIps ?? []).map((ip) => ({ ip })) },
    linux: { namespaces: { options } },
  };
}

export function containerMessage(record: ContainerRecord): Input<Container> {
  return {
    id: record.id,
    pod_sandbox_id: record.sandboxId,
    metadata: record.metadata,
    image: record.image,
    image_ref: record.imageRef,
    state: containerState(record.phase),
    created_at: record.createdAtNs,
    labels: record.labels,
    annotations: record.annotations,
    image_id: record.imageId,
  };
}

export function containerStatusMessage(record: ContainerRecord): Input<ContainerStatus> {
  const { uid, gid, supplementalGroups } = record.user;
  return {
    id: record.id,
    metadata: record.metadata,
    state: containerState(record.phase),
    created_at: record.createdAtNs,
    started_at: record.startedAtNs,
    finished_at: record.finishedAtNs,
    exit_code: record.exitCode,
    image: { ...record.image, image: record.imageName },
    image_ref: record.imageRef,
    reason: record.reason,
    message: record.message,
    labels: record.labels,
    annotations: record.annotations,
    mounts: record.mounts,
    log_path: record.logPath,
    resources: { linux: record.resources },
    image_id: record.imageId,
    user: { linux: { uid, gid, supplemental_groups: supplementalGroups } },
    stop_signal: record.criStopSignal,
  };
}
