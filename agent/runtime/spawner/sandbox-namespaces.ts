/**
 * Makes the namespaces of a pod: for a moment this thread is in them, gives the pod its host name, its
 * loopback device and its sysctls, and binds each namespace to a file, which keeps it. A process of its
 * own does the same at the price of a clone, where it must (sandbox-child.ts). All of it is synchronous:
 * nothing else may run while the thread is elsewhere.
 */

import { closeSync, openSync } from 'node:fs';
import { applyNamespaceSettings } from '../container/namespace-settings.ts';
import * as libc from '../syscalls/libc.ts';
import { CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUTS, MS_BIND } from '../syscalls/linux.ts';

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

export const NAMESPACE_FLAGS = { net: CLONE_NEWNET, ipc: CLONE_NEWIPC, uts: CLONE_NEWUTS } as const;

/** Throws; what was bound until then stays. */
export function pinNamespaces({ pins, hostname, sysctls }: PinRequest): void {
  const names = pins.map(({ name }) => name);
  const own = names.map((name) => ({ name, fd: openSync(ownNamespace(name), 'r') }));
  try {
    libc.unshare(names.reduce((flags, name) => flags | NAMESPACE_FLAGS[name], 0));
    try {
      applyNamespaceSettings({ names, hostname, sysctls });
      for (const { name, file } of pins) {
        libc.mount(ownNamespace(name), file, null, MS_BIND, null);
      }
    } finally {
      for (const { name, fd } of own) returnTo(fd, NAMESPACE_FLAGS[name]);
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
