/**
 * Namespaces. One is deleted in two steps: the finalizer in its spec keeps it, Terminating, until
 * the namespace controller has emptied it.
 * Source: kubernetes pkg/registry/core/namespace/strategy.go, v1.36.
 */

import type { ObjectMeta } from '../../../proto/api/gen/meta-v1.ts';
import { namespaces } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy, type Editable } from './define-strategy.ts';

const FINALIZER = 'kubernetes';
/** Lets label selectors pick a namespace by its name. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespaceStrategy = defineStrategy({
  resource: namespaces,
  status: 'separate',
  withoutGeneration: true,
  allowCreateOnUpdate: false,
  nameRule: 'label',

  setDefaults: setNameLabel,
  prepareForCreate(namespace) {
    // A generated name is not known before.
    setNameLabel(namespace);
    const finalizers = namespace.spec?.finalizers ?? [];
    const withOurs = finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER];
    namespace.spec = { finalizers: withOurs };
    namespace.status = { phase: 'Active' };
  },
  prepareForUpdate(namespace, old) {
    // Only the finalize subresource removes finalizers of the spec.
    namespace.spec = { finalizers: [...(old.spec?.finalizers ?? [])] };
  },
  otherFinalizers: (namespace) => namespace.spec?.finalizers ?? [],
  prepareForDeletion(namespace) {
    namespace.status = { ...namespace.status, phase: 'Terminating' };
  },

  columns: [NAME_COLUMN, column('Status', 'The phase of the namespace.'), AGE_COLUMN],
  cells(namespace, nowMs) {
    const { metadata, status } = namespace;
    return [metadata.name, status?.phase ?? '', ageOf(namespace, nowMs)];
  },
  selectableFields: (namespace) => ({ 'status.phase': namespace.status?.phase ?? '' }),
});

function setNameLabel({ metadata }: { metadata: Editable<ObjectMeta> }): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
}
