/** Resource limits by name. Source: include/uapi/asm-generic/resource.h of Linux 6.12. */

import { setrlimit } from '../syscalls/libc.ts';
import type { RlimitSpec } from './spec.ts';

const NAMES: readonly string[] = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
];

export function isRlimit(name: string): boolean {
  return NAMES.includes(name);
}

export function applyRlimit(limit: RlimitSpec): void {
  const values = Buffer.alloc(16);
  values.writeBigUInt64LE(BigInt(limit.soft), 0);
  values.writeBigUInt64LE(BigInt(limit.hard), 8);
  setrlimit(NAMES.indexOf(limit.type), values);
}
