/**
 * PodGroups: pods that run all or not at all, and what the scheduler last decided of them. A group's
 * policy never changes. Fields that upstream keeps behind further gates are refused.
 * Source: kubernetes pkg/apis/scheduling/validation, pkg/registry/scheduling/podgroup, v1.36.
 */

import { podgroups } from '../../../proto/api/gen/resources.ts';
import type { PodGroup, PodGroupSpec } from '../../../proto/api/gen/scheduling-v1alpha2.ts';
import type { FieldError } from '../../../proto/api/status-error.ts';
import { forbiddenField, invalidField, required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';

const POLICY = 'spec.schedulingPolicy';
const NO_SPEC: PodGroupSpec = { schedulingPolicy: {} };
/** Each behind a gate of its own that is off by default. */
const GATED_FIELDS = [
  'schedulingConstraints',
  'resourceClaims',
  'priorityClassName',
  'priority',
] as const satisfies readonly (keyof PodGroupSpec)[];

export const podGroupStrategy = defineStrategy({
  resource: podgroups,
  status: 'separate',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  prepareForCreate(group) {
    // The default; nothing else can be asked for.
    if (group.spec?.disruptionMode === 'Pod') delete group.spec.disruptionMode;
    group.status = {};
  },
  prepareForUpdate(group) {
    if (group.spec?.disruptionMode === 'Pod') delete group.spec.disruptionMode;
  },
  validate({ spec = NO_SPEC }) {
    return [...policyErrors(spec), ...gatedErrors(spec)];
  },
  validateUpdate({ spec = NO_SPEC }, { spec: old = NO_SPEC }) {
    const fields = ['schedulingPolicy', 'podGroupTemplateRef'] as const;
    return fields
      .filter((field) => JSON.stringify(spec[field]) !== JSON.stringify(old[field]))
      .map((field) => invalidField(`spec.${field}`, spec[field] ?? null, 'field is immutable'));
  },

  columns: [
    NAME_COLUMN,
    column('Policy', 'Whether all its pods run or none, or each for itself.'),
    column('Workload', 'What it was made for.'),
    column('Status', 'What the scheduler last decided.'),
    AGE_COLUMN,
  ],
  cells(group, nowMs) {
    const { metadata, spec = NO_SPEC } = group;
    return [
      metadata.name,
      spec.schedulingPolicy?.gang === undefined ? 'Basic' : 'Gang',
      spec.podGroupTemplateRef?.workload?.workloadName ?? '<none>',
      statusOf(group),
      ageOf(group, nowMs),
    ];
  },
});

function policyErrors({ schedulingPolicy = {} }: PodGroupSpec): FieldError[] {
  const { gang, basic } = schedulingPolicy;
  if (gang === undefined && basic === undefined) {
    return [required(POLICY, 'must specify one of: `basic`, `gang`')];
  }
  if (gang !== undefined && basic !== undefined) {
    const why = 'must specify exactly one of: `basic`, `gang`';
    return [invalidField(POLICY, schedulingPolicy, why)];
  }
  const { minCount = 0 } = gang ?? { minCount: 1 };
  if (minCount >= 1) return [];
  if (minCount === 0) return [required(`${POLICY}.gang.minCount`)];
  return [invalidField(`${POLICY}.gang.minCount`, minCount, 'must be greater than or equal to 1')];
}

function gatedErrors(spec: PodGroupSpec): FieldError[] {
  const fields = GATED_FIELDS.filter((field) => spec[field] !== undefined);
  const errors = fields.map((field) => forbiddenField(`spec.${field}`, 'is not supported'));
  if (spec.disruptionMode !== 'PodGroup') return errors;
  return [...errors, forbiddenField('spec.disruptionMode', 'only Pod is supported')];
}

function statusOf({ status }: PodGroup): string {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodGroupScheduled');
  return scheduled?.reason ?? 'Pending';
}
