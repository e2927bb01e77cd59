/**
 * The error of an apply that would change fields others own.
 *
 * Source: kubernetes/apimachinery pkg/util/managedfields/internal/conflict.go, v0.36.
 */

import { type ApiError, newApiError } from '../status-error.ts';
import type { ManagerEntry } from './entries.ts';
import { type FieldSet, formatPath, pathsOf } from './field-set.ts';

/** Fields that are to change, and belong to this manager. */
export interface Conflict {
  readonly entry: ManagerEntry;
  readonly set: FieldSet;
}

/** 409 with a cause for each field; the message is upstream's, which kubectl shows. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const sorted = [...conflicts].sort((a, b) => (a.entry.manager < b.entry.manager ? -1 : 1));
  const fields = sorted.flatMap(({ entry, set }) =>
    pathsOf(set).map((path) => ({ manager: describe(entry), field: formatPath(path) })),
  );
  const causes = fields.map(({ manager, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field,
  }));
  return newApiError(409, 'Conflict', messageOf(sorted, fields), { causes });
}

function messageOf(
  conflicts: readonly Conflict[],
  fields: readonly { readonly manager: string; readonly field: string }[],
): string {
  const [first] = fields;
  if (fields.length === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.field}`;
  }
  const lines = conflicts.flatMap(({ entry, set }) => [
    `conflicts with ${describe(entry)}:`,
    ...pathsOf(set).map((path) => `- ${formatPath(path)}`),
  ]);
  return `Apply failed with ${fields.length} conflicts: ${lines.join('\n')}`;
}

function describe({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const name = JSON.stringify(manager);
  const whole = subresource === '' ? name : `${name} with subresource "${subresource}"`;
  return operation === 'Update' ? `${whole} using ${apiVersion}` : whole;
}
