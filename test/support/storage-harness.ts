/** What the conformance suite and the schedules of random calls need to drive a Storage. */

import type { Storage, StorageEvent } from '../../apiserver/storage/storage.ts';

export interface StorageHarness {
  readonly storage: Storage;
  /** A watcher that lags by more events than this is dropped. */
  readonly watchBufferEvents: number;
  /** Lets the store's time pass, where it is the test's; real stores have their own. */
  elapse(ms: number): Promise<void>;
  /** Closes the store and opens it again on the same data; absent: it has none. */
  reopen?(): Promise<Storage>;
  /** Closes the store and removes all it left. */
  dispose(): Promise<void>;
}

/** Every wait of a test ends after this long, as a failure. */
export const TEST_DEADLINE_MS = 20_000;

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Writes, and returns the revision; a conflict throws. */
export async function mustPut(
  storage: Storage,
  key: string,
  value: string,
  expected = 0,
): Promise<number> {
  const result = await storage.put(key, bytes(value), expected);
  if (result.kind === 'conflict') throw new Error(`Conflict on "${key}"`);
  return result.revision;
}

export async function mustDelete(storage: Storage, key: string, expected: number): Promise<number> {
  const result = await storage.delete(key, expected);
  if (result.kind === 'conflict') throw new Error(`Conflict on "${key}"`);
  return result.revision;
}

/**
 * The first `count` events of a watch; fewer only if it ended before. Fails at the deadline. Checks
 * that the revisions of the batches never go back and cover their events.
 */
export async function takeEvents(
  storage: Storage,
  prefix: string,
  afterRevision: number,
  count: number,
): Promise<StorageEvent[]> {
  const events: StorageEvent[] = [];
  if (count === 0) return events;
  const signal = AbortSignal.timeout(TEST_DEADLINE_MS);
  let reached = 0;
  for await (const batch of storage.watch(prefix, afterRevision, signal)) {
    for (const { kv } of batch.events) {
      if (kv.modRevision <= reached) throw new Error(`Revision ${kv.modRevision} came too late`);
      reached = kv.modRevision;
    }
    if (batch.revision < reached) throw new Error(`Batch says ${batch.revision} after ${reached}`);
    reached = batch.revision;
    events.push(...batch.events);
    if (events.length >= count) return events;
  }
  throw new Error(`Only ${events.length} of ${count} events came`);
}

/** `put /a one 3<2`: an event in a line, with its revisions. */
export function describeEvent({ type, kv, previous }: StorageEvent): string {
  const before = previous === undefined ? 0 : previous.modRevision;
  return `${type} ${kv.key} ${text(kv.value)} ${kv.createRevision}:${kv.modRevision}<${before}`;
}
