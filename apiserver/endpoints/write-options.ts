/**
 * The query options of writes, checked.
 * Source: kubernetes/apimachinery pkg/apis/meta/v1/validation/validation.go, v0.36.
 */

import { type FieldError, invalid } from '../../proto/api/status-error.ts';
import { forbiddenField, invalidField, notSupported, tooLong } from '../../proto/api/validation.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { isTrue } from './request-info.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteQuery {
  readonly dryRun: boolean;
  /** What the request names; empty when it names none. */
  readonly givenManager: string;
  /** What managedFields say; from the User-Agent when the request names none. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** For server-side apply: take fields over. */
  readonly force: boolean;
}

/** Bytes; upstream's limit of a field manager's name. */
const FIELD_MANAGER_MAX = 128;
const FIELD_VALIDATIONS: readonly FieldValidation[] = ['Ignore', 'Warn', 'Strict'];

/** `isApply`: the request is a server-side apply, which alone may force. Throws Invalid. */
export function writeQuery(
  request: ApiRequest,
  optionsKind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply = false,
): WriteQuery {
  const { query } = request;
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun');
  errors.push(...dryRunErrors(dryRun));
  const givenManager = query.get('fieldManager') ?? '';
  errors.push(...managerErrors(givenManager));
  const asked = query.get('fieldValidation') ?? '';
  const fieldValidation =
    asked === '' ? 'Warn' : FIELD_VALIDATIONS.find((known) => known === asked);
  if (fieldValidation === undefined) {
    errors.push(notSupported('fieldValidation', asked, FIELD_VALIDATIONS));
  }
  const force = query.get('force');
  if (force !== null && !isApply) {
    errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  }
  if (isApply && givenManager === '') {
    errors.push({
      type: 'FieldValueRequired',
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
    });
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: optionsKind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    givenManager,
    fieldManager: givenManager === '' ? managerOf(request) : givenManager,
    fieldValidation: fieldValidation ?? 'Warn',
    force: isTrue(force),
  };
}

export function dryRunErrors(values: readonly string[]): readonly FieldError[] {
  const wrong = values.find((value) => value !== 'All');
  return wrong === undefined ? [] : [notSupported('dryRun', values, ['All'])];
}

function managerErrors(manager: string): readonly FieldError[] {
  if (Buffer.byteLength(manager) > FIELD_MANAGER_MAX) {
    return [tooLong('fieldManager', FIELD_MANAGER_MAX)];
  }
  return /\P{L}/u.test(manager) && /[\p{C}]/u.test(manager)
    ? [invalidField('fieldManager', manager, 'should only contain printable characters')]
    : [];
}

/** The text before the first slash of the User-Agent, as far as it is printable. */
export function managerOf(request: ApiRequest): string {
  const [agent = ''] = (request.headers['user-agent'] ?? '').split('/');
  const printable = agent.replaceAll(/\p{C}/gu, '').slice(0, FIELD_MANAGER_MAX);
  return printable === '' ? 'unknown' : printable;
}
