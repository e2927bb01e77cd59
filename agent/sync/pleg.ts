/**
 * Tells which pods something happened to in the runtime: from its event stream, and from comparing
 * lists now and then, as an event may be lost; every second while there is no stream.
 *
 * Source: kubernetes pkg/kubelet/pleg/{evented,generic}.go, v1.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { POD_UID_LABEL } from '../pod/container-identity.ts';
import type { RuntimeEvent } from '../pod/observed-pod.ts';

/** With a stream the lists are only the safety net. */
const RELIST_STREAMING_MS = 60_000;
const RELIST_POLLING_MS = 1_000;
/** A runtime that was restarted answers again within a second. */
const RETRY_MS = 200;
/** A stream that has been open this long is one. */
const STREAM_PROVEN_MS = 2_000;
/** A broken stream is opened again this soon: the runtime may have been restarted. */
const REOPEN_MS = 100;

const KINDS = {
  CONTAINER_CREATED_EVENT: 'created',
  CONTAINER_STARTED_EVENT: 'started',
  CONTAINER_STOPPED_EVENT: 'stopped',
  CONTAINER_DELETED_EVENT: 'deleted',
} as const;

export interface PlegOptions {
  readonly cri: Pick<CriClient, 'getContainerEvents' | 'listPodSandbox' | 'listContainers'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something happened to this pod; absent: it isn't known what. */
  readonly onPod: (uid: string, event?: RuntimeEvent) => void;
  /** Contact was lost and is back: anything may have happened. */
  readonly onReconnect: () => void;
}

export class Pleg {
  readonly #options: PlegOptions;
  #streaming = false;
  #hurry = Promise.withResolvers<void>();
  /** State by id of sandboxes and containers, at the last list. */
  #known = new Map<string, { readonly uid: string; readonly state: string }>();
  #listedAtMs: number | undefined;

  constructor(options: PlegOptions) {
    this.#options = options;
  }

  /** Milliseconds since the runtime last answered a list; undefined before the first answer. */
  get sinceListMs(): number | undefined {
    const { clock } = this.#options;
    return this.#listedAtMs === undefined ? undefined : clock.monotonicMs() - this.#listedAtMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#follow(signal), this.#relistLoop(signal)]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { cri, clock, logger, onPod } = this.#options;
    while (!signal.aborted) {
      // A stream that can't be opened fails at once; one that is open may be silent for long.
      const cancel = clock.schedule(STREAM_PROVEN_MS, () => this.#setStreaming(true));
      try {
        for await (const event of cri.getContainerEvents(signal)) {
          const status = event.pod_sandbox_status;
          const uid = status?.metadata?.uid ?? this.#known.get(event.container_id)?.uid;
          const kind = KINDS[event.container_event_type];
          if (uid !== undefined) onPod(uid, { id: event.container_id, kind });
        }
      } catch (error) {
        if (error instanceof CriError && error.code === 'UNIMPLEMENTED') return;
        if (this.#streaming) {
          logger.warn('Lost the event stream of the runtime', { error: reasonOf(error) });
        }
      } finally {
        cancel();
      }
      this.#setStreaming(false);
      await clock.after(REOPEN_MS, signal);
    }
  }

  /** What happened while there was no stream shows in the next list. */
  #setStreaming(streaming: boolean): void {
    if (this.#streaming === streaming) return;
    this.#streaming = streaming;
    this.#hurry.resolve();
  }

  async #relistLoop(signal: AbortSignal): Promise<void> {
    const { clock, onReconnect } = this.#options;
    signal.addEventListener('abort', () => this.#hurry.resolve(), { once: true });
    let failed = false;
    while (!signal.aborted) {
      this.#hurry = Promise.withResolvers();
      try {
        await this.#relist(signal);
        if (failed) onReconnect();
        failed = false;
      } catch (error) {
        if (!failed && !signal.aborted) this.#logFailedList(error);
        failed = true;
      }
      if (signal.aborted) return;
      const waitMs = failed ? RETRY_MS : this.#streaming ? RELIST_STREAMING_MS : RELIST_POLLING_MS;
      const cancel = clock.schedule(waitMs, () => this.#hurry.resolve());
      await this.#hurry.promise;
      cancel();
    }
  }

  /** A node's runtime starts beside its agent: until it first answers, only its absence is news. */
  #logFailedList(error: unknown): void {
    const isDown = error instanceof CriError && error.code === 'UNAVAILABLE';
    const level = isDown && this.#listedAtMs === undefined ? 'info' : 'warn';
    const message = level === 'info' ? 'Waited for the runtime' : 'Could not list what runs';
    this.#options.logger[level](message, { error: reasonOf(error) });
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { cri, clock, onPod } = this.#options;
    const [sandboxes, containers] = await Promise.all([
      cri.listPodSandbox({}, { signal }),
      cri.listContainers({}, { signal }),
    ]);
    this.#listedAtMs = clock.monotonicMs();
    const now = new Map(
      [...sandboxes.items, ...containers.containers].map(({ id, labels, state }) => {
        return [id, { uid: labels[POD_UID_LABEL] ?? '', state }] as const;
      }),
    );
    const before = this.#known;
    this.#known = now;
    const changed = new Set<string>();
    for (const [id, { uid, state }] of now) if (before.get(id)?.state !== state) changed.add(uid);
    for (const [id, { uid }] of before) if (!now.has(id)) changed.add(uid);
    for (const uid of changed) onPod(uid);
  }
}

/** Where a call to a runtime that is away came from tells nobody anything: no stack. */
function reasonOf(error: unknown): unknown {
  return error instanceof CriError ? `${error.code}: ${error.message}` : error;
}
