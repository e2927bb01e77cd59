/**
 * The token with which a list goes on after its page: which revision, and after which key. Opaque to
 * clients. Source: kubernetes/apiserver pkg/storage/continue.go, v0.36.
 */

import { ApiError, badRequest, expired } from '../../proto/api/status-error.ts';

export interface Continuation {
  /** The revision that all pages are of; {@link NEWEST}: whatever is newest. */
  readonly revision: number;
  /** The last key that was given, without the prefix of the list. */
  readonly after: string;
}

export const NEWEST = -1;
const VERSION = 'meta.k8s.io/v1';

export function encodeContinue({ revision, after }: Continuation): string {
  const token = { v: VERSION, rv: revision, start: after };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Throws BadRequest for anything that {@link encodeContinue} did not make. */
export function decodeContinue(text: string): Continuation {
  const token = parse(text);
  const { v, rv, start } = token;
  if (v !== VERSION || typeof rv !== 'number' || typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: incorrect format');
  }
  return { revision: rv, after: start };
}

/** 410 with a token that goes on, inconsistently, at what is newest. */
export function continueExpired(after: string): ApiError {
  const { status } = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  const metadata = { continue: encodeContinue({ revision: NEWEST, after }) };
  return new ApiError({ ...status, metadata });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw badRequest('continue key is not valid: illegal base64 or JSON', { cause });
  }
  throw badRequest('continue key is not valid: incorrect format');
}
