/**
 * Makes the namespaces of a pod: for a moment this thread is in them, gives the pod its host name, its
 * loopback device and its sysctls, and binds each namespace to a file, which keeps it. A process of its
 * own would do the same at the price of a clone. All of it is synchronous: nothing else may run while
 * the thread is elsewhere.
 */

import { closeSync, openSync } from 'node:fs';
import { openInRoot } from '../container/in-root.ts';
import * as libc from '../syscalls/libc.ts';
import {
  AT_FDCWD,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWUTS,
  MS_BIND,
  O_CLOEXEC,
  O_WRONLY,
  SIOCGIFFLAGS,
  SIOCSIFFLAGS,
} from '../syscalls/linux.ts';

export const SANDBOX_NAMESPACES = ['net', 'ipc', 'uts'] as const;
type NamespaceName = (typeof SANDBOX_NAMESPACES)[number];

export interface PinRequest {
  /** Host files to bind the namespaces to. */
  readonly pins: readonly { readonly name: NamespaceName; readonly file: string }[];
  /** Set when there is a UTS namespace. */
  readonly hostname: string;
  /** By name, as `net.core.somaxconn`; only of namespaces that are made. */
  readonly sysctls: Readonly<Record<string, string>>;
}

const FLAGS = { net: CLONE_NEWNET, ipc: CLONE_NEWIPC, uts: CLONE_NEWUTS } as const;
const AF_INET = 2;
const SOCK_DGRAM = 2;
/** struct ifreq: a name of 16 bytes, then flags of 16 bits. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_AT = 16;
const IFF_UP = 1;

/** Throws; what was bound until then stays. */
export function pinNamespaces({ pins, hostname, sysctls }: PinRequest): void {
  const names = pins.map(({ name }) => name);
  const own = names.map((name) => ({ name, fd: openSync(ownNamespace(name), 'r') }));
  try {
    libc.unshare(names.reduce((flags, name) => flags | FLAGS[name], 0));
    try {
      if (names.includes('uts')) libc.sethostname(hostname);
      if (names.includes('net')) raiseLoopback();
      for (const [name, value] of Object.entries(sysctls)) writeSysctl(name, value);
      for (const { name, file } of pins) {
        libc.mount(ownNamespace(name), file, null, MS_BIND, null);
      }
    } finally {
      for (const { name, fd } of own) returnTo(fd, FLAGS[name]);
    }
  } finally {
    for (const { fd } of own) closeSync(fd);
  }
}

function ownNamespace(name: NamespaceName): string {
  return `/proc/thread-self/ns/${name}`;
}

/** A failure here ends the process: it must never go on in a pod's namespaces. */
function returnTo(namespace: number, flags: number): void {
  try {
    libc.setns(namespace, flags);
  } catch {
    process.abort();
  }
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

/** Those of a namespace are the caller's own, whichever procfs they are written through. */
function writeSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  const file = openInRoot(AT_FDCWD, path, O_WRONLY);
  try {
    libc.write(file, Buffer.from(value));
  } finally {
    libc.close(file);
  }
}
