/** A container spec that is fine, for tests that change one thing of it. */

import type { ContainerSpec } from '../../agent/runtime/container/spec.ts';

export function containerSpec(changes: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    id: 'c1',
    namespaces: {
      sandboxId: 'pod',
      network: 'pod',
      ipc: 'pod',
      uts: 'pod',
      pid: { kind: 'container' },
    },
    rootfs: { lower: ['/'], upper: '/layers/upper', work: '/layers/work' },
    isRootfsReadonly: false,
    mounts: [],
    devices: [],
    maskedPaths: [],
    readonlyPaths: [],
    isPrivileged: false,
    cgroupPath: '/skiff/pod/c1',
    resources: {},
    process: {
      args: ['/bin/true'],
      env: ['PATH=/bin'],
      cwd: '/',
      user: { uid: 0, gid: 0, supplementalGroups: [] },
      capabilities: ['CAP_CHOWN'],
      ambientCapabilities: [],
      noNewPrivileges: true,
      rlimits: [],
    },
    stdio: { isTty: false, isStdinOpen: false, isStdinOnce: false },
    ...changes,
  };
}
