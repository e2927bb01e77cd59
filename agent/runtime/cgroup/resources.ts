/** What a cgroup limits, in the units of the CRI; the same for v1 and v2. */

/** Absent: not limited here. Source: LinuxContainerResources of the CRI, whose zero means absent. */
export interface CgroupResources {
  /** 2 to 262144; a share of 1024 is one part among siblings. */
  readonly cpuShares?: number;
  /** Microseconds in each period; -1: without limit. */
  readonly cpuQuotaUs?: number;
  /** Microseconds, 1000 to 1000000; 100000 when only the quota is given. */
  readonly cpuPeriodUs?: number;
  readonly memoryLimitBytes?: number;
  /** Memory and swap together; absent: equal to the memory limit, so that nothing is swapped. */
  readonly memorySwapLimitBytes?: number;
  readonly pidsLimit?: number;
  /** As `0-3,7`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limitBytes: number }[];
  /** Raw cgroup v2 files; refused where the hierarchy is not v2. */
  readonly unified?: Readonly<Record<string, string>>;
}
