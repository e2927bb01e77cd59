/**
 * CSINodes: what the storage drivers of a node have said of it; the scheduler reads their limits.
 * Source: kubernetes pkg/registry/storage/csinode, pkg/apis/storage/validation, v1.36.
 */

import { csinodes } from '../../../proto/api/gen/resources.ts';
import { required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';

export const csiNodeStrategy = defineStrategy({
  resource: csinodes,
  status: 'none',
  withoutGeneration: true,
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  validate({ spec }) {
    return (spec?.drivers ?? []).flatMap(({ name, nodeID }, index) => [
      ...(name ? [] : [required(`spec.drivers[${index}].name`)]),
      ...(nodeID ? [] : [required(`spec.drivers[${index}].nodeID`)]),
    ]);
  },

  columns: [
    NAME_COLUMN,
    column('Drivers', 'How many storage drivers the node has.', 'integer'),
    AGE_COLUMN,
  ],
  cells(node, nowMs) {
    return [node.metadata.name, node.spec?.drivers?.length ?? 0, ageOf(node, nowMs)];
  },
});
