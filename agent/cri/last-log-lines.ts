/** The end of a container's log, for a termination message. */

import { open } from 'node:fs/promises';
import { parseLogRecord, recordText } from '../server/log-line.ts';

/** At most this much of the file is looked at: enough for the lines of any message. */
const READ_BYTES_MAX = 64 * 1024;

/** At most so many lines and bytes of the log's end; empty when it can't be read. */
export async function readLastLines(
  file: string,
  linesMax: number,
  bytesMax: number,
): Promise<string> {
  const bytes = await readEnd(file).catch(() => Buffer.alloc(0));
  const texts = splitLines(bytes)
    .map((line) => parseLogRecord(line))
    .filter((record) => record !== undefined)
    .slice(-linesMax)
    .map(recordText);
  return Buffer.concat(texts).subarray(-bytesMax).toString();
}

async function readEnd(file: string): Promise<Buffer> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const length = Math.min(size, READ_BYTES_MAX);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.subarray(0, bytesRead);
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
