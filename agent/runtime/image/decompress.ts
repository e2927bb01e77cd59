/** Decompresses by what the first bytes say: gzip, zstd, or nothing. Media types are not believed. */

import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The plain bytes. A failure of the source is one of the result. */
export async function decompressed(source: Readable): Promise<Readable> {
  const head = await readHead(source, ZSTD.length);
  const plain = new PassThrough();
  if (head.subarray(0, GZIP.length).equals(GZIP)) return pipe(source, head, createGunzip());
  if (head.subarray(0, ZSTD.length).equals(ZSTD)) return pipe(source, head, createZstdDecompress());
  return pipe(source, head, plain);
}

function pipe<T extends NodeJS.WritableStream & Readable>(
  source: Readable,
  head: Buffer,
  to: T,
): T {
  // Undoes the read: the bytes come again.
  if (head.length > 0) source.unshift(head);
  // The failure reaches the reader through `to`, which the pipeline destroys with it.
  pipeline(source, to, () => undefined);
  return to;
}

/** Up to `length` bytes; fewer only at the end. */
async function readHead(source: Readable, length: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onReadable = (): void => {
    const head: Buffer | null =
      source.read(length) ?? (source.readableLength > 0 ? null : source.read());
    if (head === null && !source.readableEnded) return;
    done(() => resolve(head ?? Buffer.alloc(0)));
  };
  const onEnd = (): void => done(() => resolve(Buffer.alloc(0)));
  const onError = (error: Error): void => done(() => reject(error));
  const done = (settle: () => void): void => {
    source.off('readable', onReadable).off('end', onEnd).off('error', onError);
    settle();
  };
  source.on('readable', onReadable).on('end', onEnd).on('error', onError);
  return promise;
}
