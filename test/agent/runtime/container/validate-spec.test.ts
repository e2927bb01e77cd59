/** What is refused before anything is made of it, by name. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_CAPABILITIES,
  capabilityNumber,
  encodeCapabilities,
  parseBoundingSet,
} from '../../../../agent/runtime/container/capabilities.ts';
import type { ProcessSpec, SandboxSpec } from '../../../../agent/runtime/container/spec.ts';
import {
  containerProblems,
  processProblems,
  sandboxProblems,
} from '../../../../agent/runtime/container/validate-spec.ts';
import { containerSpec } from '../../../support/container-spec.ts';

const SANDBOX: SandboxSpec = {
  id: 'pod',
  network: 'pod',
  ipc: 'pod',
  uts: 'pod',
  hostname: 'pod',
  sysctls: {},
};

describe('a container spec', () => {
  it('that is fine has no problems', () => {
    assert.deepEqual(containerProblems(containerSpec()), []);
  });

  it('is refused with paths that lead elsewhere', () => {
    for (const cgroupPath of ['relative', '/a/../b', '/a/./b', '/a//b', '/', '/a/']) {
      assert.equal(containerProblems(containerSpec({ cgroupPath })).length, 1, cgroupPath);
    }
    assert.equal(containerProblems(containerSpec({ id: '../x' })).length, 1);
    assert.equal(containerProblems(containerSpec({ maskedPaths: ['proc'] })).length, 1);
  });

  it('is refused with a user namespace that cannot have what it asks for', () => {
    const { namespaces } = containerSpec();
    const user = { uids: { hostId: 65_536, length: 65_536 }, gids: { hostId: 0, length: 1 } };
    const problems = (changes: object) =>
      containerProblems(containerSpec({ namespaces: { ...namespaces, user, ...changes } }));
    assert.deepEqual(problems({}), []);
    assert.match(problems({ network: 'node' })[0] ?? '', /goes only with the pod's own network/);
    assert.match(problems({ pid: { kind: 'node' } })[0] ?? '', /goes only with the pod's own/);
    const far = { ...user, uids: { hostId: 2 ** 32 - 2, length: 2 } };
    assert.match(problems({ user: far })[0] ?? '', /not within the ids there are/);
  });
});

describe('a process spec', () => {
  const problems = (changes: Partial<ProcessSpec>) =>
    processProblems({ ...containerSpec().process, ...changes });
  const user = containerSpec().process.user;

  it('is refused without a program', () => {
    assert.deepEqual(problems({ args: [] }), ['there is no program to run']);
  });

  it('is refused with ids that mean something else to the kernel', () => {
    for (const uid of [-1, 2 ** 31, 2 ** 32, 1.5, Number.NaN]) {
      assert.match(problems({ user: { ...user, uid } })[0] ?? '', /between 0 and 2147483647/);
    }
  });

  it('is refused with a NUL, a variable without a name, an unknown capability or limit', () => {
    assert.equal(problems({ args: ['a\0b'] }).length, 1);
    assert.equal(problems({ env: ['=x'] }).length, 1);
    assert.match(problems({ capabilities: ['CAP_ALL'] })[0] ?? '', /"CAP_ALL"/);
    assert.match(problems({ rlimits: [{ type: 'NOFILE', soft: 1, hard: 1 }] })[0] ?? '', /NOFILE/);
    assert.equal(problems({ oomScoreAdj: 1001 }).length, 1);
  });
});

describe('a sandbox spec', () => {
  const problems = (changes: Partial<SandboxSpec>) => sandboxProblems({ ...SANDBOX, ...changes });

  it('takes the sysctls of its own namespaces only', () => {
    const own = {
      'net.ipv4.ip_forward': '1',
      'kernel.shm_rmid_forced': '1',
      'fs.mqueue.msg_max': '9',
    };
    assert.deepEqual(problems({ sysctls: own }), []);
    assert.match(problems({ sysctls: { 'kernel.panic': '1' } })[0] ?? '', /not namespaced/);
    assert.match(problems({ sysctls: { 'net.core/../x': '1' } })[0] ?? '', /not a sysctl/);
    assert.match(problems({ network: 'node', sysctls: own })[0] ?? '', /network of the pod's own/);
    assert.match(problems({ ipc: 'node', sysctls: own })[0] ?? '', /IPC namespace/);
  });

  it('is refused with a host name that the kernel would', () => {
    assert.equal(problems({ hostname: 'x'.repeat(65) }).length, 1);
    assert.equal(problems({ hostname: 'x'.repeat(64) }).length, 0);
  });
});

describe('capabilities', () => {
  it("have the kernel's numbers", () => {
    assert.equal(capabilityNumber('CAP_CHOWN'), 0);
    assert.equal(capabilityNumber('CAP_SYS_ADMIN'), 21);
    assert.equal(capabilityNumber('CAP_CHECKPOINT_RESTORE'), ALL_CAPABILITIES.length - 1);
    assert.equal(capabilityNumber('SYS_ADMIN'), undefined);
  });

  it('are read from the status of a process', () => {
    assert.deepEqual(
      parseBoundingSet('CapEff:\t00000003\nCapBnd:\t000001ff00000005\n'),
      [0, 2, 32, 33, 34, 35, 36, 37, 38, 39, 40],
    );
  });

  it('are encoded as two halves of three sets', () => {
    const { data } = encodeCapabilities({ effective: [0, 40], permitted: [1], inheritable: [] });
    const words = [0, 4, 8, 12, 16, 20].map((at) => data.readUInt32LE(at));
    assert.deepEqual(words, [1, 2, 0, 0x100, 0, 0]);
  });
});
