/** CPU shares of v1 as a weight of v2. Pure. */

const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
const WEIGHT_MAX = 10_000;

/**
 * 2 is 1, 1024 is 100 (both defaults), 262144 is 10000; a curve in between.
 *
 * Source: `ConvertCPUSharesToCgroupV2Value` of opencontainers/cgroups 0.0.6 utils.go: runc from 1.3.2,
 * crun from 1.23. Before, and for the cgroups of pods in the kubelet 1.36 (pkg/kubelet/cm
 * `cpuSharesToCPUWeight`, as agent/cgroup has it), it is the line 1 + (shares - 2) * 9999 / 262142, on
 * which 1024 is 39. Shares of one level are only compared with each other, so the two don't mix.
 */
export function weightOfShares(shares: number): number {
  if (shares <= SHARES_MIN) return 1;
  if (shares >= SHARES_MAX) return WEIGHT_MAX;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log ** 2 + 125 * log) / 612 - 7 / 34));
}
