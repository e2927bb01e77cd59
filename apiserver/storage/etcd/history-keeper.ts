/**
 * Lets etcd forget history, which it keeps for ever unless told. Every few minutes one API server
 * of those that share the store compacts it to where it was at the time before, so that at least that
 * much is always there.
 *
 * They agree through a key that holds the revision of the last time. Who finds it as it was the last
 * time writes it, and the one whose write succeeds compacts; the others wait anew. So no clocks have to
 * agree.
 *
 * Source: kubernetes/apiserver pkg/storage/etcd3/compact.go, v0.36, whose key this is.
 */

import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { type EtcdClient, isCompacted } from './etcd-client.ts';

const KEY = Buffer.from('compact_rev_key');

/** Source: kube-apiserver --etcd-compaction-interval. */
const INTERVAL_MS = 5 * 60_000;

export interface HistoryKeeperOptions {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class HistoryKeeper {
  readonly #options: HistoryKeeperOptions;
  /** The key as it was seen last: 0 before the first time. */
  #seenRevision = 0;
  /** The store's revision then. */
  #storeRevision = 0;

  constructor(options: HistoryKeeperOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      await clock.after(INTERVAL_MS, signal);
      if (signal.aborted) return;
      try {
        await this.compactOnce();
      } catch (error) {
        logger.error('Could not compact etcd', { error });
      }
    }
  }

  /** One turn: compacts if nobody else has had the turn since the last call. */
  async compactOnce(): Promise<void> {
    const { client } = this.#options;
    const target = this.#storeRevision;
    const { header, succeeded, responses } = await client.call('compact', (options) =>
      client.etcd.kv.txn(
        {
          compare: [{ result: 'Equal', target: 'Mod', key: KEY, mod_revision: this.#seenRevision }],
          success: [{ request_put: { key: KEY, value: Buffer.from(String(target)) } }],
          failure: [{ request_range: { key: KEY } }],
        },
        options,
      ),
    );
    this.#storeRevision = Number(header.revision);
    const found = succeeded ? undefined : responses[0]?.response_range.kvs[0];
    this.#seenRevision = Number(succeeded ? header.revision : (found?.mod_revision ?? 0));
    if (!succeeded || target === 0) return;
    try {
      await client.call('compact', (options) =>
        client.etcd.kv.compact({ revision: target }, options),
      );
    } catch (error) {
      if (!isCompacted(error)) throw error;
    }
  }
}
