/**
 * Keeps the write-ahead log short without stopping the writer: SQLite's own checkpoint would run in a
 * commit, on this thread, and take as long as the disk needs for 16 MiB.
 *
 * A thread copies the log while the writer appends to it. Under steady load it never catches up with
 * the last pages, so that the log could not begin anew; when it has grown large, the few pages left are
 * copied here.
 *
 * Source: https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files.
 */

import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../../../base/logger.ts';

/** Begin when about this much has been written: opening reads a log of this size in moments. */
const LOG_BYTES = 16 * 1024 * 1024;

/** Beyond this many pages of 4 KiB the log must begin anew: 64 MiB. */
const LOG_PAGES_MAX = 16 * 1024;

/** A write's share of the tables, besides its value: three pages. */
const WRITE_BYTES = 3 * 4096;

interface Outcome {
  readonly logPages: number;
  readonly copiedPages: number;
}

export interface CheckpointerOptions {
  readonly db: DatabaseSync;
  readonly file: string;
  readonly logger: Logger;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #writtenBytes = 0;
  #running: Promise<void> | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Counts what was committed, and begins a checkpoint when it is time; outside of transactions. */
  wrote(writes: number, valueBytes: number): void {
    this.#writtenBytes += writes * WRITE_BYTES + valueBytes;
    if (this.#writtenBytes < LOG_BYTES || this.#running !== undefined) return;
    this.#writtenBytes = 0;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when no checkpoint is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { db, file, logger } = this.#options;
    try {
      const { logPages } = await checkpoint(file);
      if (logPages > LOG_PAGES_MAX) db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch (error) {
      // The log grows meanwhile, and nothing is lost: the next one copies all of it.
      logger.error('Could not checkpoint the store', { error });
    }
  }
}

function checkpoint(file: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: file,
    });
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`The checkpoint ended with code ${code}`)));
  });
}
