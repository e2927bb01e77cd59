/**
 * Everything the API server serves, as plain lists: what kinds there are, what is special of each,
 * and the rules for writes. server.ts takes one; registry/served-api.ts makes the tables that the
 * router, discovery and OpenAPI look things up in.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Resource } from '../../proto/api/resource.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { Authorizer } from '../auth/authorize.ts';
import type { CertifiedKey } from '../auth/certificate.ts';
import type { ServiceAccountTokens } from '../auth/service-account-tokens.ts';
import type { Answer } from '../http/answer.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { ServedApi } from './served-api.ts';
import type { Randomness } from './store-context.ts';
import type { ApiObject, Strategy } from './strategy.ts';
import type { ActionContext, Subresource } from './subresource.ts';

/**
 * A resource that is another one's storage in a different shape (events.k8s.io and core events).
 * Verbs, watches and resourceVersions are the stored resource's.
 */
export interface ResourceView {
  /** Rules of the view's own shape: validation, columns, selectable fields. */
  readonly strategy: Strategy;
  /** The resource whose storage it is. */
  readonly storedAs: Resource;
  /** Both make a new object; neither changes what it is given. */
  fromStored(object: ApiObject): ApiObject;
  toStored(object: ApiObject): ApiObject;
}

/** A resource that is answered, not stored (reviews; `bindings`): POST only. */
export interface VirtualResource {
  readonly resource: Resource;
  /** Throws `ApiError`. The body is decoded and defaulted. `target.name` is empty or the body's. */
  create(context: ActionContext & { readonly body: ApiObject }): Promise<Answer>;
}

/** Paths outside the resources: discovery, OpenAPI. Authorized as a non-resource path. */
export interface RawEndpoint {
  /** Whether the path (without the query) is this endpoint's. */
  matches(path: string): boolean;
  handle(request: ApiRequest, api: ServedApi): Answer | Promise<Answer>;
}

export interface ApiDefinition {
  readonly strategies: readonly Strategy[];
  readonly views: readonly ResourceView[];
  readonly virtualResources: readonly VirtualResource[];
  readonly subresources: readonly Subresource[];
  readonly rawEndpoints: readonly RawEndpoint[];
  /** In the order they run. */
  readonly admission: readonly AdmissionPlugin[];
}

/** What subresources, reviews and plugins are made with. */
export interface ApiDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Randomness;
  readonly tokens: ServiceAccountTokens;
  readonly authorizer: Authorizer;
  /** What the API server shows to agents, and what it checks them with. */
  readonly kubeletClient: CertifiedKey;
  readonly caPem: string;
  /** Where Services get their addresses: `10.96.0.0/16`. */
  readonly serviceCidr: string;
}
