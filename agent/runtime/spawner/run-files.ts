/**
 * What the spawner keeps below its run folder, so that the next one finds it:
 *
 *   containers/ID/spec.json      the spec, from createContainer on
 *   containers/ID/started.json   which process it is, written before its program runs
 *   containers/ID/exit.json      how it ended
 *   containers/ID/std{in,out,err}  named pipes of its standard streams
 *   containers/ID/rootfs/        where the root is mounted, in the container's namespace only
 *   sandboxes/ID/sandbox.json    the spec, and since which start of the machine
 *   sandboxes/ID/{net,ipc,uts,pid,user}  the namespaces, bound to files
 *   sandboxes/ID/shm/            /dev/shm of the pod, a tmpfs
 *
 * A file is there whole or not at all. Nothing is flushed to disk: when the machine fails, all it tells
 * of has ended.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ContainerSpec, SandboxSpec } from '../container/spec.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { ProcessExit } from './protocol.ts';

export interface StartRecord extends ProcessIdentity {
  readonly startedAtNs: string;
}

export interface SandboxRecord {
  readonly spec: SandboxSpec;
  /** Namespaces end with the machine's run, the folder perhaps not. */
  readonly bootId: string;
  /** False while it is being made. */
  readonly isReady: boolean;
}

/** One file of JSON. What is read was written here. */
class RecordFile<T> {
  readonly #path: string;

  constructor(file: string) {
    this.#path = file;
  }

  write(value: T): void {
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }

  read(): T | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as T;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw new Error(`Cannot read ${this.#path}`, { cause: error });
    }
  }
}

export class ContainerFiles {
  readonly folder: string;
  readonly rootfs: string;
  readonly spec: RecordFile<ContainerSpec>;
  readonly start: RecordFile<StartRecord>;
  readonly exit: RecordFile<ProcessExit>;

  constructor(runDir: string, id: string) {
    this.folder = path.join(runDir, 'containers', id);
    this.rootfs = path.join(this.folder, 'rootfs');
    this.spec = new RecordFile(path.join(this.folder, 'spec.json'));
    this.start = new RecordFile(path.join(this.folder, 'started.json'));
    this.exit = new RecordFile(path.join(this.folder, 'exit.json'));
  }

  pipe(name: 'stdin' | 'stdout' | 'stderr'): string {
    return path.join(this.folder, name);
  }

  make(): void {
    mkdirSync(this.rootfs, { recursive: true, mode: 0o700 });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a sandbox may have of its own. */
export const PINNED_NAMESPACES = ['net', 'ipc', 'uts', 'pid', 'user'] as const;
export type PinnedNamespace = (typeof PINNED_NAMESPACES)[number];

export class SandboxFiles {
  readonly folder: string;
  readonly shm: string;
  readonly record: RecordFile<SandboxRecord>;

  constructor(runDir: string, id: string) {
    this.folder = path.join(runDir, 'sandboxes', id);
    this.shm = path.join(this.folder, 'shm');
    this.record = new RecordFile(path.join(this.folder, 'sandbox.json'));
  }

  namespace(name: PinnedNamespace): string {
    return path.join(this.folder, name);
  }

  make(): void {
    mkdirSync(this.shm, { recursive: true, mode: 0o700 });
    for (const name of PINNED_NAMESPACES) {
      writeFileSync(this.namespace(name), '', { flag: 'a' });
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function containerIds(runDir: string): readonly string[] {
  return listFolder(path.join(runDir, 'containers'));
}

export function sandboxIds(runDir: string): readonly string[] {
  return listFolder(path.join(runDir, 'sandboxes'));
}

function listFolder(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return readdirSync(folder);
}
