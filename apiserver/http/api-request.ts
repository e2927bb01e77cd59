/** A request after its head was read and its sender is known, and before its body is looked at. */

import type { IncomingHttpHeaders } from 'node:http';

/** Who sent a request. Source: kubernetes/apiserver pkg/authentication/user/user.go, v0.36. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiRequest {
  /** Upper case. */
  readonly method: string;
  /** The path as sent, without the query; not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly user: User;
  /** Aborted when the client goes away, or the server shuts down. */
  readonly signal: AbortSignal;
  /** The whole body, at most {@link MAX_BODY_BYTES} of http/read-body.ts; empty when there is none. */
  readBody(): Promise<Uint8Array>;
  /** Adds a `Warning:` header to the answer; kubectl prints it. */
  warn(text: string): void;
}
