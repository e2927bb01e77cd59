/** The device program, run by a small interpreter of its few instructions. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deviceProgram } from '../../../../agent/runtime/cgroup/device-filter.ts';
import {
  DEFAULT_DEVICE_RULES,
  type DeviceRule,
  formatDeviceRule,
} from '../../../../agent/runtime/cgroup/device-rules.ts';

interface Access {
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

const ACCESS_BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

function isAllowed(rules: readonly DeviceRule[], asked: Access): boolean {
  const bits = [...asked.access].reduce((sum, letter) => sum | (ACCESS_BITS[letter] ?? 0), 0);
  const context = [(asked.type === 'b' ? 1 : 2) | (bits << 16), asked.major, asked.minor];
  const registers: number[] = [];
  const program = deviceProgram(rules);
  for (let at = 0; at < program.length; at += 1) {
    const [code, dst, src, offset, imm] = program[at] ?? assert.fail('It ran off its end');
    const value = registers[dst] ?? 0;
    if (code === 0x61) registers[dst] = context[offset / 4] ?? 0;
    else if (code === 0xbf) registers[dst] = registers[src] ?? 0;
    else if (code === 0xb7) registers[dst] = imm;
    else if (code === 0x57) registers[dst] = value & imm;
    else if (code === 0x77) registers[dst] = value >>> imm;
    else if (code === 0x55) at += value === imm ? 0 : offset;
    else if (code === 0x95) return registers[0] === 1;
    else assert.fail(`No such instruction: ${code}`);
  }
  return assert.fail('It never returned');
}

/** What the rules mean, without a program. */
function isGranted(rules: readonly DeviceRule[], asked: Access): boolean {
  return rules.some(
    (rule) =>
      rule.type === asked.type &&
      (rule.major ?? asked.major) === asked.major &&
      (rule.minor ?? asked.minor) === asked.minor &&
      [...asked.access].every((letter) => rule.access.includes(letter)),
  );
}

const type = fc.constantFrom('c' as const, 'b' as const);
const number = fc.integer({ min: 0, max: 3 });
const access = fc.constantFrom('r', 'w', 'm', 'rw', 'rwm', 'wm');
const asked = fc.record({ type, major: number, minor: number, access });
const rule: fc.Arbitrary<DeviceRule> = fc.record(
  { type, major: number, minor: number, access },
  { requiredKeys: ['type', 'access'] },
);

describe('the device program', () => {
  it('decides as the rules say', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), asked, (rules, one) => {
        assert.equal(isAllowed(rules, one), isGranted(rules, one));
      }),
    );
  });

  it('allows /dev/null, and of a disk only that its node is made', () => {
    const null_ = { type: 'c', major: 1, minor: 3, access: 'rw' } as const;
    const disk = { type: 'b', major: 8, minor: 0, access: 'r' } as const;
    assert.equal(isAllowed(DEFAULT_DEVICE_RULES, null_), true);
    assert.equal(isAllowed(DEFAULT_DEVICE_RULES, disk), false);
    assert.equal(isAllowed(DEFAULT_DEVICE_RULES, { ...disk, access: 'm' }), true);
  });
});

describe('a device rule', () => {
  it('is written as cgroup v1 takes it', () => {
    assert.equal(formatDeviceRule({ type: 'c', major: 1, minor: 3, access: 'rwm' }), 'c 1:3 rwm');
    assert.equal(formatDeviceRule({ type: 'b', access: 'm' }), 'b *:* m');
  });
});
