/**
 * etcd leases for values with a time to live. Values written shortly after one another share one, for
 * a lease costs etcd as much as a write: a value lives up to a twentieth longer than asked, at most a
 * minute, and never shorter.
 *
 * Source: kubernetes/apiserver pkg/storage/etcd3/lease_manager.go, v0.36.
 */

import type { LeaseClient } from 'etcd3';
import type { Clock } from '../../../base/clock.ts';
import type { EtcdClient } from './etcd-client.ts';

const REUSE_MAX_SECONDS = 60;
const REUSE_PART = 0.05;

/** etcd deletes the values of a lease in one transaction; this bounds it. Source: as upstream. */
const LEASE_VALUES_MAX = 1000;

interface SharedLease {
  readonly id: Promise<string>;
  readonly reuseUntilMs: number;
  values: number;
}

/** Memory: one lease for each time to live that is in use. */
export class Leases {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #current = new Map<number, SharedLease>();

  constructor(client: EtcdClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The id of a lease that lasts at least this long. */
  async get(ttlSeconds: number): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    const current = this.#current.get(ttlSeconds);
    if (
      current !== undefined &&
      nowMs < current.reuseUntilMs &&
      current.values < LEASE_VALUES_MAX
    ) {
      current.values += 1;
      return current.id;
    }
    const reuseSeconds = Math.min(REUSE_MAX_SECONDS, ttlSeconds * REUSE_PART);
    const id = this.#grant(this.#client.etcd.leaseClient, Math.ceil(ttlSeconds + reuseSeconds));
    const lease = { id, reuseUntilMs: nowMs + reuseSeconds * 1000, values: 1 };
    this.#current.set(ttlSeconds, lease);
    // One that was not granted is not for others.
    id.catch(() => {
      if (this.#current.get(ttlSeconds) === lease) this.#current.delete(ttlSeconds);
    });
    return id;
  }

  async #grant(leases: LeaseClient, ttlSeconds: number): Promise<string> {
    const { ID } = await this.#client.read('get a lease', (options) =>
      leases.leaseGrant({ TTL: ttlSeconds }, options),
    );
    return ID;
  }
}
