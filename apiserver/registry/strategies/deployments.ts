/**
 * Deployments.
 * Source: kubernetes pkg/registry/apps/deployment/strategy.go, pkg/apis/apps/v1/defaults.go, v1.36.
 */

import type { DeploymentSpec } from '../../../proto/api/gen/apps-v1.ts';
import { deployments } from '../../../proto/api/gen/resources.ts';
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
import { defineStrategy, type Editable } from './define-strategy.ts';
import { setPodSpecDefaults } from './pods/defaults.ts';
import { templateWarnings } from './pods/field-effects.ts';
import { validateDeployment, validateDeploymentUpdate } from './validation/workloads.ts';

const DEFAULT_SURGE = '25%';
const REVISION_HISTORY_LIMIT = 10;
const PROGRESS_DEADLINE_SECONDS = 600;

export const deploymentStrategy = defineStrategy({
  resource: deployments,
  status: 'separate',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  setDefaults(deployment) {
    if (deployment.spec !== undefined) setSpecDefaults(deployment.spec);
  },
  prepareForCreate(deployment) {
    deployment.status = {};
  },
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  warnings: (deployment) => templateWarnings(deployment.spec?.template),

  columns: [
    NAME_COLUMN,
    column('Ready', 'How many pods are ready, of all that there should be.'),
    column('Up-to-date', 'How many pods are made from the present template.', 'integer'),
    column('Available', 'How many pods have been ready for long enough.', 'integer'),
    AGE_COLUMN,
    CONTAINERS_COLUMN,
    IMAGES_COLUMN,
    SELECTOR_COLUMN,
  ],
  cells(deployment, nowMs) {
    const { metadata, spec, status } = deployment;
    return [
      metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      ageOf(deployment, nowMs),
      ...containerCells(spec?.template?.spec?.containers),
      formatSelector(spec?.selector),
    ];
  },
});

function setSpecDefaults(spec: Editable<DeploymentSpec>): void {
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= REVISION_HISTORY_LIMIT;
  spec.progressDeadlineSeconds ??= PROGRESS_DEADLINE_SECONDS;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= DEFAULT_SURGE;
    spec.strategy.rollingUpdate.maxSurge ??= DEFAULT_SURGE;
  }
  if (spec.template?.spec !== undefined) setPodSpecDefaults(spec.template.spec);
}
