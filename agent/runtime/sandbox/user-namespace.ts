/**
 * The user namespace of a pod: what the CRI asks for, checked, and whether this machine has what it
 * takes. Pure but for the last.
 *
 * Source: api.proto (UserNamespace), KEP-127; containerd internal/cri/server sandbox_run_linux.go.
 */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { CriError } from '../../../proto/cri/rpcs.ts';
import type { IdMapping as CriIdMapping, NamespaceOption } from '../../../proto/cri/types.ts';
import type { IdMapping, UserNamespace } from '../container/spec.ts';

/** The first whose overlayfs takes layers as fds, and so mapped ones. */
const KERNEL_MIN = [6, 13] as const;
const NAMESPACES_MAX_FILE = '/proc/sys/user/max_user_namespaces';
/** The last id stands for none. */
const ID_MAX = 2 ** 32 - 1;

/** Undefined: the node's. Throws a CriError when it is asked for in a way that is not allowed. */
export function userNamespace(options: NamespaceOption | null): UserNamespace | undefined {
  const asked = options?.userns_options ?? null;
  switch (asked?.mode) {
    case undefined:
    case 'NODE':
      return undefined;
    case 'CONTAINER':
    case 'TARGET':
      throw invalid(`a user namespace of the mode ${asked.mode} is not supported`);
    case 'POD':
      break;
  }
  if ([options?.network, options?.ipc, options?.pid].includes('NODE')) {
    throw invalid("a user namespace goes only with the pod's own network, IPC and PID namespaces");
  }
  return { uids: single('uid', asked.uids), gids: single('gid', asked.gids) };
}

/** What a container says must be what its sandbox has, or nothing. */
export function checkSameUserNamespace(
  sandbox: NamespaceOption | null,
  container: NamespaceOption | null,
): void {
  if ((container?.userns_options ?? null) === null) return;
  if (isDeepStrictEqual(userNamespace(sandbox), userNamespace(container))) return;
  throw invalid('the user namespace of the container is not that of its sandbox');
}

/** One range for each is what there is, as in other runtimes. */
function single(kind: string, mappings: readonly CriIdMapping[]): IdMapping {
  const [mapping, ...others] = mappings;
  if (mapping === undefined || others.length > 0) {
    throw invalid(`a user namespace needs one ${kind} mapping, and ${mappings.length} were given`);
  }
  const { container_id: containerId, host_id: hostId, length } = mapping;
  if (containerId !== 0) throw invalid(`the ${kind} mapping does not begin with 0`);
  if (length < 1 || hostId + length > ID_MAX) {
    throw invalid(`the ${kind} mapping of ${length} ids from ${hostId} on is not within 32 bits`);
  }
  return { hostId, length };
}

/** Whether pods can have user namespaces here; file systems may still refuse to map their owners. */
export function hasUserNamespaces(): boolean {
  const [major = 0, minor = 0] = os.release().split(/[.-]/).map(Number);
  const isNew = major > KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor >= KERNEL_MIN[1]);
  return isNew && namespacesMax() > 0;
}

/** 0 where the kernel is built without them. */
function namespacesMax(): number {
  try {
    return Number(readFileSync(NAMESPACES_MAX_FILE, 'utf8'));
  } catch {
    return 0;
  }
}

function invalid(message: string): CriError {
  return new CriError('INVALID_ARGUMENT', message);
}
