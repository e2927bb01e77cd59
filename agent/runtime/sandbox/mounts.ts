/**
 * A container's mounts: those the CRI asks for, and the pod's own files where it does not. Pure.
 *
 * Source: api.proto (Mount); containerd's order: shallow targets first, the CRI's win.
 */

import path from 'node:path';
import { CriError } from '../../../proto/cri/rpcs.ts';
import type { IdMapping as CriIdMapping, Mount } from '../../../proto/cri/types.ts';
import type { BindMount, IdMapping, ImageMount, UserNamespace } from '../container/spec.ts';

const PROPAGATION = {
  PROPAGATION_PRIVATE: 'private',
  PROPAGATION_HOST_TO_CONTAINER: 'slave',
  PROPAGATION_BIDIRECTIONAL: 'shared',
} as const;

/**
 * Throws a CriError at what is wrong or not implemented. `podFiles`: target -> source; `ofImage` makes
 * those whose content is an image.
 */
export function containerMounts(
  given: readonly Mount[],
  podFiles: ReadonlyMap<string, string>,
  isRootReadonly: boolean,
  user?: UserNamespace,
  ofImage?: (mount: Mount) => ImageMount,
): readonly (BindMount | ImageMount)[] {
  const mounts = given.map((mount) => {
    if (mount.mount_options.length > 0) {
      throw unimplemented(`mount options at "${mount.container_path}"`);
    }
    if (mount.image === null) return bindMount(mount, user);
    if (ofImage !== undefined) return ofImage(mount);
    throw unimplemented(`mount of an image at "${mount.container_path}"`);
  });
  const targets = new Set(mounts.map((mount) => mount.target));
  for (const [target, source] of podFiles) {
    if (targets.has(target)) continue;
    mounts.push({
      kind: 'bind',
      source,
      target,
      isReadonly: isRootReadonly,
      propagation: 'private',
      isIdMapped: true,
    });
  }
  return mounts.toSorted((a, b) => depth(a.target) - depth(b.target));
}

/** Other mappings would need a user namespace of their own. */
function isSandboxMapping(mount: Mount, user: UserNamespace | undefined): boolean {
  const isSame = (mappings: readonly CriIdMapping[], own: IdMapping | undefined): boolean =>
    mappings.length === 1 &&
    mappings[0]?.container_id === 0 &&
    mappings[0].host_id === own?.hostId &&
    mappings[0].length === own.length;
  return isSame(mount.uidMappings, user?.uids) && isSame(mount.gidMappings, user?.gids);
}

function bindMount(mount: Mount, user: UserNamespace | undefined): BindMount {
  const { container_path: target, host_path: source } = mount;
  const isIdMapped = mount.uidMappings.length + mount.gidMappings.length > 0;
  if (isIdMapped && !isSandboxMapping(mount, user)) {
    throw invalid(`the id mapping of the mount at "${target}" is not that of the sandbox`);
  }
  if (!target.startsWith('/')) throw invalid(`container_path "${target}" is not absolute`);
  if (!source.startsWith('/')) throw invalid(`host_path "${source}" is not absolute`);
  const propagation = PROPAGATION[mount.propagation];
  if (mount.recursive_read_only && !(mount.readonly && propagation === 'private')) {
    throw invalid(`recursive_read_only at "${target}" needs readonly and private propagation`);
  }
  return {
    kind: 'bind',
    source,
    target: path.posix.normalize(target),
    isReadonly: mount.readonly,
    isRecursiveReadonly: mount.recursive_read_only,
    propagation,
    isIdMapped,
  };
}

function depth(target: string): number {
  return target.split('/').filter((name) => name !== '').length;
}

function invalid(message: string): CriError {
  return new CriError('INVALID_ARGUMENT', message);
}

function unimplemented(what: string): CriError {
  return new CriError('UNIMPLEMENTED', `not implemented: ${what}`);
}
