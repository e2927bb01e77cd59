/**
 * StorageClasses: stored and listed; nothing provisions volumes yet, and each one says so.
 * Source: kubernetes pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation, v1.36.
 */

import { storageclasses } from '../../../proto/api/gen/resources.ts';
import { forbiddenField, required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { isDeepEqual } from './validation/deep-equal.ts';

const DEFAULT_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const IMMUTABLE_FIELDS = [
  'parameters',
  'provisioner',
  'reclaimPolicy',
  'volumeBindingMode',
] as const;

export const storageClassStrategy = defineStrategy({
  resource: storageclasses,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',

  setDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate: ({ provisioner }) => (provisioner ? [] : [required('provisioner')]),
  validateUpdate(storageClass, old) {
    return IMMUTABLE_FIELDS.filter((field) => !isDeepEqual(storageClass[field], old[field])).map(
      (field) => forbiddenField(field, `updates to ${field} are forbidden.`),
    );
  },
  warnings: () => ['StorageClass: stored, but no volume is provisioned yet'],

  columns: [
    { ...NAME_COLUMN },
    column('Provisioner', 'Who makes the volumes.'),
    column('ReclaimPolicy', 'What becomes of a volume when its claim is gone.'),
    column('VolumeBindingMode', 'When a claim gets its volume.'),
    column('AllowVolumeExpansion', 'Whether volumes may grow.', 'boolean'),
    AGE_COLUMN,
  ],
  cells(storageClass, nowMs) {
    const { metadata, allowVolumeExpansion = false } = storageClass;
    const isDefault = DEFAULT_ANNOTATIONS.some((key) => metadata.annotations?.[key] === 'true');
    return [
      isDefault ? `${metadata.name} (default)` : metadata.name,
      storageClass.provisioner ?? '',
      storageClass.reclaimPolicy ?? 'Delete',
      storageClass.volumeBindingMode ?? 'Immediate',
      allowVolumeExpansion,
      ageOf(storageClass, nowMs),
    ];
  },
});
