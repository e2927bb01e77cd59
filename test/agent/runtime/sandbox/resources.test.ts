/** Resources of the CRI as limits, and what an update does to those that are there. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cgroupResources,
  mergedResources,
  updatedResources,
} from '../../../../agent/runtime/sandbox/resources.ts';
import type { LinuxContainerResources } from '../../../../proto/cri/types.ts';

const NONE: LinuxContainerResources = {
  cpu_period: '0',
  cpu_quota: '0',
  cpu_shares: '0',
  memory_limit_in_bytes: '0',
  oom_score_adj: '0',
  cpuset_cpus: '',
  cpuset_mems: '',
  hugepage_limits: [],
  unified: {},
  memory_swap_limit_in_bytes: '0',
};

const OLD: LinuxContainerResources = {
  ...NONE,
  cpu_period: '50000',
  cpu_quota: '25000',
  memory_limit_in_bytes: '100',
  memory_swap_limit_in_bytes: '150',
  oom_score_adj: '5',
  hugepage_limits: [{ page_size: '2MB', limit: '1' }],
  unified: { 'memory.high': '90' },
};

const update = (changes: Partial<LinuxContainerResources>) => {
  const merged = mergedResources(OLD, { ...NONE, ...changes });
  return { merged, written: updatedResources({ ...NONE, ...changes }, merged) };
};

describe('resources of the CRI', () => {
  it('are absent where they are zero or empty', () => {
    assert.deepEqual(cgroupResources(NONE), {});
    assert.deepEqual(cgroupResources(null), {});
  });

  it('stay where an update does not name them', () => {
    const { merged, written } = update({ cpu_shares: '7' });
    assert.deepEqual(merged, { ...OLD, cpu_shares: '7' });
    assert.deepEqual(written, { cpuShares: 7 });
  });

  it('keep the period when the quota is updated: on v2 they are one file', () => {
    const { written } = update({ cpu_quota: '40000' });
    assert.deepEqual(written, { cpuQuotaUs: 40_000, cpuPeriodUs: 50_000 });
  });

  it('count an update of swap with the memory that is there', () => {
    const { written } = update({ memory_swap_limit_in_bytes: '300' });
    assert.deepEqual(written, { memoryLimitBytes: 100, memorySwapLimitBytes: 300 });
  });

  it('have no swap after an update of memory alone, as a new container has none', () => {
    const { merged, written } = update({ memory_limit_in_bytes: '400' });
    assert.deepEqual(written, { memoryLimitBytes: 400, memorySwapLimitBytes: 400 });
    assert.equal(merged.memory_swap_limit_in_bytes, '0');
  });

  it('are added to by page size and by name', () => {
    const { merged } = update({
      hugepage_limits: [
        { page_size: '1GB', limit: '3' },
        { page_size: '2MB', limit: '2' },
      ],
      unified: { 'memory.min': '1' },
    });
    assert.deepEqual(
      merged.hugepage_limits.map(({ page_size, limit }) => `${page_size} ${limit}`),
      ['1GB 3', '2MB 2'],
    );
    assert.deepEqual(merged.unified, { 'memory.high': '90', 'memory.min': '1' });
  });

  it('say the OOM score that the processes have', () => {
    assert.equal(update({ oom_score_adj: '900' }).merged.oom_score_adj, '5');
  });
});
