/**
 * Who sends a request: a client certificate that the cluster's CA signed (CN is the user, O the
 * groups), or a bearer token of a service account. Credentials that are not good are refused; a
 * request without any is anonymous, which authorize.ts lets see next to nothing.
 *
 * Source: kubernetes.io "Authenticating"; kubernetes/apiserver pkg/authentication/request, v0.36.
 */

import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { newApiError } from '../../proto/api/status-error.ts';
import type { User } from '../http/api-request.ts';
import type { BoundObjects, ServiceAccountTokens } from './service-account-tokens.ts';

export const ANONYMOUS: User = {
  name: 'system:anonymous',
  groups: ['system:unauthenticated'],
};

const BEARER = /^Bearer +(\S+) *$/i;
/** How a browser's WebSocket carries a token. Source: apiserver authentication/request/websocket. */
const PROTOCOL_TOKEN = /^base64url\.bearer\.authorization\.k8s\.io\.([A-Za-z0-9_-]+)$/;

export function unauthorized(): Error {
  return newApiError(401, 'Unauthorized', 'Unauthorized');
}

export interface AuthenticatorOptions {
  readonly tokens: ServiceAccountTokens;
  readonly boundObjects: BoundObjects;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** A connection's certificate does not change; reading it costs more than the rest of the head. */
  readonly #bySocket = new WeakMap<object, User>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The sender, at once when it is known from the connection. Throws Unauthorized. */
  authenticate(message: IncomingMessage): User | Promise<User> {
    const token = bearerToken(message);
    if (token !== undefined) return this.#byToken(token);
    const known = this.#bySocket.get(message.socket);
    if (known !== undefined) return known;
    const user = userOfCertificate(message);
    this.#bySocket.set(message.socket, user);
    return user;
  }

  async #byToken(token: string): Promise<User> {
    const { tokens, boundObjects } = this.#options;
    const review = await tokens.verify(token, boundObjects);
    if (review === undefined) throw unauthorized();
    return review.user;
  }
}

function userOfCertificate(message: IncomingMessage): User {
  const { socket } = message;
  if (!(socket instanceof TLSSocket)) return ANONYMOUS;
  const certificate = socket.getPeerCertificate();
  // No certificate is an object without fields.
  if (certificate.subject === undefined) return ANONYMOUS;
  if (!socket.authorized) throw unauthorized();
  const { CN: commonName, O: organization } = certificate.subject;
  if (typeof commonName !== 'string' || commonName === '') throw unauthorized();
  const groups = organization === undefined ? [] : [organization].flat();
  return { name: commonName, groups: [...groups, 'system:authenticated'] };
}

function bearerToken(message: IncomingMessage): string | undefined {
  const { authorization } = message.headers;
  if (authorization !== undefined) {
    // Another scheme is a credential that nobody here can check.
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw unauthorized();
    return token;
  }
  const protocols = message.headers['sec-websocket-protocol'];
  if (protocols === undefined) return undefined;
  for (const protocol of protocols.split(',')) {
    const encoded = PROTOCOL_TOKEN.exec(protocol.trim())?.[1];
    if (encoded !== undefined) return Buffer.from(encoded, 'base64url').toString('utf8');
  }
  return undefined;
}
