/**
 * Leases: heartbeats of nodes, and leader election.
 * Source: kubernetes pkg/registry/coordination/lease/strategy.go, v1.36.
 */

import { leases } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateLease } from './validation/lease.ts';

export const leaseStrategy = defineStrategy({
  resource: leases,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',

  setDefaults(lease) {
    lease.spec ??= {};
  },
  validate: validateLease,

  columns: [NAME_COLUMN, column('Holder', 'Who holds the lease.'), AGE_COLUMN],
  cells(lease, nowMs) {
    return [lease.metadata.name, lease.spec?.holderIdentity ?? '', ageOf(lease, nowMs)];
  },
});
