/**
 * Durable records: one JSON file each in one folder, replaced atomically. A record that `put` has
 * returned from is found again after the process is killed at any moment; a torn one cannot be seen.
 * It does not call fsync: what the records describe (processes, mounts, namespaces) does not outlive
 * the machine either.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SUFFIX = '.json';

/** Synchronous, so that a state change and its record cannot be interleaved with another's. */
export class RecordFolder<T> {
  readonly #folder: string;
  readonly #parse: (value: unknown) => T | undefined;

  /** `parse` checks what was read; it returns undefined for what is no record of this kind. */
  constructor(folder: string, parse: (value: unknown) => T | undefined) {
    this.#folder = folder;
    this.#parse = parse;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  put(id: string, record: T): void {
    const file = this.#file(id);
    writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }

  /** Does nothing when there is no such record. */
  delete(id: string): void {
    rmSync(this.#file(id), { force: true });
  }

  /** Reads all; removes left-over temporary files. Unreadable records are returned by file name. */
  load(): { readonly records: readonly T[]; readonly broken: readonly string[] } {
    const records: T[] = [];
    const broken: string[] = [];
    for (const name of readdirSync(this.#folder)) {
      const file = path.join(this.#folder, name);
      if (!name.endsWith(SUFFIX)) {
        rmSync(file, { force: true });
        continue;
      }
      const record = this.#read(file);
      if (record === undefined) broken.push(name);
      else records.push(record);
    }
    return { records, broken };
  }

  #read(file: string): T | undefined {
    try {
      return this.#parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id}${SUFFIX}`);
  }
}
