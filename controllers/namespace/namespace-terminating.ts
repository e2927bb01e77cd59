/** The API server lets nothing be made in a namespace that goes; what is there goes with it. */

import { ApiError } from '../../proto/api/status-error.ts';

/** Whether that is why a request was refused. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return (
    error.status.details?.causes?.some((one) => one.reason === 'NamespaceTerminating') ?? false
  );
}
