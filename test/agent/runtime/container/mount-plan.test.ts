/** What is mounted in a container, in which order. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type MountFacts,
  type MountStep,
  mountPlan,
} from '../../../../agent/runtime/container/mount-plan.ts';
import { overlayOptions } from '../../../../agent/runtime/container/overlay.ts';
import { MOUNT_ATTR_RDONLY } from '../../../../agent/runtime/syscalls/linux.ts';
import { containerSpec } from '../../../support/container-spec.ts';

const V2: MountFacts = {
  cgroup: { kind: 'v2', folder: '/sys/fs/cgroup/p/c' },
  shmFolder: '/run/shm',
  devices: [],
};
const V1: MountFacts = {
  ...V2,
  cgroup: { kind: 'v1', folders: [{ name: 'memory', folder: '/sys/fs/cgroup/memory/p/c' }] },
};

function target(step: MountStep): string {
  if (step.kind === 'console') return '/dev/console';
  return 'target' in step ? step.target : step.path;
}

function find(steps: readonly MountStep[], path: string): MountStep {
  return steps.find((step) => target(step) === path) ?? assert.fail(`Nothing is at ${path}`);
}

describe('the mounts of a container', () => {
  it('begin with those every container has, each before what is in it', () => {
    const targets = mountPlan(containerSpec(), V1).map(target);
    const order = ['/proc', '/dev', '/dev/pts', '/dev/shm', '/sys', '/sys/fs/cgroup'];
    assert.deepEqual(
      targets.filter((path) => order.includes(path)),
      [...order, '/sys/fs/cgroup'],
    );
    assert.ok(targets.indexOf('/dev') < targets.indexOf('/dev/null'));
  });

  it("take the spec's mounts over them, and hide and protect last", () => {
    const spec = containerSpec({
      mounts: [{ kind: 'tmpfs', target: '/dev/shm', mode: 0o1777, isReadonly: false }],
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      isRootfsReadonly: true,
    });
    const steps = mountPlan(spec, V2);
    const last = steps.slice(-5).map((step) => `${step.kind} ${target(step)}`);
    assert.deepEqual(last, [
      'filesystem /dev/shm',
      'folder /',
      'readonly /proc/sys',
      'mask /proc/kcore',
      'readonly-mount /',
    ]);
  });

  it('make /sys and the cgroups read-only unless it is privileged', () => {
    const isReadonly = (isPrivileged: boolean): readonly boolean[] => {
      const steps = mountPlan(containerSpec({ isPrivileged }), V2);
      const sys = find(steps, '/sys');
      const cgroup = find(steps, '/sys/fs/cgroup');
      return [
        sys.kind === 'filesystem' && (sys.attributes & MOUNT_ATTR_RDONLY) !== 0,
        cgroup.kind === 'bind' && cgroup.isReadonly,
      ];
    };
    assert.deepEqual(isReadonly(false), [true, true]);
    assert.deepEqual(isReadonly(true), [false, false]);
  });

  it('have a console only with a terminal', () => {
    const kinds = (isTty: boolean) =>
      mountPlan(
        containerSpec({ stdio: { isTty, isStdinOpen: false, isStdinOnce: false } }),
        V2,
      ).map(({ kind }) => kind);
    assert.ok(kinds(true).includes('console'));
    assert.ok(!kinds(false).includes('console'));
  });

  it('do not make the same device twice', () => {
    const node = { path: '/dev/null', hostPath: '/dev/null', mode: 0o020666, major: 1, minor: 3 };
    const other = {
      path: '/dev/fuse',
      hostPath: '/dev/fuse',
      mode: 0o020666,
      major: 10,
      minor: 229,
    };
    const steps = mountPlan(containerSpec(), { ...V2, devices: [node, other] });
    assert.equal(steps.filter((step) => target(step) === '/dev/null').length, 1);
    assert.equal(find(steps, '/dev/fuse').kind, 'device');
  });
});

describe('the options of an overlay', () => {
  it('name the layers relative to what they share', () => {
    const rootfs = { lower: ['/a/b/2/fs', '/a/b/1/fs'], upper: '/u', work: '/w' };
    assert.deepEqual(overlayOptions(rootfs), {
      folder: '/a/b',
      options: 'lowerdir=2/fs:1/fs,upperdir=/u,workdir=/w',
    });
  });

  it("take the host's root as a layer", () => {
    const rootfs = { lower: ['/a/skeleton', '/'], upper: '/u', work: '/w' };
    assert.deepEqual(overlayOptions(rootfs), {
      folder: '/',
      options: 'lowerdir=/a/skeleton:/,upperdir=/u,workdir=/w',
    });
    assert.equal(
      overlayOptions({ ...rootfs, lower: ['/'] }).options.startsWith('lowerdir=/,'),
      true,
    );
  });

  it('keep what a path means when it holds their signs', () => {
    const rootfs = { lower: ['/a:b,c'], upper: '/u,v', work: '/w' };
    assert.equal(overlayOptions(rootfs).options, 'lowerdir=/a\\:b\\,c,upperdir=/u\\,v,workdir=/w');
  });

  it('that do not fit into a page are refused', () => {
    const lower = Array.from({ length: 200 }, (_, index) => `/layers/${'x'.repeat(40)}${index}`);
    assert.throws(() => overlayOptions({ lower, upper: '/u', work: '/w' }), /200 layers/);
  });
});
