/**
 * The CRI log file of one container. Written at once and synchronously: while the disk is slow, nothing
 * is read from the container, and no more than one chunk is in memory.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { isoTime } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { LogLines, type OutputStream } from './log-lines.ts';
import { formatNanoTime, type NanoClock } from './nano-clock.ts';

/** For the kubelet and its group, as other runtimes make it. */
const MODE = 0o640;

export class ContainerLog {
  readonly #path: string;
  readonly #clock: NanoClock;
  readonly #logger: Logger;
  readonly #lines = { stdout: new LogLines('stdout'), stderr: new LogLines('stderr') };
  #file: number;
  #hasFailed = false;

  /** Throws when the file cannot be opened for appending. */
  constructor(path: string, clock: NanoClock, logger: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger;
    this.#file = openSync(path, 'a', MODE);
  }

  write(stream: OutputStream, chunk: Buffer): void {
    this.#append(this.#lines[stream].push(chunk, this.#time()));
  }

  /** From here on nothing more goes to the file that the path led to before. */
  reopen(): void {
    const file = openSync(this.#path, 'a', MODE);
    closeSync(this.#file);
    this.#file = file;
    this.#hasFailed = false;
  }

  close(): void {
    for (const lines of [this.#lines.stdout, this.#lines.stderr]) {
      this.#append(lines.end(this.#time()));
    }
    closeSync(this.#file);
  }

  /** A full disk costs log lines, not the container: said once, and tried again at the next. */
  #append(records: Buffer): void {
    try {
      for (let at = 0; at < records.length; ) at += writeSync(this.#file, records, at);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#logger.error('Lost log lines', { path: this.#path, error });
      this.#hasFailed = true;
    }
  }

  #time(): string {
    return formatNanoTime(this.#clock.now(), isoTime);
  }
}
