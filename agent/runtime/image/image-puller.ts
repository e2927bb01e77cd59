/**
 * Pulls images for whoever asks: those who want the same image with the same credentials at the same
 * time share one pull, which ends early when all of them have gone.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { normalName } from './assemble-image.ts';
import type { ImageRecord } from './image.ts';
import type { ImageStore } from './image-store.ts';
import { type PullProgress, pullImage } from './pull-image.ts';
import type { ImageName } from './reference.ts';
import { formatReference } from './reference.ts';
import type { Credentials } from './registry/credentials.ts';
import { HttpClient } from './registry/http-client.ts';
import { RegistryClient } from './registry/registry-client.ts';
import { endpointsOf, type RegistryConfig } from './registry/registry-config.ts';

/** Milliseconds without a byte after which a connection is given up, and tried again. */
const IDLE_MS = 60_000;

export interface ImagePullerOptions {
  readonly store: ImageStore;
  readonly clock: Clock;
  /** How registries are reached; asked at each pull. */
  readonly config: () => RegistryConfig;
  readonly idleMs?: number;
}

export interface PullRequest {
  readonly name: ImageName;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly onProgress?: (layer: PullProgress) => void;
}

interface SharedPull {
  readonly result: Promise<ImageRecord>;
  readonly controller: AbortController;
  readonly listeners: Set<(layer: PullProgress) => void>;
  waiting: number;
}

export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #pulls = new Map<string, SharedPull>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
  }

  /** Throws a PullError, an Error when the configuration is wrong, or the signal's reason. */
  async pull(request: PullRequest): Promise<ImageRecord> {
    const { signal, onProgress } = request;
    signal.throwIfAborted();
    // Throws for names that are built in.
    normalName(formatReference(request.name));
    const pull = this.#join(request);
    pull.waiting += 1;
    if (onProgress !== undefined) pull.listeners.add(onProgress);
    const gone = Promise.withResolvers<never>();
    const onAbort = (): void => gone.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([pull.result, gone.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (onProgress !== undefined) pull.listeners.delete(onProgress);
      pull.waiting -= 1;
      if (pull.waiting === 0) pull.controller.abort(new Error('Nobody waits for the pull'));
    }
  }

  #join({ name, credentials }: PullRequest): SharedPull {
    const key = keyOf(name, credentials);
    const known = this.#pulls.get(key);
    if (known !== undefined && !known.controller.signal.aborted) return known;
    const controller = new AbortController();
    const listeners: SharedPull['listeners'] = new Set();
    const result = this.#run(name, credentials, controller.signal, (layer) => {
      for (const listener of listeners) listener(layer);
    });
    const pull: SharedPull = { result, controller, listeners, waiting: 0 };
    this.#pulls.set(key, pull);
    const forget = (): void => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    };
    // Whoever waits is told of a failure by the promise itself.
    result.then(forget, forget);
    return pull;
  }

  async #run(
    name: ImageName,
    credentials: Credentials,
    signal: AbortSignal,
    onProgress: (layer: PullProgress) => void,
  ): Promise<ImageRecord> {
    const { store, clock, config, idleMs = IDLE_MS } = this.#options;
    const endpoints = endpointsOf(config(), name.domain);
    const http = new HttpClient({ idleMs });
    try {
      const client = new RegistryClient({ http, clock, endpoints, name, credentials, signal });
      return await pullImage({ store, client, name, onProgress, signal });
    } finally {
      http.close();
    }
  }
}

function keyOf(name: ImageName, credentials: Credentials): string {
  const text = JSON.stringify([formatReference(name), credentials]);
  return createHash('sha256').update(text).digest('hex');
}
