/**
 * Gives the calling thread the identity of a container's process, in the one order that works: what
 * needs privileges first, then they go. Source: capabilities(7), prctl(2), credentials(7).
 */

import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { capabilityNumber, encodeCapabilities } from './capabilities.ts';
import type { ProcessSpec } from './spec.ts';

/**
 * `grantable`: the capabilities this process has itself. One that it lacks, or that the kernel does not
 * know, is not given: a privileged container has what there is to have.
 */
export function becomeUser(spec: ProcessSpec, grantable: readonly number[]): void {
  const given = (names: readonly string[]): readonly number[] =>
    names
      .map((name) => capabilityNumber(name) ?? -1)
      .filter((number) => grantable.includes(number));
  const kept = given(spec.capabilities);
  const ambient = given(spec.ambientCapabilities);
  for (const number of grantable) {
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

/** In a user namespace that was just entered: its user 0, with all capabilities in it. */
export function becomeRootOfNamespace(): void {
  libc.setgroups([]);
  libc.setresgid(0);
  libc.setresuid(0);
  // A change of identity may have made the memory readable again.
  libc.prctl(linux.PR_SET_DUMPABLE, 0);
}
