/**
 * Reads a container's CRI log file: from the asked place to its end, and on while it grows. Follows
 * the file by name, so that it goes on after a rotation; ends when the container has ended and all
 * of it is read.
 */

import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { type LogRecord, parseLogRecord, recordText } from './log-line.ts';
import { type LogOptions, parseTimeMs } from './log-options.ts';

const CHUNK_BYTES = 64 * 1024;
/** A record is at most 16 KiB of content and its head; what is longer isn't ours. */
const RECORD_BYTES_MAX = 64 * 1024;
/** inotify tells; this is for what it may miss. */
const LOOK_AGAIN_MS = 1_000;
const NEWLINE = 10;

export interface LogSource {
  readonly file: string;
  readonly clock: Clock;
  /** Whether the container has ended, so that nothing more comes. */
  readonly hasEnded: () => Promise<boolean>;
}

/** The bytes to send, as they come. */
export async function* readLog(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  let left = options.limitBytes ?? Infinity;
  let lineStarts = true;
  for await (const record of readRecords(source, options, signal)) {
    if (options.sinceMs !== undefined && parseTimeMs(record.time) < options.sinceMs) continue;
    if (options.stream !== 'All' && options.stream.toLowerCase() !== record.stream) continue;
    const head = options.timestamps && lineStarts ? Buffer.from(`${record.time} `) : EMPTY;
    lineStarts = !record.partial;
    const text = Buffer.concat([head, recordText(record)]);
    yield text.subarray(0, left);
    left -= text.length;
    if (left <= 0) return;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

async function* readRecords(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<LogRecord> {
  let handle = await open(source.file, 'r');
  using watcher = options.follow ? newWatcher(source, signal) : undefined;
  try {
    let offset = options.tailLines === undefined ? 0 : await tailOffset(handle, options.tailLines);
    let rest = EMPTY;
    while (!signal.aborted) {
      // Asked before the last read: what is written before the end is read after the question.
      const ended = watcher === undefined || (await source.hasEnded());
      for (;;) {
        const chunk = await readAt(handle, offset, CHUNK_BYTES);
        if (chunk.length === 0) break;
        offset += chunk.length;
        const { records, left } = splitRecords(Buffer.concat([rest, chunk]));
        rest = left.length > RECORD_BYTES_MAX ? EMPTY : left;
        yield* records;
      }
      const next = await reopened(source.file, handle, offset);
      if (next !== undefined) {
        await handle.close();
        handle = next;
        offset = 0;
        rest = EMPTY;
        continue;
      }
      if (ended || watcher === undefined) return;
      await watcher.changed();
    }
  } finally {
    await handle.close();
  }
}

/** Where the last `lines` lines begin; a line may be several records. */
async function tailOffset(handle: FileHandle, lines: number): Promise<number> {
  const { size } = await handle.stat();
  if (lines === 0) return size;
  let offset = size;
  let tail = EMPTY;
  let seen = 0;
  while (offset > 0) {
    const length = Math.min(CHUNK_BYTES, offset);
    offset -= length;
    tail = Buffer.concat([await readAt(handle, offset, length), tail.subarray(0, seen)]);
    seen = tail.length;
    const start = startOfTail(tail, lines, offset === 0);
    if (start !== undefined) return offset + start;
    // Kept whole: the record that began before this chunk is only complete with the next.
    const whole = await readAt(handle, offset, size - offset);
    tail = whole;
    seen = whole.length;
  }
  return 0;
}

/** Undefined when these bytes hold fewer lines. */
function startOfTail(bytes: Buffer, lines: number, whole: boolean): number | undefined {
  const starts: number[] = whole ? [0] : [];
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (at + 1 < bytes.length) starts.push(at + 1);
  }
  let count = 0;
  for (const [index, start] of [...starts.entries()].reverse()) {
    const before = starts[index - 1];
    if (before === undefined) return whole && count + 1 <= lines ? 0 : undefined;
    const previous = parseLogRecord(bytes.subarray(before, start - 1));
    // The first record of a line is the one after a full record.
    if (previous?.partial !== true) count += 1;
    if (count === lines) return start;
  }
  return whole ? 0 : undefined;
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function splitRecords(bytes: Buffer): {
  readonly records: readonly LogRecord[];
  readonly left: Buffer;
} {
  const records: LogRecord[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    const record = parseLogRecord(bytes.subarray(start, end));
    if (record !== undefined) records.push(record);
    start = end + 1;
  }
  return { records, left: bytes.subarray(start) };
}

/** A new handle when the name is another file now, or the file was cut. */
async function reopened(
  file: string,
  handle: FileHandle,
  offset: number,
): Promise<FileHandle | undefined> {
  const [now, own] = await Promise.all([stat(file).catch(() => undefined), handle.stat()]);
  if (now === undefined || (now.ino === own.ino && now.size >= offset)) return undefined;
  return open(file, 'r').catch(() => undefined);
}

interface Watcher extends Disposable {
  /** Resolves at the next change since the last call, or when it is time to look again. */
  changed(): Promise<void>;
}

function newWatcher(source: LogSource, signal: AbortSignal): Watcher {
  let next = Promise.withResolvers<void>();
  const notice = (): void => next.resolve();
  const watcher = watch(source.file, notice);
  watcher.on('error', notice);
  signal.addEventListener('abort', notice, { once: true });
  return {
    changed: async () => {
      const cancel = source.clock.schedule(LOOK_AGAIN_MS, notice);
      await next.promise;
      cancel();
      next = Promise.withResolvers();
    },
    [Symbol.dispose]: () => {
      watcher.close();
      signal.removeEventListener('abort', notice);
    },
  };
}
