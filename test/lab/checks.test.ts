import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkMachine, type MachineFacts } from '../../lab/doctor/checks.ts';
import { missingPackages } from '../../lab/doctor/install.ts';
import { firstMissing, formatChecks } from '../../lab/doctor/print.ts';

const GOOD: MachineFacts = {
  platform: 'linux',
  isRoot: true,
  kernelRelease: '6.1.0-18-amd64',
  effectiveCapabilities: 0x1ffffffffffn,
  cgroupLayout: 'v2',
  cgroupControllers: ['cpu', 'memory', 'pids'],
  hasOverlay: true,
  namespaces: ['pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup', 'user'],
  tools: { ip: true, nsenter: true, unshare: true, etcd: true, kubectl: true },
  freeDiskBytes: 1e11,
  availableMemoryBytes: 1e10,
  freeSubnets: 126,
};

describe('checkMachine', () => {
  it('finds nothing missing on a usual machine', () => {
    assert.equal(firstMissing(checkMachine(GOOD)), undefined);
  });

  it('says first what stands before all else', () => {
    const results = checkMachine({ ...GOOD, platform: 'darwin', isRoot: false });
    assert.match(firstMissing(results) ?? '', /^system is missing .*run Skiff on Linux/);
    const notRoot = checkMachine({ ...GOOD, isRoot: false });
    assert.match(firstMissing(notRoot) ?? '', /^root is missing .*sudo/);
  });

  it('names the capability, controller, kernel or tool that is not there', () => {
    const cases: readonly (readonly [Partial<MachineFacts>, RegExp])[] = [
      [{ effectiveCapabilities: 0x1ffffffffffn & ~(1n << 21n) }, /^CAP_SYS_ADMIN/],
      [{ cgroupControllers: ['cpu', 'pids'] }, /^cgroups .*enable memory/],
      [{ kernelRelease: '5.4.0' }, /^kernel/],
      [{ tools: { ...GOOD.tools, ip: false } }, /^ip .*apt-get install iproute2/],
    ];
    for (const [change, text] of cases) {
      assert.match(firstMissing(checkMachine({ ...GOOD, ...change })) ?? '', text);
    }
  });

  it('only warns of what is not always needed', () => {
    const results = checkMachine({
      ...GOOD,
      tools: { ...GOOD.tools, kubectl: false, etcd: false },
    });
    assert.equal(firstMissing(results), undefined);
    assert.equal(results.filter(({ status }) => status === 'warning').length, 2);
  });
});

describe('formatChecks', () => {
  it('tells how to get what is missing', () => {
    const lines = formatChecks(checkMachine({ ...GOOD, hasOverlay: false }));
    assert.ok(lines.some((line) => line.startsWith('✗ overlayfs')));
    assert.ok(lines.some((line) => line.includes('→ modprobe overlay')));
  });
});

describe('missingPackages', () => {
  it('asks for etcd only for its store, and for each package once', () => {
    const facts = { ...GOOD, tools: { ip: true, nsenter: false, unshare: false, etcd: false } };
    assert.deepEqual(missingPackages(facts, false), ['util-linux']);
    assert.deepEqual(missingPackages(facts, true), ['util-linux', 'etcd-server']);
  });
});
