/** Opens the store that was asked for, and loads the code of that one only. */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Storage } from './storage.ts';

/** Which store: a folder of this machine, or an etcd cluster. */
export type StorageLocation =
  | { readonly kind: 'embedded'; readonly dir: string }
  | { readonly kind: 'etcd'; readonly endpoints: readonly string[] };

export interface StorageDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Called once, when the store can't keep its promise any more: a sync has failed, or its files are
   * gone from their folder. It refuses every write from then on; opening it again is the way back.
   */
  readonly onFailure: (failure: Error) => void;
}

/** Throws when the folder is in use or of a newer format, or when etcd does not answer. */
export async function openStorage(
  location: StorageLocation,
  dependencies: StorageDependencies,
): Promise<Storage> {
  switch (location.kind) {
    case 'embedded': {
      const { openEmbeddedStorage } = await import('./embedded/embedded-storage.ts');
      return openEmbeddedStorage({ dir: location.dir, ...dependencies });
    }
    case 'etcd': {
      const { openEtcdStorage } = await import('./etcd/etcd-storage.ts');
      return await openEtcdStorage({ endpoints: location.endpoints, ...dependencies });
    }
  }
}
