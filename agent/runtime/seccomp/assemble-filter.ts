/**
 * Makes a program for the kernel's classic BPF of a profile. Pure.
 *
 * Before the first rule: a call of another architecture kills the process, since its numbers mean other
 * calls; one of x32 (numbers from 2^30 on) does not exist. Then a binary search over ranges of numbers
 * that are answered alike, about seven comparisons for any call. A call that is newer than all that the
 * profile speaks of is ENOSYS and not refused, so that programs fall back to what they used before.
 *
 * Source: seccomp(2), bpf(2) of classic filters: Documentation/networking/filter.rst and
 * userspace-api/seccomp_filter.rst of Linux 6.18.
 */

import {
  type ArgumentCondition,
  errnoReturn,
  SECCOMP_RETURN,
  type SeccompProfile,
  type SeccompRule,
} from './profile.ts';
import { type SeccompArchitecture, syscallTable } from './syscall-names.ts';

/** struct sock_filter. */
export interface Instruction {
  readonly code: number;
  /** How many instructions to skip when the test holds, and when not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** AUDIT_ARCH_… of include/uapi/linux/audit.h. */
export const AUDIT_ARCHITECTURE: Readonly<Record<SeccompArchitecture, number>> = {
  x64: 0xc000_003e,
  arm64: 0xc000_00b7,
};

/** BPF_MAXINSNS of the kernel. */
const INSTRUCTIONS_MAX = 4096;
/** A jump's offset is one byte. */
const JUMP_MAX = 255;
const INSTRUCTION_BYTES = 8;
const X32_SYSCALL_BIT = 0x4000_0000;
const ENOSYS = 38;

/** struct seccomp_data: the number, the architecture, the address, six arguments of 64 bits. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

const LOAD = 0x20; // A = data[k]
const AND = 0x54; // A &= k
const JUMP = 0x05; // skip k
const IF_EQUAL = 0x15;
const IF_GREATER = 0x25;
const IF_NOT_LESS = 0x35;
const RETURN = 0x06;

/** What a range of numbers is answered with. */
interface Range {
  readonly first: number;
  readonly rules: readonly SeccompRule[];
  readonly otherwise: number;
}

/** Throws when the program is longer than the kernel takes. */
export function assembleFilter(
  profile: SeccompProfile,
  architecture: SeccompArchitecture,
): readonly Instruction[] {
  const search = assembleSearch(rangesOf(profile, architecture));
  const isX64 = architecture === 'x64';
  const program = [
    load(ARCHITECTURE_AT),
    jump(IF_EQUAL, AUDIT_ARCHITECTURE[architecture], 1, 0),
    answer(SECCOMP_RETURN.killProcess),
    load(NUMBER_AT),
    ...(isX64 ? [jump(IF_NOT_LESS, X32_SYSCALL_BIT, 0, 1), answer(errnoReturn(ENOSYS))] : []),
    ...search,
  ];
  if (program.length > INSTRUCTIONS_MAX) {
    throw new Error(
      `The seccomp profile needs ${program.length} instructions, and the kernel takes ${INSTRUCTIONS_MAX}`,
    );
  }
  return program;
}

/** As the kernel takes it: an array of struct sock_filter. */
export function encodeFilter(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes[at + 2] = jt;
    bytes[at + 3] = jf;
    bytes.writeUInt32LE(k >>> 0, at + 4);
  }
  return bytes;
}

/** In order and without gaps from 0 on; neighbours differ. */
function rangesOf(profile: SeccompProfile, architecture: SeccompArchitecture): readonly Range[] {
  const table = syscallTable(architecture);
  const rules = new Map<number, SeccompRule[]>();
  for (const rule of profile.rules) {
    for (const name of rule.names) {
      const number = table.get(name);
      if (number !== undefined) rules.set(number, [...(rules.get(number) ?? []), rule]);
    }
  }
  const last = Math.max(-1, ...rules.keys());
  const isOpen = profile.defaultReturn >= SECCOMP_RETURN.trace && profile.defaultReturn < 2 ** 31;
  const ranges: Range[] = [];
  const add = (range: Range): void => {
    const before = ranges.at(-1);
    const isSame =
      before?.rules.length === 0 &&
      range.rules.length === 0 &&
      before.otherwise === range.otherwise;
    if (!isSame) ranges.push(range);
  };
  for (let number = 0; number <= last; number += 1) {
    const own = rules.get(number) ?? [];
    const general = own.find(({ conditions }) => conditions.length === 0);
    add({
      first: number,
      rules: general === undefined ? own : [],
      otherwise: general?.returns ?? profile.defaultReturn,
    });
  }
  const newer = isOpen ? profile.defaultReturn : errnoReturn(ENOSYS);
  add({ first: last + 1, rules: [], otherwise: newer });
  return ranges;
}

/** The number is in the accumulator. */
function assembleSearch(ranges: readonly Range[]): readonly Instruction[] {
  const [only, ...others] = ranges;
  if (only === undefined) return [];
  if (others.length === 0) return assembleRange(only);
  const middle = ranges.length >> 1;
  const lower = assembleSearch(ranges.slice(0, middle));
  const upper = assembleSearch(ranges.slice(middle));
  const pivot = ranges[middle]?.first ?? 0;
  return lower.length <= JUMP_MAX
    ? [jump(IF_NOT_LESS, pivot, lower.length, 0), ...lower, ...upper]
    : [
        jump(IF_NOT_LESS, pivot, 0, 1),
        { code: JUMP, jt: 0, jf: 0, k: lower.length },
        ...lower,
        ...upper,
      ];
}

function assembleRange(range: Range): readonly Instruction[] {
  return [...range.rules.flatMap(assembleRule), answer(range.otherwise)];
}

function assembleRule(rule: SeccompRule): readonly Instruction[] {
  const tests = rule.conditions.map(testsOf);
  let rest = tests.reduce((sum, each) => sum + each.length, 0);
  const code: Instruction[] = [];
  for (const each of tests) {
    for (const [index, test] of each.entries()) {
      rest -= 1;
      // To the next condition, and past the whole rule with its answer.
      const distance = { next: 0, holds: each.length - index - 1, fails: rest + 1 };
      const { kind } = test;
      if (kind === 'load') code.push(load(test.at));
      else if (kind === 'and') code.push({ code: AND, jt: 0, jf: 0, k: test.mask });
      else code.push(jump(test.code, test.k, distance[test.then], distance[test.otherwise]));
    }
  }
  return [...code, answer(rule.returns)];
}

type Way = 'next' | 'holds' | 'fails';

type Test =
  | { readonly kind: 'load'; readonly at: number }
  | { readonly kind: 'and'; readonly mask: number }
  | {
      readonly kind: 'jump';
      readonly code: number;
      readonly k: number;
      readonly then: Way;
      readonly otherwise: Way;
    };

/** Compares the high half first: the accumulator has 32 bits. */
function testsOf({ index, operator, value, valueTwo }: ArgumentCondition): readonly Test[] {
  const low: Test = { kind: 'load', at: ARGUMENTS_AT + 8 * index };
  const high: Test = { kind: 'load', at: ARGUMENTS_AT + 8 * index + 4 };
  const [highHalf, lowHalf] = halves(operator === 'MASKED_EQ' ? valueTwo : value);
  const [highMask, lowMask] = halves(value);
  const test = (code: number, k: number, then: Way, otherwise: Way): Test => ({
    ...{ kind: 'jump', code, k, then, otherwise },
  });
  switch (operator) {
    case 'EQ':
      return [
        high,
        test(IF_EQUAL, highHalf, 'next', 'fails'),
        low,
        test(IF_EQUAL, lowHalf, 'next', 'fails'),
      ];
    case 'NE':
      return [
        high,
        test(IF_EQUAL, highHalf, 'next', 'holds'),
        low,
        test(IF_EQUAL, lowHalf, 'fails', 'next'),
      ];
    case 'MASKED_EQ':
      return [
        high,
        { kind: 'and', mask: highMask },
        test(IF_EQUAL, highHalf, 'next', 'fails'),
        low,
        { kind: 'and', mask: lowMask },
        test(IF_EQUAL, lowHalf, 'next', 'fails'),
      ];
    case 'GT':
    case 'GE':
      return [
        high,
        test(IF_GREATER, highHalf, 'holds', 'next'),
        test(IF_EQUAL, highHalf, 'next', 'fails'),
        low,
        test(operator === 'GT' ? IF_GREATER : IF_NOT_LESS, lowHalf, 'next', 'fails'),
      ];
    case 'LT':
    case 'LE':
      return [
        high,
        test(IF_GREATER, highHalf, 'fails', 'next'),
        test(IF_EQUAL, highHalf, 'next', 'holds'),
        low,
        test(operator === 'LT' ? IF_NOT_LESS : IF_GREATER, lowHalf, 'fails', 'next'),
      ];
  }
}

function halves(value: bigint): readonly [high: number, low: number] {
  return [Number(value >> 32n), Number(value & 0xffff_ffffn)];
}

function load(at: number): Instruction {
  return { code: LOAD, jt: 0, jf: 0, k: at };
}

function jump(code: number, k: number, jt: number, jf: number): Instruction {
  return { code, jt, jf, k };
}

function answer(value: number): Instruction {
  return { code: RETURN, jt: 0, jf: 0, k: value };
}
