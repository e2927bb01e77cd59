/**
 * Tokens of service accounts: JWTs signed with the cluster's key (ES256), bound to a service account
 * and, when asked for, to a pod or a secret. A token is good while its signature, times and audience
 * are, and everything it is bound to still exists with the same uid.
 *
 * Source: kubernetes pkg/serviceaccount/claims.go, v1.36; RFC 7519.
 */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { ObjectReference } from '../../proto/api/meta.ts';
import type { User } from '../http/api-request.ts';

export const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Who tokens are for when a request names no audience: this API server. */
export const DEFAULT_AUDIENCE = TOKEN_ISSUER;

/** Something by name that must keep its uid. */
export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly namespace: string;
  readonly serviceAccount: BoundObject;
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
}

export interface IssueRequest extends TokenClaims {
  /** Empty: {@link DEFAULT_AUDIENCE}. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** Answers whether what a token is bound to is still there; from the watch cache. */
export interface BoundObjects {
  uidOf(kind: 'serviceaccounts' | 'pods' | 'secrets', target: ObjectReference): string | undefined;
}

export interface TokenReview {
  readonly user: User;
  readonly audiences: readonly string[];
}

export interface ServiceAccountTokensOptions {
  readonly keyPem: string;
  readonly publicPem: string;
  readonly clock: Clock;
  readonly randomUid: () => string;
}

/** How many verified tokens are remembered, so that each is verified once and not per request. */
const REMEMBERED_TOKENS = 4096;

interface Verified {
  readonly claims: TokenClaims;
  readonly audiences: readonly string[];
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  readonly id: string;
}

export class ServiceAccountTokens {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #clock: Clock;
  readonly #randomUid: () => string;
  readonly #verified = new Map<string, Verified>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#privateKey = createPrivateKey(options.keyPem);
    this.#publicKey = createPublicKey(options.publicPem);
    this.#clock = options.clock;
    this.#randomUid = options.randomUid;
  }

  /** The key that others check tokens with. */
  get publicKey(): KeyObject {
    return this.#publicKey;
  }

  async issue(request: IssueRequest): Promise<IssuedToken> {
    const { SignJWT } = await import('jose');
    const nowSeconds = Math.floor(this.#clock.wallMs() / 1000);
    const expiry = nowSeconds + request.expirationSeconds;
    const audience = request.audiences.length === 0 ? [DEFAULT_AUDIENCE] : [...request.audiences];
    const { namespace, serviceAccount, pod, secret, node } = request;
    const bound = {
      namespace,
      ...(node === undefined ? {} : { node }),
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      serviceaccount: serviceAccount,
    };
    const token = await new SignJWT({ 'kubernetes.io': bound })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(TOKEN_ISSUER)
      .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
      .setAudience(audience)
      .setJti(this.#randomUid())
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(expiry)
      .sign(this.#privateKey);
    return { token, expiresAtMs: expiry * 1000 };
  }

  /** Who the token is for; undefined when it is not good (for this audience, by now). */
  async verify(
    token: string,
    objects: BoundObjects,
    audiences: readonly string[] = [DEFAULT_AUDIENCE],
  ): Promise<TokenReview | undefined> {
    const verified = this.#verified.get(token) ?? (await this.#check(token));
    if (verified === undefined) return undefined;
    const nowMs = this.#clock.wallMs();
    if (nowMs < verified.notBeforeMs || nowMs >= verified.expiresAtMs) return undefined;
    const common = verified.audiences.filter((audience) => audiences.includes(audience));
    if (common.length === 0 || !areThere(verified.claims, objects)) return undefined;
    return { user: userOf(verified), audiences: common };
  }

  /** The signature and the form; times are the caller's, which has the clock. */
  async #check(token: string): Promise<Verified | undefined> {
    const { compactVerify } = await import('jose');
    const result = await compactVerify(token, this.#publicKey, { algorithms: ['ES256'] }).catch(
      () => undefined,
    );
    if (result === undefined) return undefined;
    const verified = parseClaims(new TextDecoder().decode(result.payload));
    if (verified === undefined) return undefined;
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= REMEMBERED_TOKENS && oldest !== undefined) {
      this.#verified.delete(oldest);
    }
    this.#verified.set(token, verified);
    return verified;
  }
}

function areThere(claims: TokenClaims, objects: BoundObjects): boolean {
  const { namespace } = claims;
  const isThere = (
    kind: 'serviceaccounts' | 'pods' | 'secrets',
    bound: BoundObject | undefined,
  ): boolean =>
    bound === undefined || objects.uidOf(kind, { namespace, name: bound.name }) === bound.uid;
  return (
    isThere('serviceaccounts', claims.serviceAccount) &&
    isThere('pods', claims.pod) &&
    isThere('secrets', claims.secret)
  );
}

function userOf({ claims, id }: Verified): User {
  const { namespace, serviceAccount, pod, node } = claims;
  const extra: Record<string, string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${id}`],
  };
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    uid: serviceAccount.uid,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
    extra,
  };
}

function parseClaims(payload: string): Verified | undefined {
  const claims: unknown = JSON.parse(payload);
  if (!isRecord(claims) || claims.iss !== TOKEN_ISSUER) return undefined;
  const bound = claims['kubernetes.io'];
  if (!isRecord(bound) || typeof bound.namespace !== 'string') return undefined;
  const serviceAccount = boundObject(bound.serviceaccount);
  const { exp, nbf, aud, jti } = claims;
  if (serviceAccount === undefined || typeof exp !== 'number') return undefined;
  const pod = boundObject(bound.pod);
  const secret = boundObject(bound.secret);
  const node = boundObject(bound.node);
  return {
    claims: {
      namespace: bound.namespace,
      serviceAccount,
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      ...(node === undefined ? {} : { node }),
    },
    audiences: Array.isArray(aud) ? aud.map(String) : [String(aud)],
    notBeforeMs: typeof nbf === 'number' ? nbf * 1000 : 0,
    expiresAtMs: exp * 1000,
    id: String(jti),
  };
}

function boundObject(value: unknown): BoundObject | undefined {
  if (!isRecord(value)) return undefined;
  const { name, uid } = value;
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
