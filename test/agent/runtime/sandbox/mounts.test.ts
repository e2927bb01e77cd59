/** Mounts, log paths, resolv.conf and resources of a container. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logPath } from '../../../../agent/runtime/sandbox/container-spec.ts';
import { containerMounts } from '../../../../agent/runtime/sandbox/mounts.ts';
import { resolvConf } from '../../../../agent/runtime/sandbox/pod-files.ts';
import { cgroupResources, mergedResources } from '../../../../agent/runtime/sandbox/resources.ts';
import type { LinuxContainerResources, Mount } from '../../../../proto/cri/types.ts';

const mount: Mount = {
  container_path: '/a',
  host_path: '/host',
  readonly: false,
  selinux_relabel: false,
  propagation: 'PROPAGATION_PRIVATE',
  uidMappings: [],
  gidMappings: [],
  recursive_read_only: false,
  image: null,
  image_sub_path: '',
  mount_options: [],
};

const resources: LinuxContainerResources = {
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

describe('mounts', () => {
  const podFiles = new Map([['/etc/hosts', '/pod/hosts']]);

  it('are ordered by depth, so that none hides another', () => {
    const given = ['/a/b/c', '/a', '/a/b'].map((container_path) => ({ ...mount, container_path }));
    const targets = containerMounts(given, new Map(), false).map(({ target }) => target);
    assert.deepEqual(targets, ['/a', '/a/b', '/a/b/c']);
  });

  it('of the request win over the pod’s files', () => {
    const given = [{ ...mount, container_path: '/etc/hosts' }];
    assert.deepEqual(
      containerMounts(given, podFiles, false).map((mount) => mount.kind === 'bind' && mount.source),
      ['/host'],
    );
    assert.deepEqual(
      containerMounts([], podFiles, false).map((mount) => mount.kind === 'bind' && mount.source),
      ['/pod/hosts'],
    );
  });

  it('are refused when they cannot be done as asked', () => {
    const bad: readonly Partial<Mount>[] = [
      { container_path: 'a' },
      { host_path: 'a' },
      { recursive_read_only: true },
      { recursive_read_only: true, readonly: true, propagation: 'PROPAGATION_BIDIRECTIONAL' },
      { uidMappings: [{ host_id: 0, container_id: 0, length: 1 }] },
      { mount_options: ['noexec'] },
    ];
    for (const change of bad) {
      assert.throws(
        () => containerMounts([{ ...mount, ...change }], podFiles, false),
        JSON.stringify(change),
      );
    }
  });
});

describe('the log path', () => {
  it('is below the log directory', () => {
    assert.equal(logPath('/var/log/pods/x', 'c/0.log'), '/var/log/pods/x/c/0.log');
    assert.equal(logPath('', 'c/0.log'), '');
    assert.throws(() => logPath('/var/log/pods/x', '../y/0.log'));
    assert.throws(() => logPath('/var/log/pods/x', '../xy'));
    assert.throws(() => logPath('relative', 'c'));
  });
});

describe('resolv.conf', () => {
  it('has one line for each server, and cannot be broken out of', () => {
    const dns = {
      servers: ['10.0.0.2', '1.1.1.1\noptions x'],
      searches: ['a', 'b'],
      options: ['ndots:5'],
    };
    assert.equal(
      resolvConf(dns),
      'nameserver 10.0.0.2\nnameserver 1.1.1.1 options x\nsearch a b\noptions ndots:5\n',
    );
  });
});

describe('resources', () => {
  it('that are zero are left as they are', () => assert.deepEqual(cgroupResources(resources), {}));

  it('keep a quota of -1, which lifts the limit', () => {
    const changed = { ...resources, cpu_quota: '-1', memory_limit_in_bytes: '1048576' };
    assert.deepEqual(cgroupResources(changed), { cpuQuotaUs: -1, memoryLimitBytes: 1048576 });
  });

  it('of an update change what they name', () => {
    const old = { ...resources, cpu_shares: '512', memory_limit_in_bytes: '100' };
    const merged = mergedResources(old, { ...resources, memory_limit_in_bytes: '200' });
    assert.deepEqual([merged.cpu_shares, merged.memory_limit_in_bytes], ['512', '200']);
  });
});
