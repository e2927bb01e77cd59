/**
 * Which ids of the node a pod with `hostUsers: false` has: a block of 65536 of its own, written into the
 * pod's folder before the runtime is told, and free again when the folder is gone.
 *
 * Source: kubernetes pkg/kubelet/userns/userns_manager.go, v1.36; KEP-127.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { IdMapping } from '../../proto/cri/types.ts';
import type { AgentPaths } from '../agent-paths.ts';

export const USER_NAMESPACE_IDS = 65_536;
/** Block 0 is the node's own; the last ends before 2^32 - 1, which stands for none. */
const BLOCKS_MAX = 65_535;

export class UserNamespaces {
  readonly #paths: AgentPaths;

  constructor(paths: AgentPaths) {
    this.#paths = paths;
  }

  /** The same at each call for a pod. Undefined: it has the users of the node. */
  mappingOf(pod: Pod): IdMapping | undefined {
    if (pod.spec.hostUsers !== false) return undefined;
    const { uid } = pod.metadata;
    const block = this.#read(uid) ?? this.#allocate(uid);
    return {
      container_id: 0,
      host_id: block * USER_NAMESPACE_IDS,
      length: USER_NAMESPACE_IDS,
    };
  }

  #allocate(uid: string): number {
    const taken = new Set(this.#podUids().map((other) => this.#read(other)));
    for (let block = 1; block < BLOCKS_MAX; block += 1) {
      if (taken.has(block)) continue;
      mkdirSync(this.#paths.pod(uid), { recursive: true, mode: 0o750 });
      const file = this.#paths.userNamespace(uid);
      writeFileSync(`${file}.new`, `${block}\n`, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
      return block;
    }
    throw new Error(`All ${BLOCKS_MAX - 1} blocks of user ids are taken`);
  }

  /** Undefined when the pod has none. Throws at a file that is no number: its ids may be in use. */
  #read(uid: string): number | undefined {
    const file = this.#paths.userNamespace(uid);
    const text = readIfThere(file);
    if (text === undefined) return undefined;
    const block = Number(text.trim());
    if (Number.isInteger(block) && block > 0 && block < BLOCKS_MAX) return block;
    throw new Error(`"${file}" holds no block of user ids`);
  }

  #podUids(): readonly string[] {
    try {
      return readdirSync(this.#paths.pods);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
