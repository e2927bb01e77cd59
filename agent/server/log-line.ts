/**
 * The lines of a CRI log: `TIME STREAM TAGS CONTENT`. Partial records (`P`) are joined to the line
 * they are of; the last one, without its end, is a line without a newline.
 *
 * Source: kubernetes/design-proposals cri-log format; pkg/kubelet/kuberuntime/logs/logs.go, v1.36.
 */

export type LogStream = 'stdout' | 'stderr';

export interface LogRecord {
  /** As written: RFC 3339 with up to nine decimals, in any zone. */
  readonly time: string;
  readonly stream: LogStream;
  readonly partial: boolean;
  /** Without the newline. */
  readonly content: Buffer;
}

const SPACE = 0x20;

/** Undefined for what is no record, as after a crash in the middle of a write. */
export function parseLogRecord(line: Buffer): LogRecord | undefined {
  const timeEnd = line.indexOf(SPACE);
  const streamEnd = line.indexOf(SPACE, timeEnd + 1);
  if (timeEnd < 0 || streamEnd < 0) return undefined;
  const tagsEnd = line.indexOf(SPACE, streamEnd + 1);
  const tags = line.toString('latin1', streamEnd + 1, tagsEnd < 0 ? line.length : tagsEnd);
  const stream = line.toString('latin1', timeEnd + 1, streamEnd);
  const tag = tags.split(':')[0];
  if ((stream !== 'stdout' && stream !== 'stderr') || (tag !== 'P' && tag !== 'F')) {
    return undefined;
  }
  return {
    time: line.toString('latin1', 0, timeEnd),
    stream,
    partial: tag === 'P',
    content: tagsEnd < 0 ? Buffer.alloc(0) : line.subarray(tagsEnd + 1),
  };
}

/** What a reader sees of one record: its content, and a newline unless it is partial. */
export function recordText(record: LogRecord): Buffer {
  return record.partial ? record.content : Buffer.concat([record.content, Buffer.from('\n')]);
}
