/**
 * cgroup v2 on a machine that has none to limit with: the same code and the same system calls, on a
 * recorded tree of files. What the kernel does with the values is NOT tried here.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { Cgroups } from '../../../../agent/runtime/cgroup/cgroups.ts';
import { LimitError } from '../../../../agent/runtime/cgroup/limit-error.ts';
import { machineLayout } from '../../../../agent/runtime/cgroup/machine-layout.ts';
import { readCgroupStats, readOomKills } from '../../../../agent/runtime/cgroup/stats.ts';
import { systemClock } from '../../../../base/clock.ts';
import { RecordedCgroup2 } from '../../../support/recorded-cgroup2.ts';

const POD = '/kubepods/pod1';
const CONTAINER = `${POD}/c`;
const MIB = 2 ** 20;

describe('cgroup v2, on a recorded tree of files', () => {
  let folder: string;
  let tree: RecordedCgroup2;
  let cgroups: Cgroups;

  before((context) => {
    const here = machineLayout()?.kind === 'v2' ? 'v2 itself' : 'v1 or hybrid';
    if ('diagnostic' in context) context.diagnostic(`recorded files; this machine is ${here}`);
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'skt-cgroup2-'));
    tree = new RecordedCgroup2(folder);
    for (const cgroup of ['/kubepods', POD, CONTAINER]) tree.make(cgroup);
    cgroups = new Cgroups(systemClock, tree.layout);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('every limit of the CRI is one file, and what is not asked for stays', () => {
    cgroups.create(CONTAINER, {
      cpuShares: 2_048,
      cpuQuotaUs: 50_000,
      memoryLimitBytes: 64 * MIB,
      memorySwapLimitBytes: 80 * MIB,
      pidsLimit: 100,
      cpusetCpus: '0-1',
      hugepageLimits: [{ pageSize: '2MB', limitBytes: 0 }],
      unified: { 'memory.high': String(48 * MIB), 'memory.oom.group': '1' },
    });
    const files = {
      'cpu.weight': '174',
      'cpu.max': '50000 100000',
      'memory.max': String(64 * MIB),
      'memory.swap.max': String(16 * MIB),
      'memory.high': String(48 * MIB),
      'memory.oom.group': '1',
      'memory.min': '0',
      'pids.max': '100',
      'cpuset.cpus': '0-1',
      'cpuset.mems': '',
      'hugetlb.2MB.max': '0',
      'hugetlb.2MB.rsvd.max': '0',
    };
    const read = Object.keys(files).map((name) => [name, tree.read(`${CONTAINER}/${name}`)]);
    assert.deepEqual(Object.fromEntries(read), files);
    assert.equal(tree.read(`${POD}/memory.max`), 'max');
  });

  it('the controllers are switched on in those above it, not in itself', () => {
    cgroups.create(CONTAINER, {});
    assert.equal(tree.read('cgroup.subtree_control'), '+cpuset +io +hugetlb +rdma +misc');
    assert.match(tree.read(`${POD}/cgroup.subtree_control`), /^\+cpuset \+cpu .*\+memory.*\+pids/);
    assert.equal(tree.read(`${CONTAINER}/cgroup.subtree_control`), '');
  });

  it('a limit whose file is not there is refused by its name, and none of the others is set', () => {
    tree.make(`${POD}/poor`);
    rmSync(path.join(folder, POD, 'poor', 'hugetlb.2MB.max'));
    const limits = { cpuShares: 2, memoryLimitBytes: MIB };
    const hugepageLimits = [{ pageSize: '2MB', limitBytes: 0 }];
    assert.throws(
      () => cgroups.limit(`${POD}/poor`, { ...limits, hugepageLimits }),
      (error) => {
        assert.ok(error instanceof LimitError && !error.isBusy);
        assert.match(error.message, /hugetlb\.2MB\.max.*does not have it/);
        return true;
      },
    );
    assert.equal(tree.read(`${POD}/poor/cpu.weight`), '100');
    assert.equal(tree.read(`${POD}/poor/memory.max`), 'max');
    assert.equal(tree.read(`${POD}/poor/cpu.max`), 'max 100000');
    assert.ok(!existsSync(path.join(folder, POD, 'poor', 'hugetlb.2MB.max')), 'no file is made');
  });

  it('a machine without swap can promise none, and not more than none', () => {
    rmSync(path.join(folder, CONTAINER, 'memory.swap.max'));
    cgroups.limit(CONTAINER, { memoryLimitBytes: MIB });
    assert.equal(tree.read(`${CONTAINER}/memory.max`), String(MIB));
    const more = { memoryLimitBytes: 2 * MIB, memorySwapLimitBytes: 3 * MIB };
    assert.throws(() => cgroups.limit(CONTAINER, more), /memory\.swap\.max/);
    assert.equal(tree.read(`${CONTAINER}/memory.max`), String(MIB));
  });

  it('processes of it and of those below killed for want of memory are counted', () => {
    assert.equal(readOomKills(tree.layout, CONTAINER), 0);
    // The kernel adds those below to it.
    tree.write(`${CONTAINER}/memory.events`, 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n');
    assert.equal(readOomKills(tree.layout, CONTAINER), 2);
    assert.equal(readOomKills(tree.layout, '/gone'), 0);
  });

  it('what it uses is read', () => {
    tree.write(`${CONTAINER}/cpu.stat`, 'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n');
    tree.write(`${CONTAINER}/memory.current`, '5000\n');
    const stat = 'anon 2000\nfile 2500\ninactive_file 1000\npgfault 7\npgmajfault 1\n';
    tree.write(`${CONTAINER}/memory.stat`, stat);
    tree.write(`${CONTAINER}/memory.max`, '8000\n');
    tree.write(`${CONTAINER}/pids.current`, '3\n');
    tree.write(`${CONTAINER}/memory.swap.current`, '10\n');
    tree.write(`${CONTAINER}/memory.swap.max`, '60\n');
    const stats = readCgroupStats(tree.layout, CONTAINER);
    assert.ok(stats);
    assert.equal(stats.cpuUsageNs, 1_500_000);
    assert.deepEqual([stats.memoryUsageBytes, stats.memoryWorkingSetBytes], [5_000, 4_000]);
    assert.deepEqual([stats.memoryRssBytes, stats.memoryLimitBytes], [2_000, 8_000]);
    assert.deepEqual(stats.swap, { usageBytes: 10, limitBytes: 60 });
    assert.equal(stats.pressure?.io.some?.totalNs, 0);
    assert.deepEqual([stats.pageFaults, stats.majorPageFaults, stats.pids], [7, 1, 3]);
  });

  it('all of it is killed by one write', () => {
    cgroups.killAll(CONTAINER);
    assert.equal(tree.read(`${CONTAINER}/cgroup.kill`), '1');
  });
});
