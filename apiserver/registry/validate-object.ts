/**
 * Validation that every kind has: metadata, what the schema says, then the strategy's own rules.
 * Source: kubernetes/apimachinery pkg/api/validation/objectmeta.go, v0.36.
 */

import type { KindInfo } from '../../proto/api/schema.ts';
import type { FieldError } from '../../proto/api/status-error.ts';
import { metadataErrors, newFinalizerErrors } from '../../proto/api/validation.ts';
import { enumErrors } from './enum-errors.ts';
import type { ApiObject, Strategy } from './strategy.ts';

export function validateNew(
  strategy: Strategy,
  kind: KindInfo,
  object: ApiObject,
): readonly FieldError[] {
  const rule = { namespaced: kind.namespaced, nameRule: strategy.nameRule };
  return [...metadataErrors(object.metadata, rule), ...objectErrors(strategy, kind, object)];
}

/** What the kind says, and the schema about fields that the kind said nothing about. */
function objectErrors(strategy: Strategy, kind: KindInfo, object: ApiObject): FieldError[] {
  const own = strategy.validate?.(object) ?? [];
  const values = enumErrors(kind.schema, object);
  if (values.length === 0) return [...own];
  const said = new Set(own.map(({ field }) => field));
  return [...own, ...values.filter(({ field }) => !said.has(field))];
}

/** For an update of the resource itself. */
export function validateUpdate(
  strategy: Strategy,
  kind: KindInfo,
  object: ApiObject,
  old: ApiObject,
): readonly FieldError[] {
  return [
    ...validateUpdatedMetadata(strategy, kind, object, old),
    ...objectErrors(strategy, kind, object),
    ...(strategy.validateUpdate?.(object, old) ?? []),
  ];
}

/** For an update through a subresource, which has rules of its own for the rest. */
export function validateUpdatedMetadata(
  strategy: Strategy,
  kind: KindInfo,
  object: ApiObject,
  old: ApiObject,
): readonly FieldError[] {
  const rule = { namespaced: kind.namespaced, nameRule: strategy.nameRule };
  const errors = [...metadataErrors(object.metadata, rule)];
  if (old.metadata.deletionTimestamp !== undefined) {
    const { finalizers = [] } = object.metadata;
    errors.push(...newFinalizerErrors(finalizers, old.metadata.finalizers ?? []));
  }
  return errors;
}
