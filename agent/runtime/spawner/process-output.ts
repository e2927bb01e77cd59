/**
 * The output of one process, handed on to everyone who listens. When one of them is behind, nothing
 * more is read until it has caught up: the process waits then, and memory stays bounded.
 */

import type { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import type { OutputStream } from './log-lines.ts';

export interface OutputListener {
  /** Whether it can take more at once; if not, it calls {@link ProcessOutput.drained} when it can. */
  take(stream: OutputStream, chunk: Buffer): boolean;
}

export class ProcessOutput {
  readonly #sources: readonly Readable[];
  readonly #listeners = new Set<OutputListener>();
  readonly #behind = new Set<OutputListener>();
  readonly #ends: readonly Promise<void>[];

  /** One source that counts as stdout (a terminal), or stdout and stderr. */
  constructor(sources: readonly [stdout: Readable, stderr?: Readable]) {
    this.#sources = sources.filter((source) => source !== undefined);
    this.#ends = this.#sources.map((source, index) => {
      const end = Promise.withResolvers<void>();
      source.on('data', (chunk: Buffer) => this.#handOn(index === 0 ? 'stdout' : 'stderr', chunk));
      source.on('error', () => undefined); // EIO is how a terminal ends. Followed by `close`.
      source.on('close', () => end.resolve());
      source.on('end', () => source.destroy());
      return end.promise;
    });
  }

  add(listener: OutputListener): void {
    this.#listeners.add(listener);
  }

  remove(listener: OutputListener): void {
    this.#listeners.delete(listener);
    this.drained(listener);
  }

  drained(listener: OutputListener): void {
    this.#behind.delete(listener);
    if (this.#behind.size === 0) for (const source of this.#sources) source.resume();
  }

  /** Resolves when all output has been handed on, or after the time, when something keeps it open. */
  async finish(clock: Clock, timeoutMs: number): Promise<void> {
    const stop = new AbortController();
    await Promise.race([Promise.all(this.#ends), clock.after(timeoutMs, stop.signal)]);
    stop.abort();
    for (const source of this.#sources) source.destroy();
  }

  #handOn(stream: OutputStream, chunk: Buffer): void {
    for (const listener of this.#listeners) {
      if (!listener.take(stream, chunk)) this.#behind.add(listener);
    }
    if (this.#behind.size > 0) for (const source of this.#sources) source.pause();
  }
}
