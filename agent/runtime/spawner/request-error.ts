/** A request that the spawner refuses, or cannot carry out: what kind of failure the client is told. */

import type { FailureKind } from './protocol.ts';

export class RequestError extends Error {
  readonly kind: FailureKind;

  constructor(message: string, options: ErrorOptions & { readonly kind: FailureKind }) {
    super(message, options);
    this.name = 'RequestError';
    this.kind = options.kind;
  }
}
