/**
 * All sandboxes and containers of the runtime: in memory for reading, each change on disk before it is
 * visible. It holds the rules that span several of them: names are reserved once, ids are found by
 * unique prefix. It knows nothing of processes.
 */

import path from 'node:path';
import { type ContainerRecord, containerName, parseContainerRecord } from './container-record.ts';
import { RecordFolder } from './records.ts';
import { parseSandboxRecord, type SandboxRecord, sandboxName } from './sandbox-record.ts';

/** Shorter prefixes of ids are not looked up. */
const ID_PREFIX_LENGTH_MIN = 4;

export class RuntimeState {
  readonly #sandboxFiles: RecordFolder<SandboxRecord>;
  readonly #containerFiles: RecordFolder<ContainerRecord>;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ContainerRecord>();
  /** Reserved name -> id. */
  readonly #names = new Map<string, string>();
  /** File names of records that could not be read. */
  readonly broken: readonly string[];

  /** Reads what is there. */
  constructor(folder: string) {
    this.#sandboxFiles = new RecordFolder(path.join(folder, 'sandboxes'), parseSandboxRecord);
    this.#containerFiles = new RecordFolder(path.join(folder, 'containers'), parseContainerRecord);
    const sandboxes = this.#sandboxFiles.load();
    const containers = this.#containerFiles.load();
    this.broken = [...sandboxes.broken, ...containers.broken];
    for (const record of sandboxes.records) this.#remember(record);
    for (const record of containers.records) this.#rememberContainer(record);
  }

  sandboxes(): readonly SandboxRecord[] {
    return [...this.#sandboxes.values()];
  }

  containers(): readonly ContainerRecord[] {
    return [...this.#containers.values()];
  }

  containersOf(sandboxId: string): readonly ContainerRecord[] {
    return this.containers().filter((container) => container.sandboxId === sandboxId);
  }

  /** By id or unique prefix of one. */
  sandbox(id: string): SandboxRecord | undefined {
    return byPrefix(this.#sandboxes, id);
  }

  /** By id or unique prefix of one. */
  container(id: string): ContainerRecord | undefined {
    return byPrefix(this.#containers, id);
  }

  /** The id that holds the name, if any. */
  ownerOf(name: string): string | undefined {
    return this.#names.get(name);
  }

  putSandbox(record: SandboxRecord): void {
    this.#sandboxFiles.put(record.id, record);
    this.#remember(record);
  }

  putContainer(record: ContainerRecord): void {
    this.#containerFiles.put(record.id, record);
    this.#rememberContainer(record);
  }

  /** Its name is free again. */
  deleteSandbox(id: string): void {
    this.#sandboxFiles.delete(id);
    this.#sandboxes.delete(id);
    this.#releaseNames(id);
  }

  /** Its name is free again. */
  deleteContainer(id: string): void {
    this.#containerFiles.delete(id);
    this.#containers.delete(id);
    this.#releaseNames(id);
  }

  #remember(record: SandboxRecord): void {
    this.#sandboxes.set(record.id, record);
    this.#names.set(`pod ${sandboxName(record.metadata)}`, record.id);
  }

  #rememberContainer(record: ContainerRecord): void {
    this.#containers.set(record.id, record);
    const pod = this.#sandboxes.get(record.sandboxId)?.metadata;
    if (pod !== undefined)
      this.#names.set(`container ${containerName(record.metadata, pod)}`, record.id);
  }

  #releaseNames(id: string): void {
    for (const [name, owner] of this.#names) if (owner === id) this.#names.delete(name);
  }
}

function byPrefix<T>(records: ReadonlyMap<string, T>, id: string): T | undefined {
  const exact = records.get(id);
  if (exact !== undefined || id.length < ID_PREFIX_LENGTH_MIN) return exact;
  const matches = [...records.keys()].filter((key) => key.startsWith(id));
  return matches.length === 1 ? records.get(matches[0] ?? '') : undefined;
}
