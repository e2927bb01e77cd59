/**
 * Writes Events about objects. Recording never waits and never fails the caller: events go through a
 * bounded queue, and what can't be written after some tries is logged and dropped. The same event
 * again raises `count` of the first one. Several are written at a time, those about one object in order.
 *
 * Source: kubernetes/client-go tools/record/{event,events_cache}.go, v0.36.
 */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Event, ObjectReference } from '../proto/api/gen/core-v1.ts';
import { events } from '../proto/api/gen/resources.ts';
import type { Draft, KubernetesObject } from '../proto/api/meta.ts';
import { ApiError, isNotFound } from '../proto/api/status-error.ts';
import { formatTime } from '../proto/api/time.ts';
import type { Client } from './client.ts';
import { type Correlated, EventCorrelator, type Occurrence } from './event-correlator.ts';

export interface EventRecorderOptions {
  readonly client: Pick<Client, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `default-scheduler`, `kubelet`: what `kubectl describe` shows under From. */
  readonly component: string;
  /** The node, for components of a node. */
  readonly host?: string;
  /** In [0, 1); keeps names of events from clashing with other recorders'. Default Math.random. */
  readonly random?: () => number;
}

/** Events that wait to be written; more are dropped. One has about 1 KB. */
const QUEUE_MAX = 10_000;
/** Writes at a time. What is worth an Event, as a binding, goes first: under load Events come later. */
const IN_FLIGHT_MAX = 8;
/** Events remembered for counting; the oldest are forgotten. */
const KNOWN_MAX = 4_096;
/** Tries of one event, this far apart: an API server that restarts is back within that. */
const TRIES = 5;
const RETRY_MS = 1_000;
/** An Event's message is cut to this many characters, as the API server's limit is 1024 bytes. */
const MESSAGE_MAX = 1_024;
const NANOSECONDS_PER_MS = 1_000_000;
/** The repetition of an event is counted as such for this long. */
const SIMILAR_MS = 10 * 60_000;

interface Known {
  readonly name: string;
  readonly firstTimestamp: string;
  readonly count: number;
  readonly lastMs: number;
}

/** Works by itself; {@link EventRecorder.flush} waits for what was recorded so far. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #known = new Map<string, Known>();
  readonly #correlator = new EventCorrelator();
  readonly #queue: Occurrence[] = [];
  /** Each writes one event after the other. */
  readonly #lanes = new Set<Promise<void>>();
  /** The last write about each object under way. */
  readonly #writes = new Map<string, Promise<void>>();
  #dropped = 0;
  #serial: number;
  readonly #closing = new AbortController();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#serial = Math.floor((options.random ?? Math.random)() * NANOSECONDS_PER_MS);
  }

  /** `reason` is CamelCase, `message` for people. */
  record(
    object: KubernetesObject | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    if (this.#closing.signal.aborted) return;
    if (this.#queue.length >= QUEUE_MAX) {
      this.#dropped += 1;
      return;
    }
    const regarding = 'metadata' in object ? referenceTo(object) : object;
    const atMs = this.#options.clock.wallMs();
    this.#queue.push({ regarding, type, reason, message: message.slice(0, MESSAGE_MAX), atMs });
    if (this.#lanes.size >= IN_FLIGHT_MAX) return;
    const lane = this.#drain().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** Resolves when what was recorded so far is written or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#lanes);
  }

  /** Drops what waits; resolves when the writes under way have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#lanes);
  }

  async #drain(): Promise<void> {
    // The caller's turn ends first: recording costs it nothing but the push.
    await Promise.resolve();
    for (;;) {
      const next = this.#queue.shift();
      if (next === undefined || this.#closing.signal.aborted) break;
      const correlated = this.#correlator.correlate(next);
      if (correlated !== undefined) await this.#writeInOrder(correlated);
    }
    if (this.#dropped > 0) {
      this.#options.logger.warn('Dropped events', { count: this.#dropped });
      this.#dropped = 0;
    }
  }

  async #writeInOrder(correlated: Correlated): Promise<void> {
    const { regarding } = correlated.occurrence;
    const object = `${regarding.kind}/${namespaceOf(regarding)}/${regarding.name}`;
    const before = this.#writes.get(object);
    const write = (before ?? Promise.resolve()).then(() => this.#writeWithRetries(correlated));
    this.#writes.set(object, write);
    await write;
    if (this.#writes.get(object) === write) this.#writes.delete(object);
  }

  async #writeWithRetries(correlated: Correlated): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#closing;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#write(correlated);
      } catch (error) {
        if (signal.aborted) return;
        // An answer is final (the namespace may be going); only an unreachable server is tried again.
        if (error instanceof ApiError || tries === TRIES) {
          logger.debug('Dropped event', { error, reason: correlated.occurrence.reason });
          return;
        }
        await clock.after(RETRY_MS, signal);
      }
    }
  }

  async #write({ occurrence, id }: Correlated): Promise<void> {
    const { regarding, message } = occurrence;
    const known = this.#known.get(id);
    const isKnown = known !== undefined && occurrence.atMs - known.lastMs < SIMILAR_MS;
    const count = isKnown ? known.count + 1 : 1;
    const lastTimestamp = formatTime(occurrence.atMs);
    if (isKnown) {
      const { signal } = this.#closing;
      const target = { namespace: namespaceOf(regarding), name: known.name };
      // The message of one that stands for many is the last one's.
      const patch = { count, message, lastTimestamp };
      try {
        await this.#options.client.patch(events, target, 'strategic', patch, {}, signal);
        return this.#remember(id, { ...known, count, lastMs: occurrence.atMs });
      } catch (error) {
        // It has expired: the next one is a new event that keeps the count.
        if (!isNotFound(error)) throw error;
      }
    }
    const firstTimestamp = isKnown ? known.firstTimestamp : lastTimestamp;
    const name = this.#newName(regarding, occurrence.atMs);
    const event = this.#draft(occurrence, name, firstTimestamp, count);
    await this.#options.client.create(events, event, {}, this.#closing.signal);
    this.#remember(id, { name, firstTimestamp, count, lastMs: occurrence.atMs });
  }

  #draft(
    occurrence: Occurrence,
    name: string,
    firstTimestamp: string,
    count: number,
  ): Draft<Event> {
    const { component, host } = this.#options;
    const { regarding, type, reason, message, atMs } = occurrence;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace: namespaceOf(regarding) },
      involvedObject: regarding,
      type,
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp,
      lastTimestamp: formatTime(atMs),
      count,
    };
  }

  /** Upstream's form, `OBJECT.HEX`: unique for the object, and ordered by time. */
  #newName(regarding: ObjectReference, atMs: number): string {
    this.#serial += 1;
    const nanoseconds =
      BigInt(atMs) * BigInt(NANOSECONDS_PER_MS) + BigInt(this.#serial % NANOSECONDS_PER_MS);
    return `${regarding.name ?? 'unknown'}.${nanoseconds.toString(16)}`;
  }

  #remember(id: string, known: Known): void {
    this.#known.delete(id);
    this.#known.set(id, known);
    const oldest = this.#known.size > KNOWN_MAX ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

function referenceTo(object: KubernetesObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const { apiVersion, kind } = object;
  return {
    apiVersion,
    kind,
    name,
    uid,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** Events about cluster-scoped objects are in `default`. */
function namespaceOf(regarding: ObjectReference): string {
  return regarding.namespace ?? 'default';
}
