/**
 * One stored kind: its objects in the watch cache for reading, and the one generic path for writing.
 * Everything that reads waits as long as it must for the cache to be as new as was asked for.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import type { KindInfo } from '../../proto/api/schema.ts';
import { newApiError, notFound } from '../../proto/api/status-error.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { Storage } from '../storage/storage.ts';
import type { CachedObject } from '../storage/watch-cache/cached-object.ts';
import { WatchCache } from '../storage/watch-cache/watch-cache.ts';
import { createObject, type Written } from './create-object.ts';
import { type Deleted, deleteObject } from './delete-object.ts';
import type { ObjectAccess } from './object-access.ts';
import {
  keyOfTarget,
  keyPrefix,
  type Randomness,
  type StoreContext,
  type WriteRequest,
  type WriteTarget,
} from './store-context.ts';
import { bytesWithRevision, decodeStored } from './stored-form.ts';
import type { ApiObject, Strategy } from './strategy.ts';
import { type Update, type Updated, updateObject } from './update-object.ts';

export interface ResourceStoreOptions {
  readonly strategy: Strategy;
  readonly kind: KindInfo;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Randomness;
  readonly admission: readonly AdmissionPlugin[];
  readonly objects: ObjectAccess;
}

export class ResourceStore {
  readonly strategy: Strategy;
  readonly kind: KindInfo;
  readonly cache: WatchCache<ApiObject>;
  readonly storage: Storage;
  readonly #context: StoreContext;

  constructor(options: ResourceStoreOptions) {
    const { strategy, kind, storage, clock, logger } = options;
    this.strategy = strategy;
    this.kind = kind;
    this.storage = storage;
    this.cache = new WatchCache<ApiObject>({
      storage,
      prefix: keyPrefix(kind),
      clock,
      logger,
      decode: (kv, remembered) => {
        if (remembered === undefined) return decodeStored(kv);
        remembered.metadata.resourceVersion = String(kv.modRevision);
        return remembered;
      },
      encode: bytesWithRevision,
    });
    this.#context = {
      ...options,
      peek: (key) => this.cache.get(key),
      remember: (value, object) => this.cache.remember(value, object),
    };
  }

  /** From the watch cache as it is now. */
  peek(target: WriteTarget): CachedObject<ApiObject> | undefined {
    return this.cache.get(keyOfTarget(this.kind, target));
  }

  /**
   * The object, not older than the resourceVersion: empty for the newest, "0" for any. Throws
   * NotFound, and Timeout when the version is not reached in time.
   */
  async get(target: WriteTarget, resourceVersion = ''): Promise<CachedObject<ApiObject>> {
    await this.waitFor(resourceVersion);
    const found = this.peek(target);
    if (found === undefined) throw notFound(this.strategy.resource, target.name);
    return found;
  }

  /** Waits until the cache is as new as the resourceVersion says. Throws Timeout, BadRequest. */
  async waitFor(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    if (resourceVersion === '0') return;
    const options = signal === undefined ? {} : { signal };
    if (resourceVersion === '') {
      if (await this.cache.waitForCurrent(options)) return;
      throw newApiError(
        504,
        'Timeout',
        'Timeout: the watch cache does not keep up with the store',
        {
          retryAfterSeconds: 1,
        },
      );
    }
    const revision = parseRevision(resourceVersion);
    if (await this.cache.waitFor(revision, options)) return;
    throw tooLargeVersion(revision, this.cache.revision);
  }

  create(namespace: string, object: ApiObject, request: WriteRequest): Promise<Written> {
    return createObject(this.#context, namespace, object, request);
  }

  update(target: WriteTarget, update: Update, request: WriteRequest): Promise<Updated> {
    return updateObject(this.#context, target, update, request);
  }

  delete(target: WriteTarget, options: DeleteOptions, request: WriteRequest): Promise<Deleted> {
    return deleteObject(this.#context, target, options, request);
  }
}

/** Throws BadRequest for what is no decimal number. */
export function parseRevision(resourceVersion: string): number {
  if (/^\d{1,15}$/.test(resourceVersion)) return Number(resourceVersion);
  throw newApiError(400, 'BadRequest', `Invalid value: "${resourceVersion}": must be a number`);
}

function tooLargeVersion(asked: number, current: number): Error {
  const message = `Too large resource version: ${asked}, current: ${current}`;
  return newApiError(504, 'Timeout', `Timeout: ${message}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
