/**
 * PodDisruptionBudgets. Evictions obey them; the disruption controller computes
 * their status.
 * Source: kubernetes pkg/apis/policy/validation/validation.go, pkg/registry/policy, v1.36.
 */

import { poddisruptionbudgets } from '../../../proto/api/gen/resources.ts';
import { invalidField, labelSelectorErrors } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { amountErrors } from './validation/workloads.ts';

export const podDisruptionBudgetStrategy = defineStrategy({
  resource: poddisruptionbudgets,
  status: 'separate',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  prepareForCreate(budget) {
    budget.status = {
      currentHealthy: 0,
      desiredHealthy: 0,
      disruptionsAllowed: 0,
      expectedPods: 0,
    };
  },
  validate({ spec = {} }) {
    const { minAvailable, maxUnavailable } = spec;
    const errors = [...labelSelectorErrors('spec.selector', spec.selector)];
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      const why = 'minAvailable and maxUnavailable cannot be both set';
      errors.push(invalidField('spec', spec, why));
    }
    if (minAvailable !== undefined) errors.push(...amountErrors('spec.minAvailable', minAvailable));
    if (maxUnavailable !== undefined) {
      errors.push(...amountErrors('spec.maxUnavailable', maxUnavailable));
    }
    return errors;
  },
  columns: [
    NAME_COLUMN,
    column('Min Available', 'How many pods must stay.'),
    column('Max Unavailable', 'How many pods may be away.'),
    column('Allowed Disruptions', 'How many pods may be evicted now.', 'integer'),
    AGE_COLUMN,
  ],
  cells(budget, nowMs) {
    const { metadata, spec, status } = budget;
    return [
      metadata.name,
      String(spec?.minAvailable ?? 'N/A'),
      String(spec?.maxUnavailable ?? 'N/A'),
      status?.disruptionsAllowed ?? 0,
      ageOf(budget, nowMs),
    ];
  },
});
