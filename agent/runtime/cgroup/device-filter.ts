/**
 * Device rules on cgroup v2, which has no files for them: a BPF program that is attached to the cgroup
 * and asked at each open and mknod.
 *
 * Source: include/uapi/linux/bpf.h (struct bpf_cgroup_dev_ctx, union bpf_attr), bpf(2).
 */

import { closeSync, openSync } from 'node:fs';
import { addressOf, bpf } from '../syscalls/libc.ts';
import type { DeviceRule } from './device-rules.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const ATTR_BYTES = 128;

const TYPE: Readonly<Record<DeviceRule['type'], number>> = { b: 1, c: 2 };
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

/** `code` and the rest of struct bpf_insn: registers, offset, immediate. */
type Instruction = readonly [code: number, dst: number, src: number, offset: number, imm: number];

const LOAD_32 = 0x61; // dst = *(u32 *)(src + offset)
const MOVE = 0xbf; // dst = src
const SET = 0xb7; // dst = imm
const AND = 0x57; // dst &= imm
const SHIFT_RIGHT = 0x77; // dst >>= imm
const JUMP_UNLESS_EQUAL = 0x55; // if (dst != imm) skip
const EXIT = 0x95;

/** Allows what at least one rule allows in full, and nothing else. Pure. */
export function deviceProgram(rules: readonly DeviceRule[]): readonly Instruction[] {
  const body: Instruction[] = [
    [LOAD_32, 2, 1, 0, 0], // r2: type in the low half
    [MOVE, 3, 2, 0, 0],
    [AND, 2, 0, 0, 0xffff],
    [SHIFT_RIGHT, 3, 0, 0, 16], // r3: access
    [LOAD_32, 4, 1, 4, 0], // r4: major
    [LOAD_32, 5, 1, 8, 0], // r5: minor
  ];
  for (const rule of rules) body.push(...ruleInstructions(rule));
  return [...body, [SET, 0, 0, 0, 0], [EXIT, 0, 0, 0, 0]];
}

function ruleInstructions(rule: DeviceRule): readonly Instruction[] {
  const granted = [...rule.access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
  const refused = ~granted & 7;
  const tests: (readonly [register: number, value: number])[] = [[2, TYPE[rule.type]]];
  if (rule.major !== undefined) tests.push([4, rule.major]);
  if (rule.minor !== undefined) tests.push([5, rule.minor]);
  const allow: Instruction[] = [
    [MOVE, 1, 3, 0, 0],
    [AND, 1, 0, 0, refused],
    [JUMP_UNLESS_EQUAL, 1, 0, 2, 0],
    [SET, 0, 0, 0, 1],
    [EXIT, 0, 0, 0, 0],
  ];
  const checks = tests.map(([register, value], index): Instruction => {
    const toNextRule = tests.length - index - 1 + allow.length;
    return [JUMP_UNLESS_EQUAL, register, 0, toNextRule, value];
  });
  return [...checks, ...allow];
}

/** `folder`: of the cgroup in the cgroup2 mount. The program lives as long as the cgroup. */
export function attachDeviceFilter(folder: string, rules: readonly DeviceRule[]): void {
  const code = encode(deviceProgram(rules));
  const license = Buffer.from('Apache-2.0\0');
  const load = Buffer.alloc(ATTR_BYTES);
  load.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
  load.writeUInt32LE(code.length / 8, 4);
  load.writeBigUInt64LE(BigInt(addressOf(code)), 8);
  load.writeBigUInt64LE(BigInt(addressOf(license)), 16);
  const program = bpf(BPF_PROG_LOAD, load);
  const cgroup = openSync(folder, 'r');
  try {
    const attach = Buffer.alloc(ATTR_BYTES);
    attach.writeUInt32LE(cgroup, 0);
    attach.writeUInt32LE(program, 4);
    attach.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
    attach.writeUInt32LE(BPF_F_ALLOW_MULTI, 12);
    bpf(BPF_PROG_ATTACH, attach);
  } finally {
    closeSync(cgroup);
    closeSync(program);
  }
}

function encode(program: readonly Instruction[]): Buffer {
  const code = Buffer.alloc(program.length * 8);
  for (const [index, [opcode, dst, src, offset, imm]] of program.entries()) {
    const at = index * 8;
    code[at] = opcode;
    code[at + 1] = dst | (src << 4);
    code.writeInt16LE(offset, at + 2);
    code.writeInt32LE(imm, at + 4);
  }
  return code;
}
