/**
 * ConfigMaps and Secrets that pods refer to, and tokens of service accounts. Objects are asked for
 * when a pod needs them; answers are shared for a second, so that thirty pods of one Deployment ask
 * once. Tokens are kept until 80 % of their life has passed.
 *
 * Source: kubernetes pkg/kubelet/token/token_manager.go, v1.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { parseApiTime } from '../../client/timestamps.ts';
import type { TokenRequest } from '../../proto/api/gen/authentication-v1.ts';
import type {
  ConfigMap,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
} from '../../proto/api/gen/core-v1.ts';
import { configmaps, secrets, serviceaccounts } from '../../proto/api/gen/resources.ts';
import { type Resource, resourcePath } from '../../proto/api/resource.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { type ProjectionSources, VolumeError } from './projections.ts';

/** An answer is shared for this long. */
const SHARE_MS = 1_000;
/** The API's default when a projection doesn't say. */
const TOKEN_SECONDS = 3_600;
/** A token is replaced when less than this part of its life is left. */
const TOKEN_LEFT_MIN = 0.2;
/** And at the latest at this age. */
const TOKEN_AGE_MAX_MS = 24 * 3_600_000;

interface CachedToken {
  readonly token: string;
  readonly renewAtMs: number;
}

export class References implements ProjectionSources {
  readonly #client: Pick<Client, 'get' | 'request'>;
  readonly #clock: Clock;
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #tokens = new Map<string, CachedToken>();

  constructor(client: Pick<Client, 'get' | 'request'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(configmaps, namespace, name);
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(secrets, namespace, name);
  }

  async serviceAccountToken(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string> {
    const { namespace = '', name, uid } = pod.metadata;
    const { audience, expirationSeconds = TOKEN_SECONDS } = projection;
    const id = JSON.stringify([uid, audience, expirationSeconds]);
    const known = this.#tokens.get(id);
    const nowMs = this.#clock.wallMs();
    if (known !== undefined && nowMs < known.renewAtMs) return known.token;
    const account = pod.spec.serviceAccountName ?? 'default';
    const path = resourcePath(serviceaccounts, { namespace, name: account, subresource: 'token' });
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === undefined || audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const answer = (await this.#client.request('POST', path, request)) as TokenRequest;
    const token = answer.status?.token;
    if (token === undefined) throw new VolumeError(`no token for service account "${account}"`);
    const expiresMs =
      parseApiTime(answer.status?.expirationTimestamp) ?? nowMs + expirationSeconds * 1000;
    const lifeMs = expiresMs - nowMs;
    const renewAtMs = nowMs + Math.min(lifeMs * (1 - TOKEN_LEFT_MIN), TOKEN_AGE_MAX_MS);
    this.#tokens.set(id, { token, renewAtMs });
    return token;
  }

  /** The pod is gone. */
  forget(uid: string): void {
    const prefix = JSON.stringify([uid]).slice(0, -1);
    for (const id of this.#tokens.keys()) if (id.startsWith(prefix)) this.#tokens.delete(id);
  }

  #get<T>(resource: Resource<T>, namespace: string, name: string): Promise<T | undefined> {
    const id = `${resource.plural}/${namespace}/${name}`;
    const shared = this.#shared.get(id);
    // The promise under this name is of this resource.
    if (shared !== undefined) return shared as Promise<T | undefined>;
    const answer = this.#client.get(resource, { namespace, name }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    this.#shared.set(id, answer);
    this.#clock.schedule(SHARE_MS, () => this.#shared.delete(id));
    return answer;
  }
}
