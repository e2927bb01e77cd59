/**
 * ControllerRevisions: a state of a workload that can be rolled back to.
 * Source: kubernetes pkg/apis/apps/validation/validation.go, pkg/printers/internalversion, v1.36.
 */

import { controllerrevisions } from '../../../proto/api/gen/resources.ts';
import { IMMUTABLE, invalidField, nonNegative, required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { isDeepEqual } from './validation/deep-equal.ts';

export const controllerRevisionStrategy = defineStrategy({
  resource: controllerrevisions,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  validate({ data, revision = 0 }) {
    const errors = [...nonNegative('revision', revision)];
    if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'));
    return errors;
  },
  validateUpdate(object, old) {
    return isDeepEqual(object.data, old.data) ? [] : [invalidField('data', object.data, IMMUTABLE)];
  },

  columns: [
    NAME_COLUMN,
    column('Controller', 'The workload that this is a state of.'),
    column('Revision', 'The number of the state.', 'integer'),
    AGE_COLUMN,
  ],
  cells(object, nowMs) {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
    const group = owner?.apiVersion.includes('/') === true ? owner.apiVersion.split('/')[0] : '';
    const kind = [owner?.kind, group].filter(Boolean).join('.').toLowerCase();
    const name = owner === undefined ? '<none>' : `${kind}/${owner.name}`;
    return [object.metadata.name, name, object.revision ?? 0, ageOf(object, nowMs)];
  },
});
