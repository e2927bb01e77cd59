/**
 * The blobs of a store by their digest: manifests, configurations and layers as they came. A blob is in
 * `blobs/sha256` only when it is whole, its size and digest are right, and it is on disk; until then it
 * is in `partial`, where the next who wants it goes on, whoever began and whatever ended them.
 */

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { backoffMs } from '../../../base/backoff.ts';
import type { Clock } from '../../../base/clock.ts';
import { FileLock } from './file-lock.ts';
import { isTransient, PullError } from './pull-error.ts';
import type { StoreFiles } from './store-files.ts';

export const BLOBS = 'blobs/sha256';
export const PARTIAL = 'partial';
/** Largest layer as it is sent, in bytes: against registries that never end. */
export const BLOB_BYTES_MAX = 32 * 2 ** 30;

/** Tries in a row without a byte more. */
const ATTEMPTS_MAX = 5;
/** Connections for one blob: against registries that send a byte each time. */
const PARTS_MAX = 1_000;
const RETRY = { initialMs: 200, maxMs: 10_000 };

export interface BlobDescriptor {
  readonly digest: string;
  readonly size: number;
}

/** Bytes of a blob from `start` on, which is the offset asked for, or 0. */
export interface BlobPart {
  readonly start: number;
  readonly body: AsyncIterable<Buffer>;
}

export type FetchBlob = (offset: number) => Promise<BlobPart>;

export interface TakeOptions {
  readonly signal: AbortSignal;
  /** How many bytes of it are here. */
  readonly onBytes?: (bytes: number) => void;
}

export class BlobStore {
  readonly #files: StoreFiles;
  readonly #clock: Clock;

  constructor(files: StoreFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  has(digest: string): boolean {
    return existsSync(this.#file(digest));
  }

  /** Bytes; throws when it is not there. */
  size(digest: string): number {
    return statSync(this.#file(digest)).size;
  }

  open(digest: string): Readable {
    return createReadStream(this.#file(digest), { highWaterMark: 64 * 1024 });
  }

  read(digest: string): Buffer {
    return readFileSync(this.#file(digest));
  }

  /** Brings a blob here, in as many parts as it takes. Whoever else wants it meanwhile waits for it. */
  async take(blob: BlobDescriptor, fetch: FetchBlob, options: TakeOptions): Promise<void> {
    if (blob.size > BLOB_BYTES_MAX) {
      throw new PullError(`The blob ${blob.digest} has ${blob.size} bytes: too many`, {
        kind: 'invalid',
      });
    }
    if (this.#isHere(blob)) return;
    const lock = await this.#lock(blob.digest, options.signal);
    try {
      if (!this.#isHere(blob)) await this.#download(blob, fetch, options);
    } finally {
      lock.release();
    }
  }

  /** Stores bytes that are at hand. */
  async put(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const fetch = async () => ({ start: 0, body: oneChunk(bytes) });
    await this.take({ digest: digestOf(bytes), size: bytes.length }, fetch, { signal });
  }

  /** Takes a file of the store's own file system as the blob, after a look at its digest. */
  async adopt(blob: BlobDescriptor, file: string, signal: AbortSignal): Promise<void> {
    if (this.has(blob.digest)) return;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== blob.digest) throw mismatch(blob, statSync(file).size, digest);
    const handle = await open(file, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    this.#publish(file, blob.digest);
  }

  #isHere(blob: BlobDescriptor): boolean {
    if (!this.has(blob.digest)) return false;
    const size = this.size(blob.digest);
    if (size === blob.size) return true;
    throw new PullError(`The blob ${blob.digest} has ${size} bytes, not ${blob.size}`, {
      kind: 'invalid',
    });
  }

  async #download(blob: BlobDescriptor, fetch: FetchBlob, options: TakeOptions): Promise<void> {
    const partial = this.#files.path(`${PARTIAL}/${hexOf(blob.digest)}`);
    const file = await open(partial, existsSync(partial) ? 'r+' : 'wx+', 0o600);
    try {
      const written = await WrittenBlob.resume(file, blob);
      const resumed = written.length;
      await this.#complete(blob, written, fetch, options);
      if (resumed > 0 && !written.isRight()) {
        // What an earlier pull left was not the beginning of this blob.
        await written.restart();
        await this.#complete(blob, written, fetch, options);
      }
      if (!written.isRight()) {
        // To go on with it would give the same again.
        rmSync(partial, { force: true });
        throw mismatch(blob, written.length, written.digest());
      }
      await file.sync();
    } finally {
      await file.close();
    }
    this.#publish(partial, blob.digest);
  }

  /** Fetches part after part until all bytes are here. */
  async #complete(
    blob: BlobDescriptor,
    written: WrittenBlob,
    fetch: FetchBlob,
    options: TakeOptions,
  ): Promise<void> {
    let failures = 0;
    for (let parts = 0; written.length < blob.size; parts += 1) {
      const before = written.length;
      try {
        await written.append(await fetch(before), options);
      } catch (error) {
        options.signal.throwIfAborted();
        failures = written.length > before ? 0 : failures + 1;
        if (!isTransient(error) || failures >= ATTEMPTS_MAX || parts >= PARTS_MAX) throw error;
        const delayMs = failures === 0 ? 0 : backoffMs(RETRY, failures - 1);
        await this.#clock.after(delayMs, options.signal);
        options.signal.throwIfAborted();
      }
    }
  }

  #publish(file: string, digest: string): void {
    renameSync(file, this.#file(digest));
    this.#files.syncFolder(BLOBS);
  }

  #lock(digest: string, signal: AbortSignal): Promise<FileLock> {
    const file = this.#files.path(`locks/blob-${hexOf(digest)}`);
    return FileLock.take(file, 'exclusive', this.#clock, signal);
  }

  #file(digest: string): string {
    return this.#files.path(`${BLOBS}/${hexOf(digest)}`);
  }
}

/** What of a blob is in its file, and the hash of it. */
class WrittenBlob {
  readonly #file: FileHandle;
  readonly #blob: BlobDescriptor;
  #hash: Hash = createHash('sha256');
  length = 0;

  private constructor(file: FileHandle, blob: BlobDescriptor) {
    this.#file = file;
    this.#blob = blob;
  }

  static async resume(file: FileHandle, blob: BlobDescriptor): Promise<WrittenBlob> {
    const written = new WrittenBlob(file, blob);
    const { size } = await file.stat();
    if (size > blob.size) await written.restart();
    else {
      const stream = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 18 });
      for await (const chunk of stream) written.#count(chunk as Buffer);
    }
    return written;
  }

  /** Throws, transiently, when the part ends before the blob does. */
  async append({ start, body }: BlobPart, { signal, onBytes }: TakeOptions): Promise<void> {
    if (start !== this.length) await this.restart();
    for await (const chunk of body) {
      signal.throwIfAborted();
      if (this.length + chunk.length > this.#blob.size) {
        await this.restart();
        const { digest, size } = this.#blob;
        throw new PullError(`The blob ${digest} has more than its ${size} bytes`, {
          kind: 'invalid',
        });
      }
      for (let at = 0; at < chunk.length; ) {
        const left = chunk.length - at;
        at += (await this.#file.write(chunk, at, left, this.length + at)).bytesWritten;
      }
      this.#count(chunk);
      onBytes?.(this.length);
    }
    if (this.length === this.#blob.size) return;
    const text = `The blob ${this.#blob.digest} ended after ${this.length} of ${this.#blob.size} bytes`;
    throw new PullError(text, { kind: 'unavailable', isTransient: true });
  }

  digest(): string {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }

  isRight(): boolean {
    return this.length === this.#blob.size && this.digest() === this.#blob.digest;
  }

  #count(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.length += chunk.length;
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.length = 0;
  }
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function mismatch(blob: BlobDescriptor, length: number, digest: string): PullError {
  return new PullError(
    `A blob has the digest ${digest} and ${length} bytes; ${blob.digest} with ${blob.size} was declared`,
    { kind: 'invalid' },
  );
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
