/** Limits of containers on this machine, through the CRI: set, changed, refused; and what OOM is. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { controllerFolder } from '../../../../agent/runtime/cgroup/layout.ts';
import { hybridFolder } from '../../../../agent/runtime/cgroup/limits-plan.ts';
import { machineLayout } from '../../../../agent/runtime/cgroup/machine-layout.ts';
import type { Input, LinuxContainerResources } from '../../../../proto/cri/types.ts';
import { until } from '../../../support/cri-pods.ts';
import { cgroupsOf, RuntimeNode } from '../../../support/runtime-node.ts';
import { notHere } from '../../../support/spawner-harness.ts';

const MIB = 2 ** 20;
const SLEEP = ['/bin/sleep', '1000000'];
const layout = machineLayout();
const isV1 = layout?.kind === 'v1';
const hugetlb = layout && hybridFolder(layout, '', 'hugetlb');

describe('the limits of containers', { skip: notHere }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  let made = 0;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
  });
  after(() => node.close());

  const create = (
    resources: Input<LinuxContainerResources>,
    command: readonly string[] = SLEEP,
  ): Promise<string> => {
    made += 1;
    const metadata = { name: `c${made}`, attempt: 0 };
    const security_context = { namespace_options: { pid: 'CONTAINER' as const } };
    const changes = { metadata, log_path: `c${made}.log`, linux: { resources, security_context } };
    return node.createContainer(sandbox, command, changes);
  };
  const update = (container_id: string, linux: Input<LinuxContainerResources>) =>
    node.client.updateContainerResources({ container_id, linux });
  const folderOf = (id: string, controller: 'cpu' | 'memory' | 'cpuset'): string => {
    assert.ok(layout);
    const folder = controllerFolder(layout, `${node.cgroupRoot}/pod-${sandbox}/${id}`, controller);
    assert.ok(folder !== undefined);
    return folder;
  };
  const limit = (id: string, controller: 'cpu' | 'memory' | 'cpuset', ...names: string[]): string =>
    readFileSync(path.join(folderOf(id, controller), names[isV1 ? 0 : 1] ?? ''), 'utf8').trim();
  const memory = (id: string) => limit(id, 'memory', 'memory.limit_in_bytes', 'memory.max');

  it('are changed upwards and downwards before and while it runs, and are reported', async () => {
    const id = await create({ memory_limit_in_bytes: 64 * MIB, cpu_shares: 512, cpuset_cpus: '0' });
    await update(id, { memory_limit_in_bytes: 128 * MIB });
    assert.equal(memory(id), String(128 * MIB));
    await node.client.startContainer({ container_id: id });
    await update(id, { memory_limit_in_bytes: 32 * MIB, cpu_quota: 30_000 });
    assert.equal(memory(id), String(32 * MIB));
    assert.match(limit(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^30000/);
    await update(id, { memory_swap_limit_in_bytes: 48 * MIB });
    const swap = limit(id, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max');
    assert.equal(swap, String((isV1 ? 48 : 16) * MIB));
    await update(id, { memory_limit_in_bytes: -1, cpu_quota: -1 });
    assert.ok(isV1 ? BigInt(memory(id)) > 2n ** 60n : memory(id) === 'max');
    const { resources } = await node.status(id);
    assert.equal(resources?.linux?.cpu_shares, '512');
    assert.deepEqual(
      [resources.linux.memory_limit_in_bytes, resources.linux.cpu_quota],
      ['-1', '-1'],
    );
  });

  it('that are refused change nothing, and say what is wrong', async () => {
    const id = await create({ memory_limit_in_bytes: 64 * MIB, cpu_shares: 512 });
    const before = await node.status(id);
    const wrong: readonly (readonly [Input<LinuxContainerResources>, RegExp])[] = [
      [{ cpu_shares: 100, cpuset_cpus: '4000' }, /cpuset\.cpus/],
      [{ cpu_shares: 100, cpuset_mems: 'x' }, /not a list/],
      [{ cpu_shares: 100, cpu_period: 5 }, /period/],
      [{ cpu_shares: 100, memory_limit_in_bytes: 10, memory_swap_limit_in_bytes: 5 }, /below/],
      [{ cpu_shares: 100, unified: { 'cgroup.procs': '1' } }, /not the name/],
      [{ cpu_shares: 100, unified: { 'no.such': '1' } }, isV1 ? /cgroup v2/ : /no\.such/],
    ];
    for (const [resources, message] of wrong) {
      await assert.rejects(update(id, resources), { code: 'INVALID_ARGUMENT', message });
      await assert.rejects(create(resources), { code: 'INVALID_ARGUMENT', message });
    }
    assert.match(limit(id, 'cpu', 'cpu.shares', 'cpu.weight'), isV1 ? /^512$/ : /^59$/);
    assert.deepEqual(await node.status(id), before);
    const { containers } = await node.client.listContainers({});
    assert.ok(containers.every(({ metadata }) => (metadata?.name ?? '').startsWith('c')));
  });

  it('cannot go below what is in use on v1', {
    skip: isV1 ? false : 'v2 kills instead',
  }, async () => {
    const script = 'head -c 40000000 /dev/zero | tail -c 40000000 | sleep 1000000';
    const id = await create({ memory_limit_in_bytes: 200 * MIB }, ['/bin/sh', '-c', script]);
    await node.client.startContainer({ container_id: id });
    const usage = path.join(folderOf(id, 'memory'), 'memory.usage_in_bytes');
    await until('it uses memory', async () => Number(readFileSync(usage, 'utf8')) > 35 * MIB);
    await assert.rejects(update(id, { memory_limit_in_bytes: 4 * MIB, cpu_shares: 7 }), {
      code: 'FAILED_PRECONDITION',
      message: /in use/,
    });
    assert.equal(memory(id), String(200 * MIB));
    assert.notEqual(limit(id, 'cpu', 'cpu.shares', 'cpu.weight'), '7');
    await node.client.stopContainer({ container_id: id, timeout: 0 });
  });

  it('of huge pages hold on the v2 side of a hybrid machine', {
    skip: hugetlb === undefined ? 'this machine has hugetlb elsewhere or not at all' : false,
  }, async () => {
    const id = await create({ hugepage_limits: [{ page_size: '2MB', limit: 4 * MIB }] });
    const folder = `${hugetlb}${node.cgroupRoot}/pod-${sandbox}/${id}`;
    assert.equal(readFileSync(`${folder}/hugetlb.2MB.max`, 'utf8').trim(), String(4 * MIB));
    await update(id, { hugepage_limits: [{ page_size: '2MB', limit: 0 }] });
    assert.equal(readFileSync(`${folder}/hugetlb.2MB.max`, 'utf8').trim(), '0');
    await node.client.startContainer({ container_id: id });
    const { exit_code } = await node.client.execSync({ container_id: id, cmd: ['/bin/true'] });
    assert.equal(exit_code, 0);
  });

  it('an update of one that has ended, or is not there, is refused', async () => {
    const id = await create({}, ['/bin/true']);
    await node.client.startContainer({ container_id: id });
    await node.waitForExit(id);
    await assert.rejects(update(id, { cpu_shares: 5 }), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(update('nobody', { cpu_shares: 5 }), { code: 'NOT_FOUND' });
  });

  it('a kill for want of memory is told apart from ours, also when the kernel has killed there before', async () => {
    const dd = 'dd if=/dev/zero of=/dev/null bs=60M count=1';
    const resources = { memory_limit_in_bytes: 30 * MIB };
    const oom = await create(resources, ['/bin/sh', '-c', `exec ${dd}`]);
    await node.client.startContainer({ container_id: oom });
    const first = await node.waitForExit(oom);
    assert.deepEqual([first.exit_code, first.reason], [137, 'OOMKilled']);

    const script = `${dd}; echo "ended: $?"; sleep 1000000`;
    const survivor = await create(resources, ['/bin/sh', '-c', script]);
    await node.client.startContainer({ container_id: survivor });
    const { log_path } = await node.status(survivor);
    await until('its child was killed', async () =>
      readFileSync(log_path, 'utf8').includes('ended: 137'),
    );
    await node.client.stopContainer({ container_id: survivor, timeout: 0 });
    const second = await node.status(survivor);
    assert.deepEqual([second.exit_code, second.reason], [137, 'Error']);
  });

  it('a cgroup parent is a path below the mounts; the names of systemd are refused by name', async () => {
    const parents = ['kubepods-burstable-pod1.slice', 'relative', '/a/../../b', '/'];
    for (const cgroup_parent of parents) {
      await assert.rejects(node.runSandbox({ linux: { cgroup_parent } }), {
        code: 'INVALID_ARGUMENT',
        message: /cgroupfs/,
      });
    }
  });

  it('below a parent that is given everything of a pod goes but the parent', async () => {
    const cgroup_parent = `${node.cgroupRoot}/given`;
    const other = await node.runSandbox({ linux: { cgroup_parent } });
    const id = await node.startContainer(other, SLEEP);
    const folders = cgroupsOf(node.name).filter((folder) => folder.includes('/given/'));
    assert.ok(folders.length > 0 && folders.every((folder) => folder.includes(id)));
    await node.client.removePodSandbox({ pod_sandbox_id: other });
    const left = cgroupsOf(node.name).filter((folder) => folder.includes('/given/'));
    assert.deepEqual(
      left.filter((folder) => existsSync(folder) && readdirSync(folder)),
      [],
    );
  });
});
