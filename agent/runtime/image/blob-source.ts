/**
 * Where the parts of an image archive are read from: a folder in OCI layout, or a tar archive that is
 * unpacked into a folder first, its members under numbers, so that their names can do no harm.
 */

import {
  createReadStream,
  createWriteStream,
  lstatSync,
  type ReadStream,
  realpathSync,
} from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { decompressed } from './decompress.ts';

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
    const files = new Map<string, string>();
    const links = new Map<string, string>();
    let bytes = 0;
    const tar = extract();
    const feeding = pipeline(await decompressed(archive), tar, { signal });
    // The loop below fails with the same error; this keeps it from being reported twice.
    feeding.catch(() => undefined);
    for await (const entry of tar) {
      const { type, name, linkname } = entry.header;
      const member = memberName(name);
      bytes += entry.header.size ?? 0;
      if (files.size + links.size >= MEMBERS_MAX)
        throw new Error('The archive has too many members');
      if (bytes > ARCHIVE_BYTES_MAX) throw new Error('The archive is too large');
      if (type === 'file') {
        const file = path.join(folder, `member-${files.size}`);
        await pipeline(entry, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
        files.set(member, file);
        continue;
      }
      if (type === 'symlink')
        links.set(member, path.posix.join(path.posix.dirname(member), linkname ?? ''));
      else if (type === 'link') links.set(member, memberName(linkname ?? ''));
      entry.resume();
    }
    await feeding;
    return new BlobSource((name) => {
      let member = memberName(name);
      for (let step = 0; step < LINKS_MAX; step += 1) {
        const file = files.get(member);
        if (file !== undefined) return file;
        member = links.get(member) ?? '';
      }
      return undefined;
    }, true);
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

function memberName(name: string): string {
  return path.posix.normalize(`/${name}`).slice(1);
}
