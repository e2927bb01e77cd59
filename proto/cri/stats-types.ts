/** The CRI's messages about usage: see types.ts for how messages become TypeScript. */

import type { ContainerMetadata, Int64, PodSandboxMetadata, StringMap } from './types.ts';

export interface UInt64Value {
  readonly value: Int64;
}

export interface CpuUsage {
  readonly timestamp: Int64;
  /** Cumulative. */
  readonly usage_core_nano_seconds: UInt64Value | null;
  /** Of the time between two requests; null at the first. */
  readonly usage_nano_cores: UInt64Value | null;
  readonly psi: PsiStats | null;
}

/** Null where the kernel does not count it. */
export interface PsiStats {
  readonly Full: PsiData | null;
  readonly Some: PsiData | null;
}

export interface PsiData {
  /** Nanoseconds. */
  readonly Total: Int64;
  /** Percent. */
  readonly Avg10: number;
  readonly Avg60: number;
  readonly Avg300: number;
}

export interface SwapUsage {
  readonly timestamp: Int64;
  readonly swap_available_bytes: UInt64Value | null;
  readonly swap_usage_bytes: UInt64Value | null;
}

export interface IoUsage {
  readonly timestamp: Int64;
  readonly psi: PsiStats | null;
}

export interface MemoryUsage {
  readonly timestamp: Int64;
  readonly working_set_bytes: UInt64Value | null;
  /** Absent when there is no limit. */
  readonly available_bytes: UInt64Value | null;
  readonly usage_bytes: UInt64Value | null;
  readonly rss_bytes: UInt64Value | null;
  readonly page_faults: UInt64Value | null;
  readonly major_page_faults: UInt64Value | null;
  readonly psi: PsiStats | null;
}

export interface FilesystemUsage {
  readonly timestamp: Int64;
  readonly fs_id: { readonly mountpoint: string } | null;
  readonly used_bytes: UInt64Value | null;
  readonly inodes_used: UInt64Value | null;
}

export interface ContainerStats {
  readonly attributes: {
    readonly id: string;
    readonly metadata: ContainerMetadata | null;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  } | null;
  readonly cpu: CpuUsage | null;
  readonly memory: MemoryUsage | null;
  readonly writable_layer: FilesystemUsage | null;
  readonly swap: SwapUsage | null;
  readonly io: IoUsage | null;
}

export interface ContainerStatsFilter {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly label_selector: StringMap;
}

export interface NetworkInterfaceUsage {
  readonly name: string;
  readonly rx_bytes: UInt64Value | null;
  readonly rx_errors: UInt64Value | null;
  readonly tx_bytes: UInt64Value | null;
  readonly tx_errors: UInt64Value | null;
}

export interface PodSandboxStats {
  readonly attributes: {
    readonly id: string;
    readonly metadata: PodSandboxMetadata | null;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  } | null;
  readonly linux: {
    readonly cpu: CpuUsage | null;
    readonly memory: MemoryUsage | null;
    readonly network: {
      readonly timestamp: Int64;
      readonly default_interface: NetworkInterfaceUsage | null;
      /** The others. */
      readonly interfaces: readonly NetworkInterfaceUsage[];
    } | null;
    readonly process: {
      readonly timestamp: Int64;
      readonly process_count: UInt64Value | null;
    } | null;
    readonly containers: readonly ContainerStats[];
    readonly io: IoUsage | null;
  } | null;
}

export interface PodSandboxStatsFilter {
  readonly id: string;
  readonly label_selector: StringMap;
}
