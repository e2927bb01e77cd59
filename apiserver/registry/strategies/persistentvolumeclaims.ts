/**
 * PersistentVolumeClaims: stored and listed, since clients (and schedulers) watch them; nothing
 * binds them yet, and each one says so.
 * Source: kubernetes pkg/apis/core/v1/defaults.go, pkg/printers/internalversion, v1.36.
 */

import { persistentvolumeclaims } from '../../../proto/api/gen/resources.ts';
import { required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { accessModesCell } from './persistentvolumes.ts';

export const persistentVolumeClaimStrategy = defineStrategy({
  resource: persistentvolumeclaims,
  status: 'separate',
  withoutGeneration: true,
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',
  returnsDeleted: true,

  setDefaults({ spec }) {
    if (spec !== undefined) spec.volumeMode ??= 'Filesystem';
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' };
  },
  validate({ spec }) {
    const errors = [];
    if ((spec?.accessModes ?? []).length === 0) {
      errors.push(required('spec.accessModes', 'at least 1 access mode is required'));
    }
    if (spec?.resources?.requests?.storage === undefined) {
      errors.push(required('spec.resources[storage]'));
    }
    return errors;
  },
  warnings: () => ['PersistentVolumeClaim: stored, but no volume is bound or mounted yet'],

  columns: [
    NAME_COLUMN,
    column('Status', 'The phase of the claim.'),
    column('Volume', 'The volume that the claim is bound to.'),
    column('Capacity', 'How much fits in.'),
    column('Access Modes', 'How many nodes may use the volume, and for what.'),
    column('StorageClass', 'The class of the claim.'),
    column('VolumeAttributesClass', 'The class of the attributes of the volume.'),
    AGE_COLUMN,
    wideColumn('VolumeMode', 'Whether the volume is a file system or a block device.'),
  ],
  cells(claim, nowMs) {
    const { metadata, spec, status } = claim;
    const isBound = (spec?.volumeName ?? '') !== '';
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec?.volumeName ?? '',
      isBound ? (status?.capacity?.storage ?? '0') : '',
      isBound ? accessModesCell(status?.accessModes) : '',
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      ageOf(claim, nowMs),
      spec?.volumeMode ?? '<unset>',
    ];
  },
});
