/**
 * Gives the calling thread the identity of a container's process, in the one order that works: what
 * needs privileges first, then they go. Source: capabilities(7), prctl(2), credentials(7).
 */

import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { capabilityNumber, encodeCapabilities } from './capabilities.ts';
import type { ProcessSpec } from './spec.ts';

/** `lastCapability`: of the running kernel; capabilities above are not known to it. */
export function becomeUser(spec: ProcessSpec, lastCapability: number): void {
  const known = (names: readonly string[]): readonly number[] =>
    names
      .map((name) => capabilityNumber(name) ?? Number.POSITIVE_INFINITY)
      .filter((number) => number <= lastCapability);
  const kept = known(spec.capabilities);
  const ambient = known(spec.ambientCapabilities);
  for (let number = 0; number <= lastCapability; number += 1) {
    if (!kept.includes(number)) libc.prctl(linux.PR_CAPBSET_DROP, number);
  }
  libc.prctl(linux.PR_SET_KEEPCAPS, 1);
  const { uid, gid, supplementalGroups } = spec.user;
  libc.setgroups([...new Set([gid, ...supplementalGroups])]);
  libc.setresgid(gid);
  libc.setresuid(uid);
  const { header, data } = encodeCapabilities({
    effective: kept,
    permitted: kept,
    inheritable: ambient,
  });
  libc.capset(header, data);
  libc.prctl(linux.PR_SET_KEEPCAPS, 0);
  libc.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL);
  for (const number of ambient) {
    libc.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_RAISE, number);
  }
  if (spec.noNewPrivileges) libc.prctl(linux.PR_SET_NO_NEW_PRIVS, 1);
}
