/**
 * The Authorization header for one registry: nothing at first, then what its challenge asks for. A token
 * is used until the registry refuses it.
 *
 * Credentials go to the registry itself (Basic) or to the token server that it names (Bearer), which
 * must be reached by HTTPS unless the registry itself is not. They never go to mirrors.
 *
 * Source: distribution docs/spec/auth/{token,oauth}.md.
 */

import { PullError } from '../pull-error.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { type HttpClient, readBody } from './http-client.ts';
import type { Endpoint } from './registry-config.ts';

/** Bytes of a token server's answer. */
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Bytes of a token: some carry whole certificate chains, but headers end somewhere. */
const TOKEN_BYTES_MAX = 64 * 1024;
const CLIENT_ID = 'skiff';

export class Authorizer {
  readonly #http: HttpClient;
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;
  readonly #scope: string;
  #header: string | undefined;
  #pending: Promise<void> | undefined;

  /** `scope` is what is asked for when the challenge names none. */
  constructor(http: HttpClient, endpoint: Endpoint, credentials: Credentials, scope: string) {
    this.#http = http;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#scope = scope;
    if (credentials.kind === 'registry-token') this.#header = `Bearer ${credentials.token}`;
  }

  /** To be sent to the registry's own host, and to no other. */
  get header(): string | undefined {
    return this.#header;
  }

  /**
   * Gets a new header after the one that was sent was refused. False when there is nothing else to show.
   * Several requests that were refused at once share one answer.
   */
  async renew(sent: string | undefined, wwwAuthenticate: string, signal: AbortSignal) {
    if (this.#header !== sent && this.#header !== undefined) return true;
    this.#pending ??= this.#obtain(wwwAuthenticate, signal).finally(() => {
      this.#pending = undefined;
    });
    await this.#pending;
    return this.#header !== undefined && this.#header !== sent;
  }

  async #obtain(wwwAuthenticate: string, signal: AbortSignal): Promise<void> {
    const challenges = parseChallenges(wwwAuthenticate);
    const bearer = challenges.find((challenge) => challenge.kind === 'bearer');
    const basic = challenges.find((challenge) => challenge.kind === 'basic');
    const { kind } = this.#credentials;
    this.#header = undefined;
    if (kind === 'registry-token') return;
    if (bearer !== undefined) this.#header = `Bearer ${await this.#token(bearer, signal)}`;
    else if (basic !== undefined) this.#header = basicHeader(this.#credentials);
  }

  async #token(challenge: Challenge & { kind: 'bearer' }, signal: AbortSignal): Promise<string> {
    const realm = this.#realmOf(challenge);
    const scope = challenge.scope === '' ? this.#scope : challenge.scope;
    const { caFile } = this.#endpoint;
    const response =
      this.#credentials.kind === 'identity-token'
        ? await this.#http.send({
            method: 'POST',
            url: realm,
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: String(refreshForm(this.#credentials.token, challenge.service, scope)),
            caFile,
            signal,
          })
        : await this.#http.send({
            method: 'GET',
            url: withQuery(realm, { service: challenge.service, scope }),
            headers: authorization(basicHeader(this.#credentials)),
            caFile,
            signal,
          });
    const bytes = await readBody(response, ANSWER_BYTES_MAX);
    const status = response.statusCode ?? 0;
    if (status !== 200) {
      const isRefusal = status === 400 || status === 401 || status === 403;
      throw new PullError(
        `failed to authorize: failed to fetch token: ${realm.host} answered ${status}`,
        {
          kind: isRefusal ? 'unauthorized' : 'unavailable',
          isTransient: status >= 500 || status === 429,
        },
      );
    }
    return tokenOf(bytes);
  }

  #realmOf({ realm }: Challenge & { kind: 'bearer' }): URL {
    const { url } = this.#endpoint;
    if (!URL.canParse(realm)) {
      throw new PullError(`${url.host} names no token server`, { kind: 'unauthorized' });
    }
    const parsed = new URL(realm);
    const isAllowed =
      parsed.protocol === 'https:' || (parsed.protocol === 'http:' && url.protocol === 'http:');
    if (isAllowed) return parsed;
    throw new PullError(`${url.host} names a token server without HTTPS: ${realm}`, {
      kind: 'unauthorized',
    });
  }
}

function basicHeader(credentials: Credentials): string | undefined {
  if (credentials.kind !== 'password') return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function authorization(header: string | undefined): Readonly<Record<string, string>> {
  return header === undefined ? {} : { authorization: header };
}

function refreshForm(token: string, service: string, scope: string): URLSearchParams {
  return new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: CLIENT_ID,
    service,
    scope,
  });
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const result = new URL(url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== '') result.searchParams.set(name, value);
  }
  return result;
}

function tokenOf(bytes: Buffer): string {
  let answer: { readonly token?: unknown; readonly access_token?: unknown };
  try {
    answer = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new PullError('The token server answered no JSON', {
      kind: 'unauthorized',
      cause: error,
    });
  }
  const token = answer?.token ?? answer?.access_token;
  const isToken =
    typeof token === 'string' && token.length <= TOKEN_BYTES_MAX && /^[\x21-\x7e]+$/.test(token);
  if (isToken) return token;
  throw new PullError('The token server answered no token', { kind: 'unauthorized' });
}
