/**
 * The API server, composed: stores of all kinds over one Storage, the one generic path, the router and
 * the HTTPS listener. Everything it needs comes in; tests run it inside their own process.
 *
 * `listen` returns once requests are answered; `run` returns once everything is closed. The Storage is
 * the caller's, who closes it after.
 */

import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { pods, secrets, serviceaccounts } from '../proto/api/gen/resources.ts';
import type { ObjectReference } from '../proto/api/meta.ts';
import { kindOfResource } from '../proto/api/schema.ts';
import { Authenticator } from './auth/authenticate.ts';
import { builtinAuthorizer } from './auth/authorize.ts';
import type { ClusterPki } from './auth/pki.ts';
import { type BoundObjects, ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { ensureSystemObjects } from './bootstrap.ts';
import { Dispatcher } from './endpoints/dispatcher.ts';
import { Router } from './endpoints/router.ts';
import { HttpServer } from './http/http-server.ts';
import type { ApiDefinition, ApiDependencies } from './registry/api-definition.ts';
import { buildServedApi } from './registry/build-served-api.ts';
import { ResourceStore } from './registry/resource-store.ts';
import type { ServedResource } from './registry/served-api.ts';
import type { Randomness } from './registry/store-context.ts';
import { StoredObjects } from './registry/stored-objects.ts';
import type { Storage } from './storage/storage.ts';

/** Milliseconds for reading the whole store at the start; 100,000 pods take about ten seconds. */
const FILL_TIMEOUT_MS = 120_000;

export interface ApiServerOptions {
  readonly storage: Storage;
  readonly pki: ClusterPki;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Randomness;
  /** What is served; registry/catalog of the product, or a few kinds for a test. */
  readonly define: (dependencies: ApiDependencies) => ApiDefinition;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly serviceCidr: string;
}

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #objects = new StoredObjects();
  readonly #http: HttpServer;
  /** Ends the watch caches, after the listener. */
  readonly #end = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const { pki, clock, logger, random } = options;
    const tokens = new ServiceAccountTokens({
      keyPem: pki.serviceAccountKeyPem,
      publicPem: pki.serviceAccountPublicPem,
      clock,
      randomUid: random.uid,
    });
    const authorizer = builtinAuthorizer;
    const definition = options.define({
      clock,
      logger,
      random,
      tokens,
      authorizer,
      kubeletClient: pki.kubeletClient,
      caPem: pki.ca.certificatePem,
      serviceCidr: options.serviceCidr,
    });
    this.#addStores(definition);
    const objects = this.#objects;
    const router = new Router({
      api: buildServedApi(definition),
      rawEndpoints: definition.rawEndpoints,
      authorizer,
      clock,
      objects,
      storeOf: (served) => storeOf(objects, served),
      notReady: () => this.#notReady(),
    });
    const authenticator = new Authenticator({ tokens, boundObjects: boundObjects(objects) });
    this.#http = new HttpServer({
      address: options.address,
      port: options.port,
      serving: pki.apiserver,
      caPem: pki.ca.certificatePem,
      handler: new Dispatcher({
        authenticator,
        authorizer,
        router,
        logger,
        randomUid: random.uid,
      }),
      clock,
      logger,
    });
  }

  /**
   * Fills the watch caches, then takes connections. Call once, before `run`. When it rejects,
   * everything that it began has ended.
   */
  async listen(): Promise<AddressInfo> {
    try {
      return await this.#begin();
    } catch (error) {
      this.#end.abort();
      await Promise.all(this.#running);
      throw error;
    }
  }

  /** Serves until the signal is aborted, then ends what is under way and closes everything. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    await this.#http.close();
    this.#end.abort();
    await Promise.all(this.#running);
  }

  async #begin(): Promise<AddressInfo> {
    for (const { cache } of this.#objects.stores) this.#running.push(cache.run(this.#end.signal));
    const { storage } = this.#options;
    const revision = await storage.currentRevision();
    const wait = { timeoutMs: FILL_TIMEOUT_MS };
    await Promise.all([...this.#objects.stores].map(({ cache }) => cache.waitFor(revision, wait)));
    const notReady = this.#notReady();
    if (notReady.length > 0) throw new Error(`The store could not be read: ${notReady.join(', ')}`);
    await ensureSystemObjects(this.#objects);
    return this.#http.listen();
  }

  #addStores(definition: ApiDefinition): void {
    const { storage, clock, logger, random } = this.#options;
    const { admission } = definition;
    const objects = this.#objects;
    for (const strategy of definition.strategies) {
      const { group, version, plural } = strategy.resource;
      const kind = kindOfResource(group, version, plural);
      if (kind === undefined) throw new Error(`The schema has no ${plural}`);
      const options = { strategy, kind, storage, clock, logger, random, admission, objects };
      objects.add(new ResourceStore(options));
    }
  }

  #notReady(): readonly string[] {
    return [...this.#objects.stores]
      .filter(({ cache }) => !cache.isReady)
      .map(({ strategy }) => `watch-cache/${strategy.resource.plural}`);
  }
}

function storeOf(objects: StoredObjects, { serving }: ServedResource): ResourceStore | undefined {
  switch (serving.kind) {
    case 'stored':
      return objects.find(serving.strategy.resource);
    case 'view':
      return objects.find(serving.view.storedAs);
    case 'virtual':
      return undefined;
  }
}

/** What tokens are bound to; a kind that is not served binds nothing. */
function boundObjects(objects: StoredObjects): BoundObjects {
  const resources = { serviceaccounts, pods, secrets };
  return {
    uidOf(kind, { namespace = '', name }: ObjectReference) {
      const store = objects.find(resources[kind]);
      return store?.peek({ namespace, name })?.object.metadata.uid;
    },
  };
}
