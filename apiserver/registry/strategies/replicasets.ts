/**
 * ReplicaSets.
 * Source: kubernetes pkg/registry/apps/replicaset/strategy.go, pkg/apis/apps/v1/defaults.go, v1.36.
 */

import { replicasets } from '../../../proto/api/gen/resources.ts';
import {
  AGE_COLUMN,
  ageOf,
  CONTAINERS_COLUMN,
  column,
  containerCells,
  formatSelector,
  IMAGES_COLUMN,
  NAME_COLUMN,
  SELECTOR_COLUMN,
} from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { setPodSpecDefaults } from './pods/defaults.ts';
import { templateWarnings } from './pods/field-effects.ts';
import { validateReplicaSet, validateReplicaSetUpdate } from './validation/workloads.ts';

export const replicaSetStrategy = defineStrategy({
  resource: replicasets,
  status: 'separate',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  setDefaults(set) {
    const { spec } = set;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    if (spec.template?.spec !== undefined) setPodSpecDefaults(spec.template.spec);
  },
  prepareForCreate(set) {
    set.status = { replicas: 0 };
  },
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  warnings: (set) => templateWarnings(set.spec?.template),

  columns: [
    NAME_COLUMN,
    column('Desired', 'How many pods there should be.', 'integer'),
    column('Current', 'How many pods there are.', 'integer'),
    column('Ready', 'How many pods are ready.', 'integer'),
    AGE_COLUMN,
    CONTAINERS_COLUMN,
    IMAGES_COLUMN,
    SELECTOR_COLUMN,
  ],
  cells(set, nowMs) {
    const { spec, status } = set;
    return [
      set.metadata.name,
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      ageOf(set, nowMs),
      ...containerCells(spec?.template?.spec?.containers),
      formatSelector(spec?.selector),
    ];
  },
  selectableFields: (set) => ({ 'status.replicas': String(set.status?.replicas ?? 0) }),
});
