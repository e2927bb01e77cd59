/** What a puller may show to a registry. Pure. */

export type Credentials =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token, to be changed for an access token. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** An access token, sent as it is. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** As in the CRI's AuthConfig. */
export interface AuthFields {
  readonly username: string;
  readonly password: string;
  /** Base64 of `USER:PASSWORD`. */
  readonly auth: string;
  readonly server_address: string;
  readonly identity_token: string;
  readonly registry_token: string;
}

export const ANONYMOUS: Credentials = { kind: 'anonymous' };

/**
 * The credentials in a CRI request for an image of this registry. Those that are for another registry
 * are not used. Undefined when they make no sense.
 */
export function credentialsOf(auth: AuthFields | null, domain: string): Credentials | undefined {
  if (auth === null) return ANONYMOUS;
  if (auth.server_address !== '' && hostOf(auth.server_address) !== hostOf(domain)) {
    return ANONYMOUS;
  }
  if (auth.registry_token !== '') return { kind: 'registry-token', token: auth.registry_token };
  if (auth.identity_token !== '') return { kind: 'identity-token', token: auth.identity_token };
  if (auth.username !== '') {
    return { kind: 'password', username: auth.username, password: auth.password };
  }
  if (auth.auth === '') return ANONYMOUS;
  // Docker pads the value with NULs.
  const text = Buffer.from(auth.auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Of `https://index.docker.io/v1/`, `registry.example:5000/team`, `docker.io`. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}
