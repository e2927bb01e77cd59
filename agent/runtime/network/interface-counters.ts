/**
 * What has passed through the interfaces of a network namespace.
 *
 * Source: proc_pid_net(5), /proc/pid/net/dev.
 */

import { readFileSync } from 'node:fs';
import { inNetworkNamespace } from './in-network-namespace.ts';

/** From the pod's point of view. */
export interface InterfaceCounters {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** Of all interfaces but the loopback; `netns`: where it is pinned. Throws when it is gone. */
export function readInterfaceCounters(netns: string): readonly InterfaceCounters[] {
  // That of the thread: other threads of this process are not in the namespace.
  const text = inNetworkNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8'));
  return parseInterfaceCounters(text).filter(({ name }) => name !== 'lo');
}

/** Pure. */
export function parseInterfaceCounters(text: string): readonly InterfaceCounters[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    if (colon < 0) return []; // A heading.
    const name = line.slice(0, colon).trim();
    const numbers = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = numbers;
    return [{ name, rxBytes, rxErrors, txBytes, txErrors }];
  });
}
