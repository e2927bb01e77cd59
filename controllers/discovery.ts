/**
 * Which resources the API server serves, with what verbs: in the preferred version of each group.
 *
 * Source: kubernetes/client-go discovery/helper.go ServerPreferredResources, v0.36.
 */

import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import { apiVersionOf, type Resource } from '../proto/api/resource.ts';

export interface ServedResource {
  readonly resource: Resource;
  readonly verbs: ReadonlySet<string>;
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface GroupList {
  readonly groups?: readonly {
    readonly name: string;
    readonly preferredVersion?: { readonly groupVersion: string };
  }[];
}

/** What is served changes seldom: when a CustomResourceDefinition comes or goes. */
const KEEP_MS = 30_000;

/** Asks at most every half a minute. */
export class Discovery {
  readonly #client: Pick<Client, 'request'>;
  readonly #clock: Clock;
  #known: Promise<readonly ServedResource[]> | undefined;
  #askedMs = 0;

  constructor(options: { readonly client: Pick<Client, 'request'>; readonly clock: Clock }) {
    this.#client = options.client;
    this.#clock = options.clock;
  }

  /** Rejects when a part of it can't be had: who deletes everything must know everything. */
  resources(signal: AbortSignal): Promise<readonly ServedResource[]> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#known !== undefined && nowMs - this.#askedMs < KEEP_MS) return this.#known;
    this.#askedMs = nowMs;
    const known = this.#ask(signal);
    this.#known = known;
    known.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known;
  }

  /** The resource of a kind, as owner references name it. */
  async find(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource | undefined> {
    const all = await this.resources(signal);
    const isIt = ({ resource }: ServedResource): boolean =>
      resource.kind === kind && apiVersionOf(resource) === apiVersion;
    // Another version of the same group names the same objects.
    const [group] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
    const isSameGroup = ({ resource }: ServedResource): boolean =>
      resource.kind === kind && resource.group === group;
    return (all.find(isIt) ?? all.find(isSameGroup))?.resource;
  }

  async #ask(signal: AbortSignal): Promise<readonly ServedResource[]> {
    const groups = (await this.#get('/apis', signal)) as GroupList;
    const versions = (groups.groups ?? []).flatMap(({ preferredVersion }) =>
      preferredVersion === undefined ? [] : [preferredVersion.groupVersion],
    );
    const lists = await Promise.all([
      this.#list('/api/v1', '', 'v1', signal),
      ...versions.map((groupVersion) => {
        const [group = '', version = ''] = groupVersion.split('/');
        return this.#list(`/apis/${groupVersion}`, group, version, signal);
      }),
    ]);
    return lists.flat();
  }

  async #list(
    path: string,
    group: string,
    version: string,
    signal: AbortSignal,
  ): Promise<ServedResource[]> {
    const { resources = [] } = (await this.#get(path, signal)) as ResourceList;
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name: plural, kind, namespaced, verbs }) => ({
        resource: { group, version, kind, plural, namespaced },
        verbs: new Set(verbs),
      }));
  }

  #get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#client.request('GET', path, undefined, {}, signal);
  }
}
