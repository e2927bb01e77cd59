/**
 * Errors of the API: a `Status` object on the wire, an {@link ApiError} in code. Both the API
 * server (which throws it and turns it into HTTP in one place) and its clients (which parse it) use
 * this one class.
 *
 * Source: kubernetes/apimachinery pkg/api/errors/errors.go, v0.36; messages as upstream's.
 */

import type { Status, StatusCause, StatusDetails } from './gen/meta-v1.ts';
import { groupResource } from './resource.ts';

/** Where an error is about: the plural and group of the resource. */
interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

/** Carries a complete `Status`. Its `message` is the Status' message. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'Unknown error', options);
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** Makes an error of this code and reason; the shape of a `Status` is filled in. */
export function newApiError(
  code: number,
  reason: string,
  message: string,
  details?: StatusDetails,
  options?: ErrorOptions,
): ApiError {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
  return new ApiError(status, options);
}

export function notFound(resource: GroupResource, name: string): ApiError {
  const message = `${groupResource(resource)} "${name}" not found`;
  return newApiError(404, 'NotFound', message, detailsOf(resource, name));
}

export function alreadyExists(resource: GroupResource, name: string): ApiError {
  const message = `${groupResource(resource)} "${name}" already exists`;
  return newApiError(409, 'AlreadyExists', message, detailsOf(resource, name));
}

/** The cause text is upstream's where it is "the object has been modified…". */
export function conflict(resource: GroupResource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${groupResource(resource)} "${name}": ${why}`;
  return newApiError(409, 'Conflict', message, detailsOf(resource, name));
}

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export function badRequest(message: string, options?: ErrorOptions): ApiError {
  return newApiError(400, 'BadRequest', message, undefined, options);
}

export function forbidden(resource: GroupResource, name: string, why: string): ApiError {
  const what = name === '' ? groupResource(resource) : `${groupResource(resource)} "${name}"`;
  return newApiError(403, 'Forbidden', `${what} is forbidden: ${why}`, detailsOf(resource, name));
}

/** 410: the resourceVersion asked for is older than what is kept. Clients list anew. */
export function expired(message: string): ApiError {
  return newApiError(410, 'Expired', message);
}

export function internalError(cause: unknown): ApiError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const details: StatusDetails = { causes: [{ message: text }] };
  return newApiError(500, 'InternalError', `Internal error occurred: ${text}`, details, { cause });
}

/** One thing that is wrong with a field. Source: apimachinery pkg/util/validation/field/errors.go. */
export interface FieldError {
  readonly type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  /** `spec.containers[0].name` */
  readonly field: string;
  /** As upstream prints it, without the path: `Required value`, `Invalid value: "x": must be …`. */
  readonly message: string;
}

/** 422 with one cause a field. The message is `<Kind>[.group] "name" is invalid: …`. */
export function invalid(
  target: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const kind = target.group === '' ? target.kind : `${target.kind}.${target.group}`;
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const causes: StatusCause[] = errors.map((error) => ({
    reason: error.type,
    message: error.message,
    field: error.field,
  }));
  const details: StatusDetails = { name, group: target.group, kind: target.kind, causes };
  return newApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, details);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason === 'Conflict';
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason === 'AlreadyExists';
}

/** The resourceVersion is too old: list anew. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.code === 410;
}

function detailsOf(resource: GroupResource, name: string): StatusDetails {
  return {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}
