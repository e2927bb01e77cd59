/** The body of a watch: a JSON object a line, as events. An ERROR event ends it as an `ApiError`. */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Status } from '../proto/api/gen/meta-v1.ts';
import { ApiError } from '../proto/api/status-error.ts';
import type { WatchEvent } from './client.ts';
import { reasonOf } from './http-transport.ts';

/**
 * Events as they come. Ends when the server ends the body; rejects with the signal's reason when
 * aborted, and with an Error when the connection breaks or a line is no event. Whoever leaves the
 * iteration closes the body.
 */
export async function* watchEvents<T>(
  body: Readable,
  path: string,
  signal: AbortSignal,
): AsyncIterable<WatchEvent<T>> {
  try {
    for await (const line of linesOf(body)) yield parseEvent<T>(line, path);
  } catch (error) {
    if (signal.aborted) throw reasonOf(signal);
    if (error instanceof ApiError) throw error;
    throw new Error(`The watch of ${path} broke`, { cause: error });
  } finally {
    body.destroy();
  }
}

async function* linesOf(body: Readable): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const text = decoder.write(chunk as Buffer);
    // Only the new text is searched: a long line comes in many chunks.
    let from = text.indexOf('\n');
    if (from < 0) {
      rest += text;
      continue;
    }
    yield rest + text.slice(0, from);
    for (;;) {
      const next = text.indexOf('\n', from + 1);
      if (next < 0) break;
      yield text.slice(from + 1, next);
      from = next;
    }
    rest = text.slice(from + 1);
  }
  // A line without its end is half an event: the server's body is complete only with it.
  if (rest.trim() !== '') throw new Error('The body ended within an event');
}

function parseEvent<T>(line: string, path: string): WatchEvent<T> {
  const event = JSON.parse(line) as { type?: string; object?: unknown };
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return event as WatchEvent<T>;
    case 'ERROR':
      throw new ApiError(event.object as Status);
    default:
      throw new Error(`An event of ${path} has the unknown type ${String(event.type)}`);
  }
}
