/** What the profile RuntimeDefault lets through, by capabilities. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AUDIT_ARCHITECTURE,
  assembleFilter,
  encodeFilter,
} from '../../../../agent/runtime/seccomp/assemble-filter.ts';
import { errnoReturn, SECCOMP_RETURN } from '../../../../agent/runtime/seccomp/profile.ts';
import { runtimeDefaultProfile } from '../../../../agent/runtime/seccomp/runtime-default.ts';
import { syscallTable } from '../../../../agent/runtime/seccomp/syscall-names.ts';
import { evaluateProfile, runFilter } from '../../../support/seccomp-interpreter.ts';

const ALLOWED = SECCOMP_RETURN.allow;
const REFUSED = errnoReturn(1);
const UNKNOWN = errnoReturn(38);

function answer(capabilities: readonly string[], name: string, ...first: bigint[]): number {
  const code = encodeFilter(assembleFilter(runtimeDefaultProfile(capabilities), 'x64'));
  const number = syscallTable('x64').get(name) ?? Number(name);
  const args = [...first, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6);
  return runFilter(code, { number, architecture: AUDIT_ARCHITECTURE.x64, args });
}

describe('RuntimeDefault', () => {
  it('names only calls that exist', () => {
    const known = new Set([...syscallTable('x64').keys(), ...syscallTable('arm64').keys()]);
    const { rules } = runtimeDefaultProfile(['CAP_SYS_ADMIN', 'CAP_SYS_NICE', 'CAP_SYS_TIME']);
    const unknown = rules.flatMap(({ names }) => names).filter((name) => !known.has(name));
    assert.deepEqual(unknown, []);
  });

  it('allows what programs do and refuses what reaches the kernel deeper', () => {
    for (const name of ['read', 'execve', 'futex', 'openat2', 'seccomp', 'ptrace', 'close_range']) {
      assert.equal(answer([], name), ALLOWED, name);
    }
    const refused = ['mount', 'unshare', 'setns', 'bpf', 'keyctl', 'kexec_load', 'io_uring_setup'];
    for (const name of [...refused, 'userfaultfd', 'perf_event_open', 'chroot', 'reboot']) {
      assert.equal(answer([], name), REFUSED, name);
    }
  });

  it('gives by capability', () => {
    const cases = [
      ['CAP_SYS_ADMIN', 'mount'],
      ['CAP_SYS_ADMIN', 'clone3'],
      ['CAP_SYS_CHROOT', 'chroot'],
      ['CAP_SYS_TIME', 'clock_settime'],
      ['CAP_BPF', 'bpf'],
      ['CAP_PERFMON', 'perf_event_open'],
      ['CAP_SYSLOG', 'syslog'],
      ['CAP_SYS_MODULE', 'finit_module'],
    ] as const;
    for (const [capability, name] of cases) {
      assert.notEqual(answer([], name), ALLOWED, name);
      assert.equal(answer([capability], name), ALLOWED, name);
    }
  });

  it('lets clone make threads and processes, but no namespaces', () => {
    assert.equal(answer([], 'clone', 0x11n), ALLOWED);
    for (const flag of [0x2_0000n, 0x200_0000n, 0x1000_0000n, 0x4000_0000n]) {
      assert.equal(answer([], 'clone', flag | 0x11n), REFUSED);
      assert.equal(answer(['CAP_SYS_ADMIN'], 'clone', flag | 0x11n), ALLOWED);
    }
    assert.equal(answer([], 'clone3'), UNKNOWN);
  });

  it('refuses AF_ALG and AF_VSOCK, also with bits above those that the kernel reads', () => {
    for (const family of [1n, 2n, 10n, 16n, 17n, 39n, 41n]) {
      assert.equal(answer([], 'socket', family), ALLOWED, String(family));
    }
    for (const family of [38n, 40n, (1n << 32n) | 38n, (0xffff_ffffn << 32n) | 40n]) {
      assert.equal(answer(['CAP_SYS_ADMIN'], 'socket', family), REFUSED, String(family));
    }
  });

  it('allows the harmless personalities only', () => {
    assert.equal(answer([], 'personality', 0xffff_ffffn), ALLOWED);
    assert.equal(answer([], 'personality', 0x004_0000n), REFUSED); // ADDR_NO_RANDOMIZE
    assert.equal(answer([], 'personality', 1n << 32n), REFUSED);
  });

  it('says ENOSYS to a call newer than the list, EPERM to one the list leaves out', () => {
    assert.equal(answer([], '9999'), UNKNOWN);
    assert.equal(answer([], 'quotactl_fd'), REFUSED);
  });

  it('is the same on both architectures, in less than 300 instructions', () => {
    const profile = runtimeDefaultProfile(['CAP_SYS_CHROOT', 'CAP_NET_RAW']);
    for (const architecture of ['x64', 'arm64'] as const) {
      const program = assembleFilter(profile, architecture);
      assert.ok(program.length < 300, `${program.length} instructions`);
      for (let number = 0; number < 500; number += 1) {
        const args = [38n, 0n, 0n, 0n, 0n, 0n];
        const call = { number, architecture: AUDIT_ARCHITECTURE[architecture], args };
        const expected = evaluateProfile(profile, architecture, call);
        assert.equal(runFilter(encodeFilter(program), call), expected);
      }
    }
  });
});
