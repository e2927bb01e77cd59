import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerFacts, Sharing } from '../../../lab/inspect/inspect-pod.ts';
import { formatPod } from '../../../lab/inspect/print.ts';
import type { ProcessFacts } from '../../../lab/inspect/process-facts.ts';

const OWN: Sharing = { kind: 'own' };
const NODE: Sharing = { kind: 'node' };

const process: ProcessFacts = {
  pid: 4711,
  command: 'perl -e use\n x',
  status: {
    pids: [4711, 1],
    uid: 131_072,
    gid: 131_072,
    groups: [],
    capabilities: {
      effective: ['CHOWN'],
      permitted: ['CHOWN'],
      bounding: ['CHOWN'],
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: true,
    seccomp: 'filter',
    seccompFilters: 1,
  },
  namespaces: { mnt: 1, pid: 2, net: 3, ipc: 4, uts: 5, cgroup: 6, user: 7, time: 8 },
  uidMap: [[0, 131_072, 65_536]],
  cgroups: [{ controllers: 'cpu', path: '/skiff/pod/c' }],
  mounts: [
    {
      target: '/',
      type: 'overlay',
      root: '/',
      source: 'overlay',
      isReadonly: false,
      options: ['rw', 'lowerdir=/top:/base', 'upperdir=/upper'],
    },
    mount('/sys/fs/cgroup/cpu', 'cgroup', '/skiff/pod/c'),
    mount('/proc/keys', 'tmpfs', '/null'),
    mount('/data', 'ext4', '/srv/data'),
  ],
};

function mount(target: string, type: string, root: string): ProcessFacts['mounts'][number] {
  return { target, type, root, source: type, isReadonly: true, options: [] };
}

const container: ContainerFacts = {
  name: 'web',
  id: 'abc',
  image: 'docker.io/skiff/host:latest',
  state: 'CONTAINER_RUNNING',
  process,
  sharing: {
    mnt: OWN,
    pid: OWN,
    net: { kind: 'pod', others: ['sidecar'] },
    ipc: { kind: 'pod', others: [] },
    uts: { kind: 'pod', others: [] },
    cgroup: OWN,
    user: OWN,
    time: NODE,
  },
  cgroup: {
    cpu: { limitMilli: 500, weight: { kind: 'shares', value: 512 }, usedMs: 12 },
    memory: { limitBytes: 64 * 2 ** 20, usedBytes: 3 * 2 ** 20 },
    pids: { used: 1 },
  },
};

function print(...containers: readonly ContainerFacts[]): string {
  const pod = { namespace: 'default', name: 'p', node: 'node-1', ip: '10.1.1.2', sandboxId: 's' };
  return formatPod({ ...pod, containers }).join('\n');
}

describe('skiff inspect', () => {
  it('says which process a container is, and as whom it runs', () => {
    const text = print(container);
    assert.match(text, /^Pod default\/p on node-1, 10\.1\.1\.2$/m);
    assert.match(text, /PID 4711 on the node, 1 inside: perl -e use x$/m);
    assert.match(text, /inside 0-65535 are 131072-196607 on the node/);
    assert.match(text, /seccomp {7}a filter of system calls/);
  });

  it('says with whom it shares each namespace', () => {
    const text = print(container);
    assert.match(text, /mnt +1 +its own +\(files\)/);
    assert.match(text, /net +3 +the pod's, with sidecar +\(network\)/);
    assert.match(text, /ipc +4 +the pod's +\(/);
    assert.match(text, /time +8 +the node's/);
  });

  it('says what limits it, and what it is made of', () => {
    const text = print(container);
    assert.match(text, /cpu +at most 500m, shares 512 +used 12\.0 ms/);
    assert.match(text, /memory +at most 64\.0 MiB +uses 3\.0 MiB/);
    assert.match(text, /pids +no limit +uses 1/);
    assert.match(text, /upper {2}\/upper\n +lower {2}\/top\n +lower {2}\/base/);
    assert.match(text, /\/proc\/keys +tmpfs +ro +\(hidden behind \/dev\/null\)/);
    assert.match(text, /\/sys\/fs\/cgroup\/cpu +cgroup +ro +\(its own cgroup\)/);
    assert.match(text, /\/data +ext4 +ro +\/srv\/data/);
  });

  it('has little to say of a container that does not run', () => {
    const { process: _, sharing: __, cgroup: ___, ...rest } = container;
    const text = print({ ...rest, state: 'CONTAINER_EXITED' });
    assert.match(text, /process {7}none: it is exited/);
    assert.doesNotMatch(text, /namespaces/);
  });
});
