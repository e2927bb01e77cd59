/**
 * ConfigMaps.
 * Source: kubernetes pkg/registry/core/configmap/strategy.go, v1.36.
 */

import { configmaps } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateConfigMap, validateConfigMapUpdate } from './validation/config-data.ts';

export const configMapStrategy = defineStrategy({
  resource: configmaps,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  validate: validateConfigMap,
  validateUpdate: validateConfigMapUpdate,

  columns: [NAME_COLUMN, column('Data', 'How many keys there are.', 'integer'), AGE_COLUMN],
  cells(map, nowMs) {
    const keys = [map.data, map.binaryData].flatMap((data) => Object.keys(data ?? {}));
    return [map.metadata.name, keys.length, ageOf(map, nowMs)];
  },
});
