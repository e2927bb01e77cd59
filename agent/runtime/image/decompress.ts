/** Decompresses by what the first bytes say: gzip, zstd, or nothing. Media types are not believed. */

import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** Each chunk is unpacked within one turn of the event loop, in which nobody else is answered. */
const OUTPUT_CHUNK_BYTES = 64 * 1024;

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export type Compression = 'none' | 'gzip' | 'zstd';

/** By the first four bytes. */
export function compressionOf(head: Buffer): Compression {
  if (startsWith(head, GZIP)) return 'gzip';
  return startsWith(head, ZSTD) ? 'zstd' : 'none';
}

/** The plain bytes. A failure of the source is one of the result, and destroying it destroys the source. */
export async function decompressed(source: Readable): Promise<Readable> {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  const early: Buffer[] = [];
  let length = 0;
  while (length < ZSTD.length) {
    const next = await chunks.next();
    if (next.done === true) break;
    early.push(next.value);
    length += next.value.length;
  }
  const bytes = Readable.from(concatenated(early, chunks), { objectMode: false });
  const head = Buffer.concat(early);
  switch (compressionOf(head)) {
    case 'gzip':
      return piped(bytes, createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES }));
    case 'zstd':
      return piped(bytes, createZstdDecompress({ chunkSize: OUTPUT_CHUNK_BYTES }));
    case 'none':
      return bytes;
  }
}

async function* concatenated(early: readonly Buffer[], rest: AsyncIterator<Buffer>) {
  try {
    yield* early;
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      yield next.value;
  } finally {
    await rest.return?.();
  }
}

function piped(source: Readable, to: Transform): Readable {
  // The failure reaches the reader through `to`, which the pipeline destroys with it.
  return pipeline(source, to, () => undefined);
}

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}
