/**
 * One of several instances leads: the holder of a Lease, which it renews. Others take it over when
 * it hasn't been renewed for its duration by their own clock, so that clocks needn't agree. A leader that can't
 * renew in time stops leading before others begin.
 *
 * Source: kubernetes/client-go tools/leaderelection/leaderelection.go, v0.36.
 */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Lease } from '../proto/api/gen/coordination-v1.ts';
import { leases } from '../proto/api/gen/resources.ts';
import type { ObjectReference } from '../proto/api/meta.ts';
import { isNotFound } from '../proto/api/status-error.ts';
import { formatMicroTime } from '../proto/api/time.ts';
import type { Client } from './client.ts';

export interface LeaderElectionOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lease: ObjectReference & { readonly namespace: string };
  /** Unique for each instance. */
  readonly identity: string;
}

/** Upstream's defaults. */
const LEASE_SECONDS = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;

/** What was seen of another's lease, and when it was new here. */
interface Observed {
  readonly record: string;
  readonly atMs: number;
}

/**
 * Waits to lead, then runs `lead`. Returns when the signal is aborted or `lead` returns, and gives
 * the lease up. Rejects when leadership was lost: the process ends and begins anew, as upstream's.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const elector = new Elector(options);
  while (!signal.aborted && !(await elector.tryToHold(signal))) {
    await options.clock.after(RETRY_MS, signal);
  }
  if (signal.aborted) return;
  options.logger.info('Became the leader', { identity: options.identity });
  const leading = new AbortController();
  const forward = (): void => leading.abort(signal.reason);
  signal.addEventListener('abort', forward, { once: true });
  try {
    const renewing = elector.renew(leading.signal).finally(() => leading.abort());
    await lead(leading.signal);
    leading.abort();
    const isLost = await renewing;
    if (isLost) throw new Error('Leadership was lost: the lease could not be renewed in time');
    await elector.release();
  } finally {
    leading.abort();
    signal.removeEventListener('abort', forward);
  }
}

class Elector {
  readonly #options: LeaderElectionOptions;
  #observed: Observed | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  /** Takes or renews the lease. False: another holds it, or the server didn't let us. */
  async tryToHold(signal: AbortSignal): Promise<boolean> {
    const { client, clock, lease, logger } = this.#options;
    try {
      const old = await client.get(leases, lease, signal).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      const next = nextLease(this.#options, old, clock.wallMs());
      if (old === undefined) {
        await client.create(leases, next, {}, signal);
        return true;
      }
      if (!this.#isFree(old)) return false;
      await client.update(leases, { ...old, ...next, metadata: old.metadata }, {}, signal);
      return true;
    } catch (error) {
      logger.debug('Did not get the lease', { error });
      return false;
    }
  }

  /** Renews until the signal is aborted (false) or it could not for too long (true). */
  async renew(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    let heldMs = clock.monotonicMs();
    for (;;) {
      await clock.after(RETRY_MS, signal);
      if (signal.aborted) return false;
      if (await this.tryToHold(signal)) heldMs = clock.monotonicMs();
      else if (!signal.aborted && clock.monotonicMs() - heldMs > RENEW_DEADLINE_MS) return true;
    }
  }

  /** So that the next leader needn't wait for the lease to run out. A failure costs that wait only. */
  async release(): Promise<void> {
    const { client, clock, lease, identity, logger } = this.#options;
    try {
      const old = await client.get(leases, lease);
      if (old.spec.holderIdentity !== identity) return;
      const renewTime = formatMicroTime(clock.wallMs());
      const spec = { ...old.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
      await client.update(leases, { ...old, spec });
    } catch (error) {
      logger.debug('Did not give the lease up', { error });
    }
  }

  #isFree(old: Lease): boolean {
    const { clock, identity } = this.#options;
    const { holderIdentity, leaseDurationSeconds = LEASE_SECONDS } = old.spec;
    if (holderIdentity === undefined || holderIdentity === '' || holderIdentity === identity) {
      return true;
    }
    const record = old.metadata.resourceVersion;
    if (this.#observed?.record !== record) {
      this.#observed = { record, atMs: clock.monotonicMs() };
    }
    return clock.monotonicMs() - this.#observed.atMs > leaseDurationSeconds * 1000;
  }
}

function nextLease(options: LeaderElectionOptions, old: Lease | undefined, nowMs: number): Lease {
  const { identity, lease } = options;
  const now = formatMicroTime(nowMs);
  const isMine = old?.spec.holderIdentity === identity;
  const transitions = old?.spec.leaseTransitions ?? 0;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...lease, uid: '', resourceVersion: '', creationTimestamp: now },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isMine ? (old.spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isMine || old === undefined ? transitions : transitions + 1,
    },
  };
}
