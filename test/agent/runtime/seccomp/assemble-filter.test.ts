/** The program for the kernel says what the profile says. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  AUDIT_ARCHITECTURE,
  assembleFilter,
  encodeFilter,
} from '../../../../agent/runtime/seccomp/assemble-filter.ts';
import {
  type ArgumentCondition,
  errnoReturn,
  SECCOMP_RETURN,
  type SeccompProfile,
  type SeccompRule,
} from '../../../../agent/runtime/seccomp/profile.ts';
import { syscallTable } from '../../../../agent/runtime/seccomp/syscall-names.ts';
import { evaluateProfile, runFilter } from '../../../support/seccomp-interpreter.ts';

const NAMES = [...syscallTable('x64').keys()];
/** Close to each other, so that conditions are met, missed by one, and met in one half only. */
const number64 = fc
  .tuple(fc.constantFrom(0n, 1n, 2n, 0xffff_ffffn), fc.constantFrom(0n, 1n, 2n, 7n, 0xffff_ffffn))
  .map(([high, low]) => (high << 32n) | low);
const condition: fc.Arbitrary<ArgumentCondition> = fc.record({
  index: fc.nat(5),
  operator: fc.constantFrom('NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'),
  value: number64,
  valueTwo: number64,
});
const returns = fc.constantFrom(
  SECCOMP_RETURN.allow,
  SECCOMP_RETURN.log,
  SECCOMP_RETURN.killProcess,
  SECCOMP_RETURN.killThread,
  SECCOMP_RETURN.trap,
  SECCOMP_RETURN.trace | 9,
  errnoReturn(1),
  errnoReturn(4095),
);
const rule: fc.Arbitrary<SeccompRule> = fc.record({
  names: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 40 }),
  returns,
  conditions: fc.array(condition, { maxLength: 4 }),
});
const profile: fc.Arbitrary<SeccompProfile> = fc.record({
  defaultReturn: returns,
  rules: fc.array(rule, { maxLength: 12 }),
  flags: fc.constant(0),
});

describe('assembleFilter', () => {
  it('answers every call as a plain reading of the profile does', () => {
    const run = (asked: SeccompProfile, args: readonly bigint[]): void => {
      for (const architecture of ['x64', 'arm64'] as const) {
        const code = encodeFilter(assembleFilter(asked, architecture));
        for (let number = 0; number < 480; number += 1) {
          const call = { number, architecture: AUDIT_ARCHITECTURE[architecture], args };
          const expected = evaluateProfile(asked, architecture, call);
          assert.equal(runFilter(code, call), expected, `${architecture} ${number}`);
        }
      }
    };
    const args = fc.array(number64, { minLength: 6, maxLength: 6 });
    fc.assert(fc.property(profile, args, run), { seed: 20, numRuns: 150 });
  });

  it('jumps over more than the 255 instructions that one jump can skip', () => {
    const conditions: readonly ArgumentCondition[] = [0, 1, 2, 3, 4, 5].map((index) => ({
      ...{ index, operator: 'GT', value: 5n, valueTwo: 0n },
    }));
    const rules = NAMES.slice(0, 60).map((name) => ({
      ...{ names: [name], returns: errnoReturn(7), conditions },
    }));
    const asked = { defaultReturn: SECCOMP_RETURN.allow, rules, flags: 0 };
    const program = assembleFilter(asked, 'x64');
    assert.ok(program.length > 1_000);
    const code = encodeFilter(program);
    for (const arg of [5n, 6n]) {
      for (let number = 0; number < 80; number += 1) {
        const call = { number, architecture: AUDIT_ARCHITECTURE.x64, args: Array(6).fill(arg) };
        assert.equal(runFilter(code, call), evaluateProfile(asked, 'x64', call), `${number}`);
      }
    }
  });

  it('kills what calls by another architecture, and has nothing of x32', () => {
    const open = { defaultReturn: SECCOMP_RETURN.allow, rules: [], flags: 0 };
    const code = encodeFilter(assembleFilter(open, 'x64'));
    const args = Array(6).fill(0n);
    const i386 = 0x4000_0003;
    assert.equal(
      runFilter(code, { number: 1, architecture: i386, args }),
      SECCOMP_RETURN.killProcess,
    );
    const x32 = { number: 0x4000_0000 + 1, architecture: AUDIT_ARCHITECTURE.x64, args };
    assert.equal(runFilter(code, x32), errnoReturn(38));
    assert.equal(runFilter(code, { ...x32, number: -1 }), errnoReturn(38));
    const own = { ...x32, number: 1 };
    assert.equal(runFilter(code, own), SECCOMP_RETURN.allow);
  });

  it('refuses a profile that is longer than the kernel takes', () => {
    const conditions = [{ index: 0, operator: 'GT', value: 5n, valueTwo: 0n } as const];
    const rules = Array.from({ length: 900 }, () => ({
      ...{ names: ['read'], returns: errnoReturn(7), conditions },
    }));
    assert.throws(
      () => assembleFilter({ defaultReturn: SECCOMP_RETURN.allow, rules, flags: 0 }, 'x64'),
      /The seccomp profile needs \d+ instructions, and the kernel takes 4096/,
    );
  });
});
