/**
 * Where the parts of an image archive are read from: a folder in OCI layout, or a tar archive that is
 * unpacked into a folder first, its members under numbers, so that their names can do no harm.
 */

import {
  closeSync,
  createReadStream,
  lstatSync,
  openSync,
  type ReadStream,
  realpathSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { decompressed } from './decompress.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader, type TarSink } from './tar-reader.ts';

/** Members of one archive: layers, and documents. */
const MEMBERS_MAX = 10_000;
/** Bytes of one archive, decompressed. */
const ARCHIVE_BYTES_MAX = 64 * 2 ** 30;
const LINKS_MAX = 8;

export class BlobSource {
  readonly #files: (name: string) => string | undefined;

  /** Whether the files are of this source alone, on the store's file system: they may be moved. */
  readonly isOwn: boolean;

  private constructor(files: (name: string) => string | undefined, isOwn: boolean) {
    this.#files = files;
    this.isOwn = isOwn;
  }

  /** Links that lead out of the folder are not followed. */
  static ofFolder(folder: string): BlobSource {
    const root = realpathSync(folder);
    return new BlobSource((name) => {
      const file = path.join(root, path.posix.normalize(`/${name}`));
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
      const real = realpathSync(file);
      return real.startsWith(`${root}/`) ? real : undefined;
    }, false);
  }

  /** Spools the members into the folder, which the caller removes. The archive may be compressed. */
  static async ofArchive(
    archive: Readable,
    folder: string,
    signal: AbortSignal,
  ): Promise<BlobSource> {
    const spool = new MemberSpool(folder);
    const reader = new TarReader(spool);
    try {
      for await (const chunk of (await decompressed(archive)) as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        reader.push(chunk);
      }
      reader.finish();
    } finally {
      archive.destroy();
      spool.close();
    }
    return new BlobSource((name) => spool.find(name), true);
  }

  has(name: string): boolean {
    return this.#files(name) !== undefined;
  }

  /** Its bytes from an offset on. Throws when there is none. */
  open(name: string, start = 0): ReadStream {
    return createReadStream(this.file(name), { start });
  }

  /** Throws when there is none, or it is larger than allowed. */
  async read(name: string, bytesMax: number): Promise<Buffer> {
    const file = this.file(name);
    const { size } = lstatSync(file);
    if (size > bytesMax)
      throw new Error(`"${name}" has ${size} bytes; at most ${bytesMax} are read`);
    return Buffer.concat(await createReadStream(file).toArray());
  }

  /** Where it is on disk. Throws when there is none. */
  file(name: string): string {
    const file = this.#files(name);
    if (file === undefined) throw new Error(`The archive has no "${name}"`);
    return file;
  }
}

/** The members of an archive as files under numbers. */
class MemberSpool implements TarSink {
  readonly #folder: string;
  readonly #files = new Map<string, string>();
  readonly #links = new Map<string, string>();
  #fd: number | undefined;
  #bytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  begin({ name, type, size, linkName }: TarEntry): void {
    if (this.#files.size + this.#links.size >= MEMBERS_MAX)
      throw new Error('The archive has too many members');
    const member = memberName(name);
    if (type === 'symlink')
      this.#links.set(member, path.posix.join(path.posix.dirname(member), linkName));
    else if (type === 'link') this.#links.set(member, memberName(linkName));
    if (type !== 'file') return;
    this.#bytes += size;
    if (this.#bytes > ARCHIVE_BYTES_MAX) throw new Error('The archive is too large');
    const file = path.join(this.#folder, `member-${this.#files.size}`);
    this.#fd = openSync(file, 'wx', 0o600);
    this.#files.set(member, file);
  }

  write(chunk: Buffer, offset: number): void {
    if (this.#fd === undefined) return;
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(this.#fd, chunk, at, chunk.length - at, offset + at);
    }
  }

  end(): void {
    this.close();
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Follows links between members. */
  find(name: string): string | undefined {
    let member = memberName(name);
    for (let step = 0; step < LINKS_MAX; step += 1) {
      const file = this.#files.get(member);
      if (file !== undefined) return file;
      member = this.#links.get(member) ?? '';
    }
    return undefined;
  }
}

function memberName(name: string): string {
  return path.posix.normalize(`/${name}`).slice(1);
}
