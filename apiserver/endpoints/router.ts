/**
 * From a request to the endpoint that answers it: what the path names is looked up, the sender is
 * authorized, and the verb is called.
 */

import type { Clock } from '../../base/clock.ts';
import { kindOfResource } from '../../proto/api/schema.ts';
import { newApiError } from '../../proto/api/status-error.ts';
import { unauthorized } from '../auth/authenticate.ts';
import { type AuthorizationAttributes, type Authorizer, denial } from '../auth/authorize.ts';
import { type Answer, objectAnswer, textAnswer } from '../http/answer.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { RawEndpoint } from '../registry/api-definition.ts';
import type { ObjectAccess } from '../registry/object-access.ts';
import { newResourceApi, type ResourceApi } from '../registry/resource-api.ts';
import type { ResourceStore } from '../registry/resource-store.ts';
import type { ServedApi, ServedResource } from '../registry/served-api.ts';
import type { ActionContext, ActionSubresource, Subresource } from '../registry/subresource.ts';
import { act, createVirtual, upgradeContext } from './action.ts';
import { create } from './create.ts';
import { deleteOne } from './delete.ts';
import { deleteCollection } from './delete-collection.ts';
import type { Endpoint } from './endpoint.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import { patch } from './patch.ts';
import { type RequestInfo, requestInfo } from './request-info.ts';
import { update } from './update.ts';
import { versionInfo } from './version.ts';
import { watch } from './watch.ts';

export interface RouterOptions {
  readonly api: ServedApi;
  readonly rawEndpoints: readonly RawEndpoint[];
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly objects: ObjectAccess;
  readonly storeOf: (served: ServedResource) => ResourceStore | undefined;
  /** Empty when all is well; else what is not ready. */
  readonly notReady: () => readonly string[];
}

type ResourceInfo = Extract<RequestInfo, { kind: 'resource' }>;
type Verb = (endpoint: Endpoint) => Promise<Answer>;

const COLLECTION_VERBS: Readonly<Record<string, Verb>> = {
  create,
  list,
  watch,
  deletecollection: deleteCollection,
};
const OBJECT_VERBS: Readonly<Record<string, Verb>> = {
  get,
  watch,
  update,
  patch,
  delete: deleteOne,
};
const PART_VERBS: Readonly<Record<string, Verb>> = { get, update, patch };

const HEALTH_PATHS = /^\/(healthz|livez|readyz)(\/.*)?$/;

export class Router {
  readonly #options: RouterOptions;
  readonly #apis = new Map<ServedResource, ResourceApi>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Throws `ApiError`. */
  async route(request: ApiRequest): Promise<Answer> {
    const info = requestInfo(request.method, request.path, request.query);
    this.#authorize(request, info);
    if (info.kind === 'path') return this.#routePath(request);
    const served = this.#find(info);
    const { serving } = served;
    if (serving.kind === 'virtual') {
      if (info.verb !== 'create') throw methodNotAllowed();
      return createVirtual(serving.virtual, this.#actionContext(request, info));
    }
    const subresource = this.#subresource(served, info);
    if (subresource?.type === 'action') {
      if (!isAllowed(subresource, info.verb)) throw methodNotAllowed();
      return act(subresource, this.#actionContext(request, info));
    }
    const verbs =
      subresource !== undefined ? PART_VERBS : info.name === '' ? COLLECTION_VERBS : OBJECT_VERBS;
    const verb = Object.hasOwn(verbs, info.verb) ? verbs[info.verb] : undefined;
    if (verb === undefined || (subresource !== undefined && !isAllowed(subresource, info.verb))) {
      throw methodNotAllowed();
    }
    const { namespaced } = served.resource;
    if (info.verb === 'create' && namespaced && info.namespace === '') throw methodNotAllowed();
    const { namespace, name } = info;
    const { clock } = this.#options;
    return verb({ request, api: this.#apiOf(served), namespace, name, part: subresource, clock });
  }

  /** What an upgrade is for. Throws `ApiError`. */
  routeUpgrade(request: ApiRequest): {
    readonly action: ActionSubresource;
    readonly context: ActionContext;
  } {
    const info = requestInfo(request.method, request.path, request.query);
    this.#authorize(request, info);
    if (info.kind === 'path') throw notServed();
    const subresource = this.#subresource(this.#find(info), info);
    if (subresource?.type !== 'action' || subresource.connect === undefined) {
      throw newApiError(400, 'BadRequest', 'this path cannot be upgraded to another protocol');
    }
    if (!isAllowed(subresource, info.verb)) throw methodNotAllowed();
    const known = this.#actionContext(request, info);
    return { action: subresource, context: upgradeContext(known) };
  }

  async #routePath(request: ApiRequest): Promise<Answer> {
    const { path, method } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    const raw = this.#options.rawEndpoints.find((endpoint) => endpoint.matches(path));
    if (raw !== undefined) return raw.handle(request, this.#options.api);
    const isKnown = path === '/version' || HEALTH_PATHS.test(path);
    if (isKnown && !isRead) throw methodNotAllowed();
    if (path === '/version') return objectAnswer(200, versionInfo());
    if (isKnown) return this.#health();
    return textAnswer(404, '404 page not found\n');
  }

  #health(): Answer {
    const notReady = this.#options.notReady();
    if (notReady.length === 0) return textAnswer(200, 'ok');
    const lines = notReady.map((what) => `[-]${what} failed: not ready\n`);
    return textAnswer(500, `${lines.join('')}healthz check failed\n`);
  }

  #authorize(request: ApiRequest, info: RequestInfo): void {
    const { user } = request;
    const attributes: AuthorizationAttributes = { user, ...info };
    const decision = this.#options.authorizer.authorize(attributes);
    if (decision.isAllowed) return;
    // Who is nobody is asked to say who they are.
    if (user.groups.includes('system:unauthenticated')) throw unauthorized();
    throw denial(attributes, decision.reason);
  }

  #find(info: ResourceInfo): ServedResource {
    const served = this.#options.api.find(info.group, info.version, info.plural);
    if (served === undefined) throw notServed();
    if (info.namespace !== '' && !served.resource.namespaced) throw notServed();
    // An object of a namespaced kind needs its namespace.
    if (info.name !== '' && info.namespace === '' && served.resource.namespaced) throw notServed();
    return served;
  }

  #subresource(served: ServedResource, info: ResourceInfo): Subresource | undefined {
    if (info.subresource === '') return undefined;
    const subresource = served.subresources.get(info.subresource);
    if (subresource === undefined) throw notServed();
    const hasSubpath = subresource.type === 'action' && subresource.hasSubpath === true;
    if (info.subpath !== '' && !hasSubpath) throw notServed();
    return subresource;
  }

  #actionContext(
    request: ApiRequest,
    info: ResourceInfo,
  ): Pick<ActionContext, 'request' | 'target' | 'subpath' | 'nowMs' | 'objects'> {
    const { clock, objects } = this.#options;
    const { namespace, name, subpath } = info;
    const target = namespace === '' ? { name } : { namespace, name };
    return { request, target, subpath, nowMs: clock.wallMs(), objects };
  }

  #apiOf(served: ServedResource): ResourceApi {
    const known = this.#apis.get(served);
    if (known !== undefined) return known;
    const { group, version, plural } = served.resource;
    const kind = kindOfResource(group, version, plural);
    const store = this.#options.storeOf(served);
    if (kind === undefined || store === undefined) throw notServed();
    const made = newResourceApi(served, kind, store);
    this.#apis.set(served, made);
    return made;
  }
}

function isAllowed(subresource: Subresource, verb: string): boolean {
  if (subresource.type === 'action') return subresource.verbs.some((known) => known === verb);
  const verbs = subresource.verbs ?? ['get', 'update', 'patch'];
  return verbs.some((known) => known === verb);
}

function notServed(): Error {
  return newApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

function methodNotAllowed(): Error {
  return newApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}
