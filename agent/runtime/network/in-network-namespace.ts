/**
 * Does one thing with this thread in another network namespace: a socket stays in the namespace in which
 * it was made. Synchronous: nothing else may run before the thread is back.
 */

import { closeSync, openSync } from 'node:fs';
import { setns } from '../syscalls/libc.ts';
import { CLONE_NEWNET } from '../syscalls/linux.ts';

/** `netns`: where the namespace is pinned; undefined: the one this process is in. */
export function inNetworkNamespace<T>(netns: string | undefined, use: () => T): T {
  if (netns === undefined) return use();
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const target = openSync(netns, 'r');
    try {
      setns(target, CLONE_NEWNET);
      return use();
    } finally {
      // A failure here ends the process: it must never go on in a pod's namespace.
      returnTo(own);
      closeSync(target);
    }
  } finally {
    closeSync(own);
  }
}

function returnTo(netns: number): void {
  try {
    setns(netns, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}
