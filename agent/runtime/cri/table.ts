/** Every unary RPC that is implemented, by its name. */

import { attach } from './attach.ts';
import { containerStats } from './container-stats.ts';
import { containerStatus } from './container-status.ts';
import { createContainer } from './create-container.ts';
import { exec } from './exec.ts';
import { execSync } from './exec-sync.ts';
import { imageFsInfo } from './image-fs-info.ts';
import { imageStatus } from './image-status.ts';
import { listContainerStats } from './list-container-stats.ts';
import { listContainers } from './list-containers.ts';
import { listImages } from './list-images.ts';
import { listPodSandbox } from './list-pod-sandbox.ts';
import { listPodSandboxStats } from './list-pod-sandbox-stats.ts';
import { podSandboxStats } from './pod-sandbox-stats.ts';
import { podSandboxStatus } from './pod-sandbox-status.ts';
import { portForward } from './port-forward.ts';
import { pullImage } from './pull-image.ts';
import { removeContainer } from './remove-container.ts';
import { removeImage } from './remove-image.ts';
import { removePodSandbox } from './remove-pod-sandbox.ts';
import { reopenContainerLog } from './reopen-container-log.ts';
import type { Rpc, UnaryRpcs } from './rpc.ts';
import { runPodSandbox } from './run-pod-sandbox.ts';
import { runtimeConfig } from './runtime-config.ts';
import { startContainer } from './start-container.ts';
import { status } from './status.ts';
import { stopContainer } from './stop-container.ts';
import { stopPodSandbox } from './stop-pod-sandbox.ts';
import { updateContainerResources } from './update-container-resources.ts';
import { updateRuntimeConfig } from './update-runtime-config.ts';
import { version } from './version.ts';

export const RPCS: { readonly [Name in keyof UnaryRpcs]: Rpc<Name> } = {
  Version: version,
  Status: status,
  RuntimeConfig: runtimeConfig,
  UpdateRuntimeConfig: updateRuntimeConfig,
  RunPodSandbox: runPodSandbox,
  StopPodSandbox: stopPodSandbox,
  RemovePodSandbox: removePodSandbox,
  PodSandboxStatus: podSandboxStatus,
  ListPodSandbox: listPodSandbox,
  CreateContainer: createContainer,
  StartContainer: startContainer,
  StopContainer: stopContainer,
  RemoveContainer: removeContainer,
  ListContainers: listContainers,
  ContainerStatus: containerStatus,
  UpdateContainerResources: updateContainerResources,
  ReopenContainerLog: reopenContainerLog,
  ExecSync: execSync,
  Exec: exec,
  Attach: attach,
  PortForward: portForward,
  ContainerStats: containerStats,
  ListContainerStats: listContainerStats,
  PodSandboxStats: podSandboxStats,
  ListPodSandboxStats: listPodSandboxStats,
  ListImages: listImages,
  ImageStatus: imageStatus,
  PullImage: pullImage,
  RemoveImage: removeImage,
  ImageFsInfo: imageFsInfo,
};
