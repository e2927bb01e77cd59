/**
 * Writes the statuses of the node's pods to the API: at once, one write at a time per pod, only what
 * differs, and again until it is there. What the API shows otherwise, as after a gap in contact, is
 * asserted anew. It also removes a pod that has ended from the API.
 *
 * Source: kubernetes pkg/kubelet/status/status_manager.go, v1.36.
 */

import { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import type { Pod, PodStatus } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { isConflict, isNotFound } from '../../proto/api/status-error.ts';
import { OWNED_CONDITIONS } from '../pod/pod-conditions.ts';
import { statusPatch } from './status-patch.ts';

/** An API server that restarts is back within a second; one that is away is asked gently. */
const RETRY = { initialMs: 100, maxMs: 5_000 };

interface Entry {
  /** As the API last showed it. */
  api: Pod;
  desired: PodStatus;
  cancelTimer: (() => void) | undefined;
  pump: Promise<void> | undefined;
  dirty: boolean;
  /** The API no longer has it. */
  gone: boolean;
  /** What the API server was given and shows otherwise: given once, not for ever. */
  refused: PodStatus | undefined;
}

export interface StatusManagerOptions {
  readonly client: Pick<Client, 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the agent ends. */
  readonly signal: AbortSignal;
}

export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #backoff = new Backoff(RETRY);

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  /** The pod with the status it has now, whether the API shows it already or not. */
  current(pod: Pod): Pod {
    const entry = this.#entries.get(pod.metadata.uid);
    if (entry === undefined) return pod;
    const owned = new Set((entry.desired.conditions ?? []).map(({ type }) => type));
    const others = (pod.status?.conditions ?? []).filter(({ type }) => !owned.has(type));
    const conditions = [...(entry.desired.conditions ?? []), ...others].map((condition) => {
      const seen = pod.status?.conditions?.find(({ type }) => type === condition.type);
      return isOwned(condition.type) ? condition : (seen ?? condition);
    });
    return { ...pod, status: { ...pod.status, ...entry.desired, conditions } };
  }

  /**
   * Says what the status is. With a delay it is written only when it isn't replaced before: the
   * stages of a fast start need not all be shown.
   */
  set(pod: Pod, status: PodStatus, delayMs = 0): void {
    const { uid } = pod.metadata;
    const entry = this.#entries.get(uid) ?? newEntry(pod, status);
    this.#entries.set(uid, entry);
    entry.desired = status;
    if (delayMs === 0) this.#flush(uid, entry);
    else entry.cancelTimer ??= this.#options.clock.schedule(delayMs, () => this.#flush(uid, entry));
  }

  /** The informer saw the pod: when it shows another status than it should, that is corrected. */
  observe(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (entry === undefined || isOlder(pod, entry.api)) return;
    entry.api = pod;
    if (entry.refused === entry.desired) return;
    if (entry.cancelTimer === undefined && statusPatch(pod, entry.desired) !== undefined) {
      this.#flush(pod.metadata.uid, entry);
    }
  }

  /** Resolves when the API shows the final status and the pod is deleted, or was already. */
  async remove(pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid, namespace = '', name } = pod.metadata;
    const { client, clock, logger } = this.#options;
    await this.#entries.get(uid)?.pump;
    while (!signal.aborted && this.#entries.get(uid)?.gone !== true) {
      try {
        const preconditions = { uid };
        const options = { gracePeriodSeconds: 0, preconditions };
        await client.delete(pods, { namespace, name }, options, signal);
        break;
      } catch (error) {
        if (isNotFound(error) || isConflict(error) || signal.aborted) break;
        logger.debug('Could not delete the pod', { pod: keyOf(pod), error });
        await clock.after(this.#backoff.next(uid), signal);
      }
    }
  }

  forget(uid: string): void {
    this.#entries.get(uid)?.cancelTimer?.();
    this.#entries.delete(uid);
    this.#backoff.reset(uid);
  }

  /** Resolves when no write is under way. */
  async close(): Promise<void> {
    for (const entry of this.#entries.values()) entry.cancelTimer?.();
    await Promise.all([...this.#entries.values()].map((entry) => entry.pump));
  }

  #flush(uid: string, entry: Entry): void {
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    entry.dirty = true;
    entry.pump ??= this.#pump(uid, entry).finally(() => {
      entry.pump = undefined;
      if (entry.dirty && !this.#options.signal.aborted) this.#flush(uid, entry);
    });
  }

  async #pump(uid: string, entry: Entry): Promise<void> {
    const { clock, logger, signal } = this.#options;
    while (entry.dirty && !entry.gone && !signal.aborted) {
      entry.dirty = false;
      try {
        await this.#write(entry);
        this.#backoff.reset(uid);
      } catch (error) {
        entry.refused = undefined;
        if (signal.aborted) return;
        // Another pod has the name now, or none: the informer will say so.
        if (isNotFound(error) || isConflict(error)) {
          entry.gone = isNotFound(error);
          return;
        }
        entry.dirty = true;
        logger.debug('Could not write the status', { pod: keyOf(entry.api), error });
        await clock.after(this.#backoff.next(uid), signal);
      }
    }
    entry.dirty = false;
  }

  async #write(entry: Entry): Promise<void> {
    const { client, logger, signal } = this.#options;
    const { desired } = entry;
    const patch = statusPatch(entry.api, desired);
    if (patch === undefined) return;
    // Also while it is written: its own echo from the informer may come before the answer.
    entry.refused = desired;
    const { namespace = '', name } = entry.api.metadata;
    const options = { subresource: 'status' };
    const target = { namespace, name };
    const answer = await client.patch(pods, target, 'strategic', patch, options, signal);
    if (!isOlder(answer, entry.api)) entry.api = answer;
    const rest = statusPatch(answer, desired);
    if (rest === undefined) entry.refused = undefined;
    else logger.warn('The API server shows another status', { pod: keyOf(answer), rest });
  }
}

function newEntry(pod: Pod, status: PodStatus): Entry {
  return {
    api: pod,
    desired: status,
    cancelTimer: undefined,
    pump: undefined,
    dirty: false,
    gone: false,
    refused: undefined,
  };
}

/** Versions of this API server are numbers that grow. */
function isOlder(pod: Pod, than: Pod): boolean {
  return Number(pod.metadata.resourceVersion) < Number(than.metadata.resourceVersion);
}

function isOwned(type: string): boolean {
  return OWNED_CONDITIONS.some((each) => each === type);
}
