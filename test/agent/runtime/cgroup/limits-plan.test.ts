/** Limits as files, on each kind of hierarchy; the trees are those of real machines. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { weightOfShares } from '../../../../agent/runtime/cgroup/cpu-weight.ts';
import {
  type CgroupLayout,
  cgroupFolders,
  controllerFolder,
  parseCgroupLayout,
} from '../../../../agent/runtime/cgroup/layout.ts';
import { limitWrites } from '../../../../agent/runtime/cgroup/limits-plan.ts';
import { resourceProblems } from '../../../../agent/runtime/cgroup/resource-problems.ts';
import type { CgroupResources } from '../../../../agent/runtime/cgroup/resources.ts';

const V2_MOUNTS = `22 28 0:21 / /proc rw,relatime shared:12 - proc proc rw
30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot`;

const HYBRID_MOUNTS = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;

const V1_MOUNTS = HYBRID_MOUNTS.split('\n').slice(0, -1).join('\n');

function layoutOf(mountinfo: string): CgroupLayout {
  const layout = parseCgroupLayout(mountinfo);
  assert.ok(layout);
  return layout;
}

/** `file value`, without the mount's path where all are below it. */
function writes(mountinfo: string, resources: CgroupResources): readonly string[] {
  return limitWrites(layoutOf(mountinfo), '/pod/c', resources).map(
    ({ file, value }) => `${file.replace('/sys/fs/cgroup', '')} ${value}`,
  );
}

const ALL: CgroupResources = {
  cpuShares: 512,
  cpuQuotaUs: 50_000,
  cpuPeriodUs: 100_000,
  memoryLimitBytes: 64 * 1024 ** 2,
  pidsLimit: 100,
  cpusetCpus: '0-1',
};

describe('the layout of cgroups', () => {
  it('is v2 when there is only a cgroup2 mount', () => {
    assert.deepEqual(layoutOf(V2_MOUNTS), { kind: 'v2', mount: '/sys/fs/cgroup' });
  });

  it('is v1 with a unified mount beside it on a hybrid machine', () => {
    const layout = layoutOf(HYBRID_MOUNTS);
    assert.equal(layout.kind === 'v1' && layout.unified, '/sys/fs/cgroup/unified');
    assert.deepEqual(cgroupFolders(layout, '/p'), [
      '/sys/fs/cgroup/cpu,cpuacct/p',
      '/sys/fs/cgroup/cpuset/p',
      '/sys/fs/cgroup/memory/p',
      '/sys/fs/cgroup/pids/p',
      '/sys/fs/cgroup/systemd/p',
      '/sys/fs/cgroup/unified/p',
    ]);
  });

  it('finds the folder of a controller that shares its mount', () => {
    const layout = layoutOf(V1_MOUNTS);
    assert.equal(controllerFolder(layout, '/p', 'cpuacct'), '/sys/fs/cgroup/cpu,cpuacct/p');
    assert.equal(controllerFolder(layout, '/p', 'devices'), undefined);
  });

  it('takes a hierarchy that is mounted twice once', () => {
    const twice = `${V1_MOUNTS}\n50 1 0:32 / /mnt/memory rw - cgroup cgroup rw,memory`;
    assert.deepEqual(layoutOf(twice), layoutOf(V1_MOUNTS));
  });

  it('is none where nothing is mounted', () => {
    assert.equal(parseCgroupLayout('22 28 0:21 / /proc rw - proc proc rw'), undefined);
  });
});

describe('limits', () => {
  it('are these files on v2', () => {
    assert.deepEqual(writes(V2_MOUNTS, ALL), [
      '/pod/c/cpu.weight 59',
      '/pod/c/cpu.max 50000 100000',
      '/pod/c/memory.swap.max 0',
      '/pod/c/memory.max 67108864',
      '/pod/c/pids.max 100',
      '/pod/c/cpuset.cpus 0-1',
    ]);
  });

  it('are these files on v1 and hybrid', () => {
    const expected = [
      '/cpu,cpuacct/pod/c/cpu.shares 512',
      '/cpu,cpuacct/pod/c/cpu.cfs_period_us 100000',
      '/cpu,cpuacct/pod/c/cpu.cfs_quota_us 50000',
      '/memory/pod/c/memory.limit_in_bytes 67108864',
      '/memory/pod/c/memory.memsw.limit_in_bytes 67108864',
      '/pids/pod/c/pids.max 100',
      '/cpuset/pod/c/cpuset.cpus 0-1',
    ];
    assert.deepEqual(writes(V1_MOUNTS, ALL), expected);
    assert.deepEqual(writes(HYBRID_MOUNTS, ALL), expected);
  });

  it('that are absent are not written', () => {
    assert.deepEqual(writes(V2_MOUNTS, {}), []);
    assert.deepEqual(writes(V1_MOUNTS, {}), []);
  });

  it('of -1 mean none', () => {
    assert.deepEqual(writes(V2_MOUNTS, { cpuQuotaUs: -1 }), ['/pod/c/cpu.max max 100000']);
    assert.deepEqual(writes(V2_MOUNTS, { pidsLimit: 0 }), ['/pod/c/pids.max max']);
  });

  it('of swap are counted with memory on v1 and alone on v2', () => {
    const resources = { memoryLimitBytes: 100, memorySwapLimitBytes: 150 };
    assert.ok(writes(V2_MOUNTS, resources).includes('/pod/c/memory.swap.max 50'));
    assert.ok(
      writes(V1_MOUNTS, resources).includes('/memory/pod/c/memory.memsw.limit_in_bytes 150'),
    );
  });

  it('of -1 on memory are none, for swap too', () => {
    assert.deepEqual(writes(V2_MOUNTS, { memoryLimitBytes: -1 }), [
      '/pod/c/memory.swap.max max',
      '/pod/c/memory.max max',
    ]);
    assert.deepEqual(writes(V2_MOUNTS, { memoryLimitBytes: 100, memorySwapLimitBytes: -1 }), [
      '/pod/c/memory.swap.max max',
      '/pod/c/memory.max 100',
    ]);
    assert.deepEqual(writes(V1_MOUNTS, { memoryLimitBytes: -1 }), [
      '/memory/pod/c/memory.limit_in_bytes -1',
      '/memory/pod/c/memory.memsw.limit_in_bytes -1',
    ]);
  });

  it('of swap beyond memory are not done without, where swap is not counted', () => {
    const isOptional = (mounts: string, resources: CgroupResources) =>
      limitWrites(layoutOf(mounts), '/c', resources)
        .filter(({ file }) => /swap.max|memsw/.test(file))
        .map((write) => write.isOptional === true);
    for (const mounts of [V1_MOUNTS, V2_MOUNTS]) {
      assert.deepEqual(isOptional(mounts, { memoryLimitBytes: 100 }), [true]);
      const more = { memoryLimitBytes: 100, memorySwapLimitBytes: 150 };
      assert.deepEqual(isOptional(mounts, more), [false]);
    }
  });

  it('of huge pages are where the controller is: on v1, v2, or the v2 side of a hybrid machine', () => {
    const resources = { hugepageLimits: [{ pageSize: '2MB', limitBytes: 4_194_304 }] };
    const own = `${V1_MOUNTS}\n42 31 0:39 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb`;
    assert.deepEqual(writes(own, resources), [
      '/hugetlb/pod/c/hugetlb.2MB.limit_in_bytes 4194304',
      '/hugetlb/pod/c/hugetlb.2MB.rsvd.limit_in_bytes 4194304',
    ]);
    assert.deepEqual(writes(V2_MOUNTS, resources), [
      '/pod/c/hugetlb.2MB.max 4194304',
      '/pod/c/hugetlb.2MB.rsvd.max 4194304',
    ]);
    assert.deepEqual(writes(HYBRID_MOUNTS, resources), []);
    const hybrid = layoutOf(HYBRID_MOUNTS);
    assert.ok(hybrid.kind === 'v1');
    const layout = { ...hybrid, unifiedControllers: ['hugetlb'] };
    assert.deepEqual(
      limitWrites(layout, '/pod/c', resources).map(({ file }) => file),
      ['max', 'rsvd.max'].map((name) => `/sys/fs/cgroup/unified/pod/c/hugetlb.2MB.${name}`),
    );
  });

  it('of v2 by name come last, as they are given', () => {
    const unified = { 'memory.high': '5', 'memory.oom.group': '1' };
    assert.deepEqual(writes(V2_MOUNTS, { pidsLimit: 7, unified }), [
      '/pod/c/pids.max 7',
      '/pod/c/memory.high 5',
      '/pod/c/memory.oom.group 1',
    ]);
  });

  it('of cpu grow with the shares, from 1 to 10000', () => {
    assert.deepEqual([2, 1024, 262_144].map(weightOfShares), [1, 100, 10_000]);
    const shares = fc.integer({ min: 2, max: 262_143 });
    fc.assert(
      fc.property(shares, (value) => {
        const weight = weightOfShares(value);
        assert.ok(weight >= 1 && weight <= weightOfShares(value + 1));
      }),
    );
  });
});

describe('limits that are refused before anything is written', () => {
  const problem = (resources: CgroupResources, mounts = V2_MOUNTS): string =>
    resourceProblems(layoutOf(mounts), resources)[0] ?? '';

  it('are those of v2 by name on v1 and hybrid', () => {
    const resources = { unified: { 'memory.high': '5' } };
    assert.equal(problem(resources), '');
    assert.match(problem(resources, HYBRID_MOUNTS), /cgroup v2/);
    assert.match(problem(resources, V1_MOUNTS), /cgroup v2/);
  });

  it('are names that lead elsewhere or move processes, and values of more than a line', () => {
    const names = ['../cgroup.procs', 'cgroup.procs', 'cgroup.kill', 'memory/max', 'memory', ''];
    for (const name of names) assert.match(problem({ unified: { [name]: '1' } }), /not the name/);
    for (const value of ['', '1\n2', '\0', 'x'.repeat(5_000)]) {
      assert.match(problem({ unified: { 'io.max': value } }), /one line/);
    }
  });

  it('are amounts that mean nothing', () => {
    const wrong: readonly CgroupResources[] = [
      { cpuShares: -1 },
      { cpuPeriodUs: 999 },
      { cpuPeriodUs: 1_000_001 },
      { cpuQuotaUs: 10 },
      { cpuQuotaUs: -2 },
      { cpusetCpus: '0-' },
      { cpusetMems: '0\n1' },
      { memoryLimitBytes: -2 },
      { memorySwapLimitBytes: 5 },
      { memoryLimitBytes: 10, memorySwapLimitBytes: 5 },
      { memoryLimitBytes: -1, memorySwapLimitBytes: 5 },
      { hugepageLimits: [{ pageSize: '2mb/../x', limitBytes: 1 }] },
      { hugepageLimits: [{ pageSize: '2MB', limitBytes: -1 }] },
    ];
    for (const resources of wrong)
      assert.notEqual(problem(resources), '', JSON.stringify(resources));
    assert.equal(problem({ ...ALL, memorySwapLimitBytes: -1 }), '');
  });
});
