/**
 * The RPCs of the CRI that Skiff calls or serves, with the types of what goes in and comes out.
 * Client (client.ts) and server are typed from these tables, so that they cannot drift apart.
 */

import type {
  ContainerStats,
  ContainerStatsFilter,
  FilesystemUsage,
  PodSandboxStats,
  PodSandboxStatsFilter,
} from './stats-types.ts';
import type {
  AuthConfig,
  Container,
  ContainerConfig,
  ContainerFilter,
  ContainerStatus,
  Image,
  ImageSpec,
  Int64,
  LinuxContainerResources,
  PodSandbox,
  PodSandboxConfig,
  PodSandboxFilter,
  PodSandboxStatus,
  RuntimeCondition,
  StringMap,
} from './types.ts';

/** A message without fields. */
export type Empty = Readonly<Record<string, never>>;

interface Rpc<Request, Response> {
  readonly request: Request;
  readonly response: Response;
}

interface SandboxId {
  readonly pod_sandbox_id: string;
}

interface ContainerId {
  readonly container_id: string;
}

interface Streams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

interface Url {
  readonly url: string;
}

export interface VersionResponse {
  readonly version: string;
  readonly runtime_name: string;
  readonly runtime_version: string;
  readonly runtime_api_version: string;
}

export interface StatusResponse {
  readonly status: { readonly conditions: readonly RuntimeCondition[] } | null;
  readonly info: StringMap;
  readonly runtime_handlers: readonly {
    readonly name: string;
    readonly features: {
      readonly recursive_read_only_mounts: boolean;
      readonly user_namespaces: boolean;
    } | null;
  }[];
  readonly features: {
    readonly supplemental_groups_policy: boolean;
    readonly user_namespaces_host_network: boolean;
    readonly mount_options: boolean;
  } | null;
}

export interface RunPodSandboxRequest {
  readonly config: PodSandboxConfig | null;
  readonly runtime_handler: string;
}

export interface PodSandboxStatusResponse {
  readonly status: PodSandboxStatus | null;
  readonly info: StringMap;
  readonly containers_statuses: readonly ContainerStatus[];
  readonly timestamp: Int64;
}

export interface CreateContainerRequest extends SandboxId {
  readonly config: ContainerConfig | null;
  readonly sandbox_config: PodSandboxConfig | null;
}

export interface ContainerStatusResponse {
  readonly status: ContainerStatus | null;
  readonly info: StringMap;
}

export interface ExecSyncRequest extends ContainerId {
  readonly cmd: readonly string[];
  /** Seconds; `0` waits for ever. */
  readonly timeout: Int64;
}

export interface ExecSyncResponse {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exit_code: number;
}

export type ExecRequest = ContainerId & Streams & { readonly cmd: readonly string[] };
export type AttachRequest = ContainerId & Streams;

export interface PullImageRequest {
  readonly image: ImageSpec | null;
  readonly auth: AuthConfig | null;
  readonly sandbox_config: PodSandboxConfig | null;
}

/** Unary RPCs of `runtime.v1.RuntimeService`. */
export interface RuntimeRpcs {
  Version: Rpc<{ readonly version: string }, VersionResponse>;
  Status: Rpc<{ readonly verbose: boolean }, StatusResponse>;
  RuntimeConfig: Rpc<
    Empty,
    { readonly linux: { readonly cgroup_driver: 'SYSTEMD' | 'CGROUPFS' } | null }
  >;
  UpdateRuntimeConfig: Rpc<
    {
      readonly runtime_config: {
        readonly network_config: { readonly pod_cidr: string } | null;
      } | null;
    },
    Empty
  >;
  RunPodSandbox: Rpc<RunPodSandboxRequest, SandboxId>;
  StopPodSandbox: Rpc<SandboxId, Empty>;
  RemovePodSandbox: Rpc<SandboxId, Empty>;
  PodSandboxStatus: Rpc<SandboxId & { readonly verbose: boolean }, PodSandboxStatusResponse>;
  ListPodSandbox: Rpc<
    { readonly filter: PodSandboxFilter | null },
    { readonly items: readonly PodSandbox[] }
  >;
  CreateContainer: Rpc<CreateContainerRequest, ContainerId>;
  StartContainer: Rpc<ContainerId, Empty>;
  /** timeout: seconds from the stop signal to SIGKILL. */
  StopContainer: Rpc<ContainerId & { readonly timeout: Int64 }, Empty>;
  RemoveContainer: Rpc<ContainerId, Empty>;
  ListContainers: Rpc<
    { readonly filter: ContainerFilter | null },
    { readonly containers: readonly Container[] }
  >;
  ContainerStatus: Rpc<ContainerId & { readonly verbose: boolean }, ContainerStatusResponse>;
  UpdateContainerResources: Rpc<
    ContainerId & {
      readonly linux: LinuxContainerResources | null;
      readonly annotations: StringMap;
    },
    Empty
  >;
  ReopenContainerLog: Rpc<ContainerId, Empty>;
  ExecSync: Rpc<ExecSyncRequest, ExecSyncResponse>;
  Exec: Rpc<ExecRequest, Url>;
  Attach: Rpc<AttachRequest, Url>;
  PortForward: Rpc<SandboxId & { readonly port: readonly number[] }, Url>;
  ContainerStats: Rpc<ContainerId, { readonly stats: ContainerStats | null }>;
  ListContainerStats: Rpc<
    { readonly filter: ContainerStatsFilter | null },
    { readonly stats: readonly ContainerStats[] }
  >;
  PodSandboxStats: Rpc<SandboxId, { readonly stats: PodSandboxStats | null }>;
  ListPodSandboxStats: Rpc<
    { readonly filter: PodSandboxStatsFilter | null },
    { readonly stats: readonly PodSandboxStats[] }
  >;
}

/** Unary RPCs of `runtime.v1.ImageService`. */
export interface ImageRpcs {
  ListImages: Rpc<
    { readonly filter: { readonly image: ImageSpec | null } | null },
    { readonly images: readonly Image[] }
  >;
  ImageStatus: Rpc<
    { readonly image: ImageSpec | null; readonly verbose: boolean },
    { readonly image: Image | null; readonly info: StringMap }
  >;
  PullImage: Rpc<PullImageRequest, { readonly image_ref: string }>;
  RemoveImage: Rpc<{ readonly image: ImageSpec | null }, Empty>;
  ImageFsInfo: Rpc<
    Empty,
    {
      readonly image_filesystems: readonly FilesystemUsage[];
      readonly container_filesystems: readonly FilesystemUsage[];
    }
  >;
}

export const RUNTIME_SERVICE = 'runtime.v1.RuntimeService';
export const IMAGE_SERVICE = 'runtime.v1.ImageService';

/** A client may send or receive at most this, in bytes: the kubelet's limit; gRPC's own is 4 MiB. */
export const CRI_MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** gRPC status codes by number. Source: grpc/grpc doc/statuscodes.md. */
export const CRI_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type CriCode = (typeof CRI_CODES)[number];

/** A failed RPC, on either side. The message may carry the error names that a kubelet reads. */
export class CriError extends Error {
  readonly code: CriCode;

  constructor(code: CriCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'CriError';
    this.code = code;
  }
}
