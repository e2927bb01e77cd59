/** Why an image could not be brought here: what whoever asked for it is told, and whether to try again. */

export type PullErrorKind =
  /** No such image, tag or blob. */
  | 'not-found'
  /** No credentials, wrong ones, or ones that may not pull this. */
  | 'unauthorized'
  /** The registry can't be reached, or answers that it can't answer. */
  | 'unavailable'
  /** What came is not what was declared, or is not supported. */
  | 'invalid';

export interface PullErrorOptions extends ErrorOptions {
  readonly kind: PullErrorKind;
  /** The same request may succeed a moment later. */
  readonly isTransient?: boolean;
  /** Milliseconds after which the registry wants to be asked again. */
  readonly retryAfterMs?: number;
}

export class PullError extends Error {
  override readonly name = 'PullError';
  readonly kind: PullErrorKind;
  readonly isTransient: boolean;
  readonly retryAfterMs: number;

  constructor(message: string, options: PullErrorOptions) {
    super(message, options);
    this.kind = options.kind;
    this.isTransient = options.isTransient ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Whether trying again may help: a failed connection, or a PullError that says so. */
export function isTransient(error: unknown): error is Error {
  return error instanceof PullError && error.isTransient;
}
