/**
 * ServiceAccounts. Tokens are made by the `token` subresource; none is stored in a Secret.
 * Source: kubernetes pkg/registry/core/serviceaccount/strategy.go, v1.36.
 */

import { serviceaccounts } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';

export const serviceAccountStrategy = defineStrategy({
  resource: serviceaccounts,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',
  returnsDeleted: true,

  columns: [
    NAME_COLUMN,
    column('Secrets', 'How many secrets pods of the account may use.', 'integer'),
    AGE_COLUMN,
  ],
  cells(account, nowMs) {
    return [account.metadata.name, account.secrets?.length ?? 0, ageOf(account, nowMs)];
  },
});
