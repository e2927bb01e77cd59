/**
 * PersistentVolumes: stored and listed, since clients (and schedulers) watch them; nothing binds or
 * mounts them yet, and each one says so.
 * Source: kubernetes pkg/apis/core/v1/defaults.go, pkg/printers/internalversion, v1.36.
 */

import type { PersistentVolumeSpec } from '../../../proto/api/gen/core-v1.ts';
import { persistentvolumes } from '../../../proto/api/gen/resources.ts';
import { required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';

const MODE_NAMES = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
} as const;

export const persistentVolumeStrategy = defineStrategy({
  resource: persistentvolumes,
  status: 'separate',
  withoutGeneration: true,
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',
  returnsDeleted: true,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
  },
  prepareForCreate(volume) {
    volume.status = { phase: 'Pending' };
  },
  validate({ spec }) {
    const errors = [];
    if ((spec?.accessModes ?? []).length === 0) errors.push(required('spec.accessModes'));
    if (Object.keys(spec?.capacity ?? {}).length === 0) errors.push(required('spec.capacity'));
    return errors;
  },
  warnings: () => ['PersistentVolume: stored, but no volume is bound or mounted yet'],

  columns: [
    NAME_COLUMN,
    column('Capacity', 'How much fits in.'),
    column('Access Modes', 'How many nodes may use the volume, and for what.'),
    column('Reclaim Policy', 'What becomes of the volume when its claim is gone.'),
    column('Status', 'The phase of the volume.'),
    column('Claim', 'The claim that the volume is bound to.'),
    column('StorageClass', 'The class of the volume.'),
    column('VolumeAttributesClass', 'The class of the attributes of the volume.'),
    column('Reason', 'Why the volume has failed.'),
    AGE_COLUMN,
    wideColumn('VolumeMode', 'Whether the volume is a file system or a block device.'),
  ],
  cells(volume, nowMs) {
    const { metadata, spec, status } = volume;
    const claim = spec?.claimRef;
    return [
      metadata.name,
      spec?.capacity?.storage ?? '',
      accessModesCell(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      status?.reason ?? '',
      ageOf(volume, nowMs),
      spec?.volumeMode ?? '<unset>',
    ];
  },
});

/** `RWO,ROX`, in upstream's order. */
export function accessModesCell(modes: PersistentVolumeSpec['accessModes'] = []): string {
  const given = new Set<string>(modes);
  const known = Object.entries(MODE_NAMES).filter(([mode]) => given.has(mode));
  return known.map(([, short]) => short).join(',');
}
