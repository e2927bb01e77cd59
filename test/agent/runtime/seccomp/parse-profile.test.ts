/** Profiles in OCI's form and in Docker's. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProfile } from '../../../../agent/runtime/seccomp/parse-profile.ts';
import { errnoReturn, SECCOMP_RETURN } from '../../../../agent/runtime/seccomp/profile.ts';

const context = {
  architecture: 'x64',
  capabilities: ['CAP_CHOWN'],
  kernel: [6, 18],
} as const;

const parse = (profile: object) => parseProfile(JSON.stringify(profile), context);
const ALLOW = { defaultAction: 'SCMP_ACT_ALLOW' };
const entry = (changes: object) => ({
  ...ALLOW,
  syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', ...changes }],
});

describe('parseProfile', () => {
  it('takes every action', () => {
    const returns = (action: string, errnoRet?: number) =>
      parse(entry({ action, errnoRet })).rules[0]?.returns;
    assert.equal(returns('SCMP_ACT_ERRNO'), errnoReturn(1));
    assert.equal(returns('SCMP_ACT_ERRNO', 38), errnoReturn(38));
    assert.equal(returns('SCMP_ACT_KILL'), SECCOMP_RETURN.killThread);
    assert.equal(returns('SCMP_ACT_KILL_THREAD'), SECCOMP_RETURN.killThread);
    assert.equal(returns('SCMP_ACT_KILL_PROCESS'), SECCOMP_RETURN.killProcess);
    assert.equal(returns('SCMP_ACT_TRAP'), SECCOMP_RETURN.trap);
    assert.equal(returns('SCMP_ACT_LOG'), SECCOMP_RETURN.log);
    assert.equal(returns('SCMP_ACT_TRACE', 5), SECCOMP_RETURN.trace | 5);
    assert.equal(
      parse({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 22 }).defaultReturn,
      errnoReturn(22),
    );
  });

  it('keeps numbers of 64 bits exact', () => {
    const text =
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"read","action":"SCMP_ACT_KILL",' +
      '"args":[{"index":1,"value":18446744073709551615,"valueTwo":9007199254740993,"op":"SCMP_CMP_MASKED_EQ"}]}]}';
    assert.deepEqual(parseProfile(text, context).rules[0]?.conditions, [
      { index: 1, operator: 'MASKED_EQ', value: 2n ** 64n - 1n, valueTwo: 9007199254740993n },
    ]);
  });

  it('takes several conditions together, and those on one argument one by one', () => {
    const arg = (index: number) => ({ index, value: 1, op: 'SCMP_CMP_EQ' });
    assert.equal(parse(entry({ args: [arg(0), arg(1)] })).rules.length, 1);
    assert.equal(parse(entry({ args: [arg(0), arg(1), arg(0)] })).rules.length, 3);
  });

  it('follows the conditions of Docker', () => {
    const isIn = (changes: object) => parse(entry(changes)).rules.length === 1;
    assert.ok(isIn({ includes: { arches: ['amd64'], caps: ['CAP_CHOWN'], minKernel: '4.8' } }));
    assert.ok(!isIn({ includes: { arches: ['arm64'] } }));
    assert.ok(!isIn({ includes: { caps: ['CAP_CHOWN', 'CAP_BPF'] } }));
    assert.ok(!isIn({ includes: { minKernel: '7.0' } }));
    assert.ok(!isIn({ excludes: { caps: ['CAP_BPF', 'CAP_CHOWN'] } }));
    assert.ok(isIn({ excludes: { arches: ['s390x'] } }));
  });

  it('passes over what says nothing new', () => {
    const syscalls = [
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      { names: ['read'], action: 'SCMP_ACT_ERRNO' },
    ];
    assert.equal(parse({ ...ALLOW, syscalls }).rules.length, 1);
  });

  it('takes flags', () => {
    const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC'];
    const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'];
    assert.equal(parse({ ...ALLOW, flags, architectures }).flags, 2);
  });

  const bad: readonly (readonly [what: string, profile: object, error: RegExp])[] = [
    ['no default', {}, /defaultAction: nothing is not an action/],
    ['an unknown action', entry({ action: 'ALLOW' }), /syscalls\[0\]\.action: "ALLOW" is not/],
    ['a notification', entry({ action: 'SCMP_ACT_NOTIFY' }), /SCMP_ACT_NOTIFY is not supported/],
    ['a listener', { ...ALLOW, listenerPath: '/x' }, /"listenerPath" is not supported/],
    ['no names', entry({ names: [] }), /syscalls\[0\] names no system call/],
    ['an unknown comparison', entry({ args: [{ index: 0, op: 'EQ2' }] }), /args\[0\]\.op: "EQ2"/],
    ['a seventh argument', entry({ args: [{ index: 6, op: 'SCMP_CMP_EQ' }] }), /index: 6 is not/],
    ['a negative value', entry({ args: [{ value: -1, op: 'SCMP_CMP_EQ' }] }), /64 bits/],
    ['an errno too large', entry({ errnoRet: 70_000 }), /errnoRet: 70000 is not between/],
    ['an unknown flag', { ...ALLOW, flags: ['X'] }, /flags: "X" is not supported/],
    ['no list', { ...ALLOW, syscalls: {} }, /syscalls is not a list/],
    ['no architecture', { ...ALLOW, architectures: ['x86'] }, /"x86" is not an architecture/],
    [
      'two actions for one call',
      {
        ...ALLOW,
        syscalls: [
          { names: ['read'], action: 'SCMP_ACT_ERRNO' },
          { names: ['read'], action: 'SCMP_ACT_KILL' },
        ],
      },
      /two actions for "read"/,
    ],
  ];
  for (const [what, profile, error] of bad) {
    it(`refuses ${what}`, () => assert.throws(() => parse(profile), error));
  }

  it('refuses what is not JSON', () => {
    assert.throws(() => parseProfile('{', context), /it is not JSON/);
    assert.throws(() => parseProfile('[]', context), /the profile is not an object/);
  });
});
