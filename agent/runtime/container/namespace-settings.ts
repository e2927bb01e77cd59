/** What is set in the new namespaces of a pod, by a thread that is in them. Source: netdevice(7). */

import * as libc from '../syscalls/libc.ts';
import { AT_FDCWD, O_CLOEXEC, O_WRONLY, SIOCGIFFLAGS, SIOCSIFFLAGS } from '../syscalls/linux.ts';
import { openInRoot, tryOpenInRoot } from './in-root.ts';

export interface NamespaceSettings {
  /** The namespaces that are new. */
  readonly names: readonly string[];
  /** Set when there is a UTS namespace. */
  readonly hostname: string;
  /** By name, as `net.core.somaxconn`; only of namespaces that are new. */
  readonly sysctls: Readonly<Record<string, string>>;
}

const AF_INET = 2;
const SOCK_DGRAM = 2;
/** struct ifreq: a name of 16 bytes, then flags of 16 bits. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_AT = 16;
const IFF_UP = 1;
/** Of linux/magic.h. */
const PROC_SUPER_MAGIC = 0x9fa0;

export function applyNamespaceSettings({ names, hostname, sysctls }: NamespaceSettings): void {
  if (names.includes('uts')) libc.sethostname(hostname);
  if (names.includes('net')) {
    raiseLoopback();
    ignoreRouters();
  }
  for (const [name, value] of Object.entries(sysctls)) writeSysctl(name, value);
}

function raiseLoopback(): void {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC);
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write('lo');
    libc.ioctl(socket, SIOCGIFFLAGS, request);
    request.writeUInt16LE(request.readUInt16LE(IFREQ_FLAGS_AT) | IFF_UP, IFREQ_FLAGS_AT);
    libc.ioctl(socket, SIOCSIFFLAGS, request);
  } finally {
    libc.close(socket);
  }
}

/**
 * A pod has the routes it was given; a neighbour on the bridge must not be able to give it others
 * (CVE-2020-10749). A kernel without IPv6 has no such files.
 */
function ignoreRouters(): void {
  for (const name of ['all', 'default']) {
    const file = `/proc/sys/net/ipv6/conf/${name}/accept_ra`;
    const known = tryOpenInRoot(AT_FDCWD, file);
    if (known === undefined) continue;
    libc.close(known);
    writeSysctl(`net.ipv6.conf.${name}.accept_ra`, '0');
  }
}

/** Those of a namespace are the caller's own, whichever procfs they are written through. */
function writeSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  const file = openInRoot(AT_FDCWD, path, O_WRONLY);
  try {
    // A file that only looks like the kernel's must not get what was meant for it.
    if (libc.fileSystemType(file) !== PROC_SUPER_MAGIC) throw new Error(`${path} is not procfs`);
    libc.write(file, Buffer.from(value));
  } finally {
    libc.close(file);
  }
}
