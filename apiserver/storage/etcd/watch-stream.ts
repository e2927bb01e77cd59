/**
 * One watch of etcd as an iteration of batches. Its speed is the reader's: what is not read stays in
 * the connection's window and in etcd.
 *
 * Source: etcd v3 API, Watch.
 */

import { Duplex } from 'node:stream';
import type { IEvent, IKeyValue, IWatchResponse, WatchClient } from 'etcd3';
import {
  CompactedError,
  type KeyValue,
  type StorageEvent,
  type StorageEventBatch,
} from '../storage.ts';

/** In ranges: the first key of all, and "to the end". */
const FIRST_KEY = Buffer.from([0]);

/**
 * Every change of the whole store after a revision, until the signal is aborted. Throws
 * {@link CompactedError} when the history is gone, and any error of the connection.
 *
 * The whole store, since only so every revision is an event here: etcd tells how far a watch of a
 * prefix is every ten minutes only.
 */
export async function* watchStore(
  client: WatchClient,
  afterRevision: number,
  signal: AbortSignal,
): AsyncGenerator<StorageEventBatch, void> {
  const stream = await client.watch();
  const answers = readable(stream);
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel);
  try {
    if (signal.aborted) return;
    stream.write({
      create_request: {
        key: FIRST_KEY,
        range_end: FIRST_KEY,
        start_revision: afterRevision + 1,
        prev_kv: true,
        progress_notify: true,
        fragment: true,
      },
    });
    let held: StorageEvent[] = [];
    for await (const response of answers) {
      const batch = toBatch(response, held);
      held = batch.held;
      if (batch.revision > afterRevision) yield { events: batch.events, revision: batch.revision };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

interface HeldBatch extends StorageEventBatch {
  /** Events of a revision that the next fragment may go on with. */
  readonly held: StorageEvent[];
}

/** A response ends with a whole revision, but for fragments, which may end within one. */
function toBatch(response: IWatchResponse, held: readonly StorageEvent[]): HeldBatch {
  if (response.canceled) {
    const compacted = Number(response.compact_revision);
    if (compacted > 0) throw new CompactedError(compacted);
    throw new Error(`etcd cancelled the watch: ${response.cancel_reason}`);
  }
  const events = [...held, ...response.events.map(toEvent)];
  const last = events.at(-1)?.kv.modRevision;
  // `created` answers carry the revision of the store, not of what has been delivered.
  if (last === undefined) {
    return { events, revision: response.created ? 0 : Number(response.header.revision), held: [] };
  }
  if (!response.fragment) return { events, revision: last, held: [] };
  const whole = events.filter(({ kv }) => kv.modRevision < last);
  const rest = events.filter(({ kv }) => kv.modRevision === last);
  return { events: whole, revision: whole.at(-1)?.kv.modRevision ?? 0, held: rest };
}

function toEvent(event: IEvent): StorageEvent {
  const previous = isPresent(event.prev_kv) ? toKeyValue(event.prev_kv) : undefined;
  if (event.type === 'Put') return { type: 'put', kv: toKeyValue(event.kv), previous };
  const key = event.kv.key.toString();
  const modRevision = Number(event.kv.mod_revision);
  // The value is missing when it was compacted between the watch's request and its delivery.
  const last = previous ?? { key, value: new Uint8Array(0), createRevision: modRevision };
  return { type: 'delete', kv: { ...last, modRevision }, previous };
}

/** As the v3 API gives it; its numbers are decimal text. */
export function toKeyValue(kv: IKeyValue): KeyValue {
  return {
    key: kv.key.toString(),
    value: kv.value,
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
  };
}

/** The decoder gives null for an absent message, which the library's types do not say. */
function isPresent(kv: IKeyValue | null): kv is IKeyValue {
  return kv !== null;
}

/**
 * The stream as an iteration. The library listens for its errors, and resets every other call in
 * progress when a watch is cancelled: that listener is replaced.
 */
function readable(stream: object): AsyncIterable<IWatchResponse> {
  if (!(stream instanceof Duplex)) throw new Error('The stream of etcd can not be read');
  stream.removeAllListeners('error');
  stream.on('error', () => undefined);
  return stream;
}
