/**
 * PriorityClasses. The two of the system exist from the start; see admission/priority.ts.
 * Source: kubernetes pkg/apis/scheduling/{v1/defaults.go,validation,types.go}, v1.36.
 */

import { priorityclasses } from '../../../proto/api/gen/resources.ts';
import { forbiddenField } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';

/** Higher values are the system's. */
export const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
export const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const priorityClassStrategy = defineStrategy({
  resource: priorityclasses,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',

  setDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
    priorityClass.value ??= 0;
  },
  prepareForCreate(priorityClass) {
    priorityClass.metadata.generation = 1;
  },
  validate({ metadata, value = 0 }) {
    const isSystem = metadata.name.startsWith(SYSTEM_PREFIX);
    if (isSystem && SYSTEM_PRIORITIES[metadata.name] === value) return [];
    if (isSystem) {
      const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only`;
      return [forbiddenField('metadata.name', why)];
    }
    if (value <= USER_PRIORITY_MAX) return [];
    const why = `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`;
    return [forbiddenField('value', why)];
  },
  validateUpdate(priorityClass, old) {
    const fields = ['value', 'preemptionPolicy'] as const;
    return fields
      .filter((field) => priorityClass[field] !== old[field])
      .map((field) => forbiddenField(field, `may not be changed in an update.`));
  },

  columns: [
    NAME_COLUMN,
    column('Value', 'The priority of pods of the class.', 'integer'),
    column('Global-Default', 'Whether pods without a class get this one.', 'boolean'),
    AGE_COLUMN,
    wideColumn('PreemptionPolicy', 'Whether pods of the class push others out.'),
  ],
  cells(priorityClass, nowMs) {
    const { metadata, value = 0, globalDefault = false, preemptionPolicy = '' } = priorityClass;
    return [metadata.name, value, globalDefault, ageOf(priorityClass, nowMs), preemptionPolicy];
  },
});
