/**
 * The header blocks of SPDY/3: names and values, compressed with zlib and a dictionary that both sides
 * know, in one stream a direction for the whole connection. What is read is bounded before and after it
 * is unpacked; what is written is stored without compression, which every reader takes.
 *
 * Source: draft-mbelshe-httpbis-spdy-00 §2.6.10; RFC 1950; RFC 1951 §3.2.4.
 */

import { constants, createInflate, type Inflate } from 'node:zlib';
import { SpdyError } from './frames.ts';

export type Headers = ReadonlyMap<string, string>;

/** Of all headers of a stream, unpacked. Kubernetes sends three short ones. */
export const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 64;

const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin';
const TAIL =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** Each word with its length before it, then the tail: 1,423 bytes, Adler-32 0xe3c6a7c2. */
export const HEADER_DICTIONARY: Buffer = Buffer.concat([
  ...WORDS.split(' ').map((word) => sized(word.replace('_', ' '))),
  Buffer.from(TAIL),
]);

/** Reads the blocks of one connection, in their order and one at a time. */
export class HeaderDecoder {
  readonly #inflate: Inflate;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #failure: SpdyError | undefined;
  #current: PromiseWithResolvers<void> | undefined;

  constructor() {
    this.#inflate = createInflate({
      dictionary: HEADER_DICTIONARY,
      flush: constants.Z_SYNC_FLUSH,
      chunkSize: 4096,
    });
    this.#inflate.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#inflate.on('error', () => this.#fail('a header block is not compressed as agreed'));
    this.#inflate.on('end', () => this.#fail('the compression of the headers was ended'));
  }

  /** Rejects with a {@link SpdyError}; the connection is of no use then. */
  async decode(block: Buffer): Promise<Headers> {
    const current = Promise.withResolvers<void>();
    this.#current = current;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#failure === undefined) this.#inflate.write(block, () => current.resolve());
    else current.reject(this.#failure);
    await current.promise;
    if (this.#failure !== undefined) throw this.#failure;
    return parseHeaders(Buffer.concat(this.#chunks));
  }

  close(): void {
    this.#inflate.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= HEADER_BYTES_MAX) this.#chunks.push(chunk);
    else {
      this.#fail(`headers of more than ${HEADER_BYTES_MAX} bytes are too long`);
      this.#inflate.destroy();
    }
  }

  #fail(why: string): void {
    this.#failure ??= new SpdyError(why);
    this.#current?.reject(this.#failure);
  }
}

/** Names in lower case. Throws {@link SpdyError}. */
export function parseHeaders(bytes: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (bytes.length - at < 4) throw new SpdyError('a header block is cut short');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > bytes.length - at) throw new SpdyError('a header is longer than its block');
    at += length;
    return bytes.toString('latin1', at - length, at);
  };
  const count = number();
  if (count > HEADERS_MAX) throw new SpdyError(`${count} headers are too many`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const name = text().toLowerCase();
    const value = text();
    if (name === '' || headers.has(name))
      throw new SpdyError('a header name is empty or twice there');
    headers.set(name, value);
  }
  if (at !== bytes.length) throw new SpdyError('a header block is longer than its headers');
  return headers;
}

/** Writes the blocks of one connection, in their order. */
export class HeaderEncoder {
  #isFirst = true;

  encode(headers: Headers): Buffer {
    const bytes = Buffer.concat([
      word(headers.size),
      ...[...headers].flatMap(([name, value]) => [sized(name), sized(value)]),
    ]);
    // One stored block: its kind, its length, the complement of that.
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(bytes.length, 1);
    stored.writeUInt16LE(0xffff - bytes.length, 3);
    const start = this.#isFirst ? ZLIB_START : Buffer.alloc(0);
    this.#isFirst = false;
    return Buffer.concat([start, stored, bytes, FLUSH]);
  }
}

/** An empty stored block: at it, Go's reader gives out what it holds, and not before. */
const FLUSH = Buffer.of(0, 0, 0, 0xff, 0xff);
/** Deflate with a window of 32 KiB, no dictionary. */
const ZLIB_START = Buffer.of(0x78, 0x01);

function sized(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([word(bytes.length), bytes]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
