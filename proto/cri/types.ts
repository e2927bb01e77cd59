/**
 * The messages of the CRI as they come out of the decoder (load.ts), in TypeScript: 64-bit integers are
 * decimal strings, bytes are Buffers, enums are their names, absent messages are null, absent scalars
 * are their zero value. What a caller sends may leave fields out: that is {@link Input}.
 *
 * Source: api.proto beside this file.
 */

/** A 64-bit integer as a decimal string: nanoseconds since the epoch exceed 2^53. */
export type Int64 = string;
export type StringMap = Readonly<Record<string, string>>;

/** A message to be sent: every field may be left out, integers may be numbers. */
export type Input<T> = T extends string
  ? T | (string extends T ? number : never)
  : T extends number | boolean | null | Buffer
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Input<Item>[]
      : { readonly [Key in keyof T]?: Input<T[Key]> };

export interface Int64Value {
  readonly value: Int64;
}

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';

export interface IdMapping {
  readonly host_id: number;
  readonly container_id: number;
  readonly length: number;
}

export interface NamespaceOption {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly target_id: string;
  readonly userns_options: {
    readonly mode: NamespaceMode;
    readonly uids: readonly IdMapping[];
    readonly gids: readonly IdMapping[];
  } | null;
}

export interface SecurityProfile {
  readonly profile_type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  /** An absolute path when the type is Localhost. */
  readonly localhost_ref: string;
}

export interface SELinuxOption {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** Zero or empty: unspecified. Times in microseconds, sizes in bytes. */
export interface LinuxContainerResources {
  readonly cpu_period: Int64;
  readonly cpu_quota: Int64;
  readonly cpu_shares: Int64;
  readonly memory_limit_in_bytes: Int64;
  readonly oom_score_adj: Int64;
  readonly cpuset_cpus: string;
  readonly cpuset_mems: string;
  readonly hugepage_limits: readonly { readonly page_size: string; readonly limit: Int64 }[];
  readonly unified: StringMap;
  readonly memory_swap_limit_in_bytes: Int64;
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface LinuxSandboxSecurityContext {
  readonly namespace_options: NamespaceOption | null;
  readonly selinux_options: SELinuxOption | null;
  readonly run_as_user: Int64Value | null;
  readonly run_as_group: Int64Value | null;
  readonly readonly_rootfs: boolean;
  readonly supplemental_groups: readonly Int64[];
  readonly supplemental_groups_policy: 'Merge' | 'Strict';
  readonly privileged: boolean;
  readonly seccomp: SecurityProfile | null;
  readonly apparmor: SecurityProfile | null;
  readonly seccomp_profile_path: string;
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly container_port: number;
  readonly host_port: number;
  readonly host_ip: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata | null;
  readonly hostname: string;
  readonly log_directory: string;
  readonly dns_config: DnsConfig | null;
  readonly port_mappings: readonly PortMapping[];
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly linux: {
    readonly cgroup_parent: string;
    readonly security_context: LinuxSandboxSecurityContext | null;
    readonly sysctls: StringMap;
    readonly overhead: LinuxContainerResources | null;
    readonly resources: LinuxContainerResources | null;
  } | null;
}

export type PodSandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY';

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata | null;
  readonly state: PodSandboxState;
  /** Nanoseconds since the epoch. */
  readonly created_at: Int64;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly runtime_handler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  readonly network: {
    /** Empty on the host's network. */
    readonly ip: string;
    readonly additional_ips: readonly { readonly ip: string }[];
  } | null;
  readonly linux: {
    readonly namespaces: { readonly options: NamespaceOption | null } | null;
  } | null;
}

export interface PodSandboxFilter {
  readonly id: string;
  readonly state: { readonly state: PodSandboxState } | null;
  readonly label_selector: StringMap;
}

export interface ImageSpec {
  readonly image: string;
  readonly annotations: StringMap;
  readonly user_specified_image: string;
  readonly runtime_handler: string;
  readonly image_ref: string;
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly readonly: boolean;
  readonly selinux_relabel: boolean;
  readonly propagation:
    | 'PROPAGATION_PRIVATE'
    | 'PROPAGATION_HOST_TO_CONTAINER'
    | 'PROPAGATION_BIDIRECTIONAL';
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly recursive_read_only: boolean;
  readonly image: ImageSpec | null;
  readonly image_sub_path: string;
  readonly mount_options: readonly string[];
}

export interface LinuxContainerSecurityContext {
  readonly capabilities: {
    readonly add_capabilities: readonly string[];
    readonly drop_capabilities: readonly string[];
    readonly add_ambient_capabilities: readonly string[];
  } | null;
  readonly privileged: boolean;
  readonly namespace_options: NamespaceOption | null;
  readonly selinux_options: SELinuxOption | null;
  readonly run_as_user: Int64Value | null;
  readonly run_as_group: Int64Value | null;
  readonly run_as_username: string;
  readonly readonly_rootfs: boolean;
  readonly supplemental_groups: readonly Int64[];
  readonly supplemental_groups_policy: 'Merge' | 'Strict';
  readonly no_new_privs: boolean;
  readonly masked_paths: readonly string[];
  readonly readonly_paths: readonly string[];
  readonly seccomp: SecurityProfile | null;
  readonly apparmor: SecurityProfile | null;
  readonly apparmor_profile: string;
  readonly seccomp_profile_path: string;
}

export interface Device {
  readonly container_path: string;
  readonly host_path: string;
  readonly permissions: string;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata | null;
  readonly image: ImageSpec | null;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly working_dir: string;
  readonly envs: readonly { readonly key: string; readonly value: Buffer }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly labels: StringMap;
  readonly annotations: StringMap;
  /** Below the sandbox's log_directory. */
  readonly log_path: string;
  readonly stdin: boolean;
  readonly stdin_once: boolean;
  readonly tty: boolean;
  readonly linux: {
    readonly resources: LinuxContainerResources | null;
    readonly security_context: LinuxContainerSecurityContext | null;
  } | null;
  readonly CDI_devices: readonly { readonly name: string }[];
  /** `SIGNAL_SIGTERM` and so on; `SIGNAL_RUNTIME_DEFAULT` when none is asked for. */
  readonly stop_signal: string;
}

export type ContainerState =
  | 'CONTAINER_CREATED'
  | 'CONTAINER_RUNNING'
  | 'CONTAINER_EXITED'
  | 'CONTAINER_UNKNOWN';

export interface Container {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly metadata: ContainerMetadata | null;
  readonly image: ImageSpec | null;
  readonly image_ref: string;
  readonly state: ContainerState;
  readonly created_at: Int64;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly image_id: string;
}

export interface ContainerFilter {
  readonly id: string;
  readonly state: { readonly state: ContainerState } | null;
  readonly pod_sandbox_id: string;
  readonly label_selector: StringMap;
}

/** Times in nanoseconds since the epoch, `0` when it has not happened. */
export interface ContainerStatus {
  readonly id: string;
  readonly metadata: ContainerMetadata | null;
  readonly state: ContainerState;
  readonly created_at: Int64;
  readonly started_at: Int64;
  readonly finished_at: Int64;
  readonly exit_code: number;
  readonly image: ImageSpec | null;
  readonly image_ref: string;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `Unknown`; empty while it runs. */
  readonly reason: string;
  readonly message: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly mounts: readonly Mount[];
  /** Absolute; empty when the container has no log. */
  readonly log_path: string;
  readonly resources: { readonly linux: LinuxContainerResources | null } | null;
  readonly image_id: string;
  readonly user: {
    readonly linux: {
      readonly uid: Int64;
      readonly gid: Int64;
      readonly supplemental_groups: readonly Int64[];
    } | null;
  } | null;
  readonly stop_signal: string;
}

export interface Image {
  /** `sha256:…`, the digest of the image's configuration. */
  readonly id: string;
  readonly repo_tags: readonly string[];
  readonly repo_digests: readonly string[];
  readonly size: Int64;
  readonly uid: Int64Value | null;
  readonly username: string;
  readonly spec: ImageSpec | null;
  readonly pinned: boolean;
}

export interface AuthConfig {
  readonly username: string;
  readonly password: string;
  readonly auth: string;
  readonly server_address: string;
  readonly identity_token: string;
  readonly registry_token: string;
}

export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export type ContainerEventType =
  | 'CONTAINER_CREATED_EVENT'
  | 'CONTAINER_STARTED_EVENT'
  | 'CONTAINER_STOPPED_EVENT'
  | 'CONTAINER_DELETED_EVENT';

export interface ContainerEvent {
  /** The sandbox's id when it is the sandbox to which this happened. */
  readonly container_id: string;
  readonly container_event_type: ContainerEventType;
  readonly created_at: Int64;
  /** Null once the sandbox is removed. */
  readonly pod_sandbox_status: PodSandboxStatus | null;
  /** All containers of the pod. */
  readonly containers_statuses: readonly ContainerStatus[];
}
