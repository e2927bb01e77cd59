/**
 * What keeps a component from filling the store with Events: the same one again is counted on the first;
 * many of one kind about an object become one that says so; and an object of which there is too much to
 * say is not spoken of for a while. Decides only: event-recorder.ts writes.
 *
 * Source: kubernetes/client-go tools/record/events_cache.go, v0.36.
 */

import type { ObjectReference } from '../proto/api/gen/core-v1.ts';

/** Something that happened to an object. */
export interface Occurrence {
  readonly regarding: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Wall time in milliseconds. */
  readonly atMs: number;
}

/** An occurrence to be written. */
export interface Correlated {
  readonly occurrence: Occurrence;
  /** Equal for those that are counted on one Event. */
  readonly id: string;
}

/** Events about one object at once, and how long until there may be one more. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 5 * 60_000;
/** From this many different messages of one reason about one object on, they are told together. */
const SIMILAR_MAX = 10;
/** They are similar when they are no further apart than this. */
const SIMILAR_MS = 10 * 60_000;
const AGGREGATE_PREFIX = '(combined from similar events): ';
/** Objects and reasons remembered, each; the oldest are forgotten. */
const REMEMBERED_MAX = 4_096;

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

interface Similar {
  readonly messages: ReadonlySet<string>;
  readonly lastMs: number;
}

export class EventCorrelator {
  readonly #buckets = new Map<string, Bucket>();
  readonly #similar = new Map<string, Similar>();

  /** Undefined: too much has been said of the object. */
  correlate(occurrence: Occurrence): Correlated | undefined {
    const { regarding, type, reason, message } = occurrence;
    const { resourceVersion: _, ...object } = regarding;
    const about = JSON.stringify(object);
    const group = `${about} ${type} ${reason}`;
    const isMany = this.#isOneOfMany(group, occurrence);
    if (!this.#mayPass(objectKey(regarding), occurrence.atMs)) return undefined;
    if (!isMany) return { occurrence, id: `${group} ${message}` };
    const told = { ...occurrence, message: AGGREGATE_PREFIX + message };
    return { occurrence: told, id: group };
  }

  #isOneOfMany(group: string, { message, atMs }: Occurrence): boolean {
    const known = this.#similar.get(group);
    const isRecent = known !== undefined && atMs - known.lastMs <= SIMILAR_MS;
    const before: ReadonlySet<string> = isRecent ? known.messages : new Set<string>();
    const isTold = before.has(message);
    const isMany = !isTold && before.size >= SIMILAR_MAX - 1;
    // What is told together isn't kept: those that were told one by one still are.
    const messages = isTold || isMany ? before : new Set(before).add(message);
    remember(this.#similar, group, { messages, lastMs: atMs });
    return isMany;
  }

  #mayPass(object: string, atMs: number): boolean {
    const { tokens, atMs: sinceMs } = this.#buckets.get(object) ?? { tokens: SPAM_BURST, atMs };
    // A clock that jumps back refills nothing.
    const refilled = tokens + Math.max(0, atMs - sinceMs) / SPAM_REFILL_MS;
    const left = Math.min(SPAM_BURST, refilled);
    const passes = left >= 1;
    remember(this.#buckets, object, { tokens: passes ? left - 1 : left, atMs });
    return passes;
  }
}

/** The object, whatever part of it and whichever version of it is meant. */
function objectKey({ kind, namespace, name, uid, apiVersion }: ObjectReference): string {
  return JSON.stringify([kind, namespace, name, uid, apiVersion]);
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.size > REMEMBERED_MAX ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
