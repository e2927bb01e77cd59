/**
 * The attributes of an unpacked file, set on the file that an fd stands for. Of extended attributes,
 * file capabilities and those of users are kept. Others would mean something to the host: `trusted.*`
 * to its overlays, `security.*` to its policies.
 */

import { chmodSync } from 'node:fs';
import { setXattr } from '../syscalls/files.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';

const KEPT = /^(?:security\.capability$|user\.)/;

/** Also for an fd that was opened with O_PATH; set-user-id and its like are kept. */
export function changeMode(fd: number, mode: number): void {
  // fchmod(2) takes no such fd. The link leads to the very file, whatever its name now is.
  chmodSync(`/proc/self/fd/${fd}`, mode);
}

/** After the owner was set, which removes capabilities. What the disk cannot keep is left out. */
export function setXattrs(fd: number, xattrs: ReadonlyMap<string, Buffer>): void {
  for (const [name, value] of xattrs) {
    if (!KEPT.test(name)) continue;
    try {
      setXattr(fd, name, value);
    } catch (error) {
      const isUnsupported = error instanceof SyscallError && UNSUPPORTED.includes(error.code);
      if (!isUnsupported) throw error;
    }
  }
}

/** The file system has no attributes, or no room for this one, or not on this type of file. */
const UNSUPPORTED = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSPC', 'EPERM'];
