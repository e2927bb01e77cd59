/**
 * What is remembered of a sandbox, and the rules of its states. Pure.
 *
 * `creating` is not shown to clients: a sandbox that a crash left in it is taken apart again. A sandbox
 * never becomes ready a second time.
 */

import type { PodSandboxConfig, PodSandboxMetadata } from '../../../proto/cri/types.ts';

export interface SandboxRecord {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  /** Nanoseconds since the epoch, as are all such fields. */
  readonly createdAtNs: string;
  readonly phase: 'creating' | 'ready' | 'notready';
  /** The pod's address; empty on the node's network. */
  readonly ip: string;
  /** Of other families or networks; absent: none. */
  readonly additionalIps?: readonly string[];
  /** It has, or may have, an address and a veth pair that must be taken away. */
  readonly isNetworkAttached: boolean;
}

/** A name that may be reserved once: a second sandbox of the same attempt is an error. */
export function sandboxName(metadata: PodSandboxMetadata): string {
  return [metadata.name, metadata.namespace, metadata.uid, metadata.attempt].join('_');
}

/** Whether the sandbox shares the node's network: it then has no address of its own. */
export function isOnNodeNetwork(config: PodSandboxConfig): boolean {
  return config.linux?.security_context?.namespace_options?.network === 'NODE';
}

/** Checks a record that was read from disk; undefined when it is none. */
export function parseSandboxRecord(value: unknown): SandboxRecord | undefined {
  const record = value as Partial<SandboxRecord> | null;
  const isRecord =
    typeof record?.id === 'string' &&
    typeof record.metadata?.name === 'string' &&
    typeof record.config === 'object' &&
    typeof record.phase === 'string';
  // Written by this program only; the check is for torn or foreign files.
  return isRecord ? (record as SandboxRecord) : undefined;
}
