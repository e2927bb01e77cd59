/**
 * Output of a container as records of the CRI log: `TIME STREAM TAG CONTENT`, a line each, where the tag
 * is F for a full line and P for a part of one. Pure, but for what it keeps of an unfinished line.
 *
 * Source: the logging design of the CRI; kubelet's reader joins parts up to the next F.
 */

export type OutputStream = 'stdout' | 'stderr';

/** A line that is longer is written in parts. Source: containerd's max_container_log_line_size. */
export const LINE_BYTES_MAX = 16 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const END = Buffer.from('\n');

/** One for each stream of a container. Memory: at most one line of the greatest length. */
export class LogLines {
  readonly #stream: OutputStream;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** The records that are complete with this chunk; `time` is as it is to be written. */
  push(chunk: Buffer, time: string): Buffer {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const records: Buffer[] = [];
    let at = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, at)) {
      at = this.#pushParts(records, data, at, end, time);
      const isReturned = end > at && data[end - 1] === RETURN;
      this.#pushRecord(records, data.subarray(at, isReturned ? end - 1 : end), 'F', time);
      at = end + 1;
    }
    at = this.#pushParts(records, data, at, data.length, time);
    // Copied, so that a short rest does not keep a large chunk.
    this.#rest = Buffer.from(data.subarray(at));
    return Buffer.concat(records);
  }

  /** What was left without an end of line, when no more comes: a part, for it is not complete. */
  end(time: string): Buffer {
    const records: Buffer[] = [];
    if (this.#rest.length > 0) this.#pushRecord(records, this.#rest, 'P', time);
    this.#rest = Buffer.alloc(0);
    return Buffer.concat(records);
  }

  /** Takes full parts off as long as more than a part is left; returns where the last one begins. */
  #pushParts(records: Buffer[], data: Buffer, from: number, end: number, time: string): number {
    let at = from;
    while (end - at > LINE_BYTES_MAX) {
      this.#pushRecord(records, data.subarray(at, at + LINE_BYTES_MAX), 'P', time);
      at += LINE_BYTES_MAX;
    }
    return at;
  }

  #pushRecord(records: Buffer[], content: Buffer, tag: 'F' | 'P', time: string): void {
    records.push(Buffer.from(`${time} ${this.#stream} ${tag} `), content, END);
  }
}
