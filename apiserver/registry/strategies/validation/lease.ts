/**
 * Validation of Leases.
 * Source: kubernetes pkg/apis/coordination/validation/validation.go, v1.36.
 */

import type { Lease } from '../../../../proto/api/gen/coordination-v1.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { invalidField, nonNegative } from '../../../../proto/api/validation.ts';

export function validateLease(lease: Lease): readonly FieldError[] {
  const { leaseDurationSeconds: duration, leaseTransitions = 0 } = lease.spec ?? {};
  const errors = [...nonNegative('spec.leaseTransitions', leaseTransitions)];
  if (duration !== undefined && duration <= 0) {
    errors.push(invalidField('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  }
  return errors;
}
