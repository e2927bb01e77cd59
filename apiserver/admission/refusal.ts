/** How admission plugins refuse: 403, naming what was to be written, in upstream's words. */

import type { StatusCause } from '../../proto/api/gen/meta-v1.ts';
import { type ApiError, forbidden, newApiError } from '../../proto/api/status-error.ts';
import type { AdmissionAttributes } from './admission.ts';

/** While the name is still to be generated, its beginning names the object. */
export function refusal(
  attributes: AdmissionAttributes,
  why: string,
  cause?: StatusCause,
): ApiError {
  const generated = attributes.object?.metadata.generateName ?? '';
  const name = attributes.name === '' ? generated : attributes.name;
  const error = forbidden(attributes.resource, name, why);
  if (cause === undefined) return error;
  const { code = 403, reason = 'Forbidden', message = why, details } = error.status;
  return newApiError(code, reason, message, { ...details, causes: [cause] });
}

/** Whether this is a write of a resource itself, not of a subresource. */
export function isOf(
  attributes: AdmissionAttributes,
  resource: { readonly group: string; readonly plural: string },
): boolean {
  const { resource: own, subresource } = attributes;
  return subresource === '' && own.plural === resource.plural && own.group === resource.group;
}
