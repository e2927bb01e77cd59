/**
 * Runs a seccomp filter as the kernel would, from its bytes, and beside it says plainly what a profile
 * means: two answers that must agree.
 */

import assert from 'node:assert/strict';
import {
  type ArgumentCondition,
  errnoReturn,
  SECCOMP_RETURN,
  type SeccompProfile,
} from '../../agent/runtime/seccomp/profile.ts';
import {
  type SeccompArchitecture,
  syscallTable,
} from '../../agent/runtime/seccomp/syscall-names.ts';

/** struct seccomp_data. */
export interface SeccompCall {
  readonly number: number;
  /** AUDIT_ARCH_… */
  readonly architecture: number;
  /** Unsigned, of 64 bits; six. */
  readonly args: readonly bigint[];
}

/** Classic BPF, of the instructions that seccomp takes. Throws at any other, and at a jump outside. */
export function runFilter(code: Buffer, call: SeccompCall): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.architecture, 4);
  for (const [index, arg] of call.args.entries()) data.writeBigUInt64LE(arg, 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; ; at += 8) {
    assert.ok(at < code.length, 'the program runs past its end');
    const opcode = code.readUInt16LE(at);
    const k = code.readUInt32LE(at + 4);
    const branch = (holds: boolean): number => 8 * code.readUInt8(at + (holds ? 2 : 3));
    switch (opcode) {
      case 0x20:
        assert.ok(k % 4 === 0 && k <= 60, `a load at ${k}`);
        accumulator = data.readUInt32LE(k);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += 8 * k;
        break;
      case 0x15:
        at += branch(accumulator === k);
        break;
      case 0x25:
        at += branch(accumulator > k);
        break;
      case 0x35:
        at += branch(accumulator >= k);
        break;
      case 0x06:
        return k;
      default:
        assert.fail(`instruction 0x${opcode.toString(16)} at ${at / 8}`);
    }
  }
}

/** What the profile says of a call of the machine's own architecture. Slow, and obvious. */
export function evaluateProfile(
  profile: SeccompProfile,
  architecture: SeccompArchitecture,
  { number, args }: SeccompCall,
): number {
  const table = syscallTable(architecture);
  if (architecture === 'x64' && number >= 2 ** 30) return errnoReturn(38);
  const named = profile.rules.flatMap(({ names }) => names.map((name) => table.get(name) ?? -1));
  const isRefusing = ![SECCOMP_RETURN.allow, SECCOMP_RETURN.log].some(
    (value) => value === profile.defaultReturn,
  );
  const isTrace = profile.defaultReturn >>> 16 === SECCOMP_RETURN.trace >>> 16;
  if (number > Math.max(-1, ...named) && isRefusing && !isTrace) return errnoReturn(38);
  const rules = profile.rules.filter(({ names }) =>
    names.some((name) => table.get(name) === number),
  );
  const plain = rules.find(({ conditions }) => conditions.length === 0);
  const first = rules.find(({ conditions }) => conditions.every((each) => holds(each, args)));
  return plain?.returns ?? first?.returns ?? profile.defaultReturn;
}

function holds(
  { index, operator, value, valueTwo }: ArgumentCondition,
  args: readonly bigint[],
): boolean {
  const arg = args[index] ?? 0n;
  switch (operator) {
    case 'NE':
      return arg !== value;
    case 'LT':
      return arg < value;
    case 'LE':
      return arg <= value;
    case 'EQ':
      return arg === value;
    case 'GE':
      return arg >= value;
    case 'GT':
      return arg > value;
    case 'MASKED_EQ':
      return (arg & value) === valueTwo;
  }
}
