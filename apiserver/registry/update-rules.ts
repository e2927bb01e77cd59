/** What an update may change: the resource itself, its status, or another part of it. */

import { cloneJson } from '../../proto/api/json.ts';
import type { FieldError } from '../../proto/api/status-error.ts';
import type { StoreContext } from './store-context.ts';
import type { ApiObject, Strategy, StrategyContext } from './strategy.ts';
import type { PartSubresource } from './subresource.ts';
import { validateUpdate, validateUpdatedMetadata } from './validate-object.ts';

export interface UpdateRules {
  readonly kind: 'main' | 'status' | 'part' | 'internal';
  /** Puts back what may not change; `object` is changed in place. */
  prepare(object: ApiObject, old: ApiObject, context: StrategyContext): void;
  validate(object: ApiObject, old: ApiObject): readonly FieldError[];
}

/** The resource itself: everything but the status. */
export function mainRules(strategy: Strategy): UpdateRules {
  return {
    kind: 'main',
    prepare(object, old, context) {
      if (strategy.status === 'separate') {
        if (old.status === undefined) delete object.status;
        else object.status = cloneJson(old.status);
      }
      strategy.prepareForUpdate?.(object, old, context);
    },
    validate: (object, old) => strategy.validateUpdate?.(object, old) ?? [],
  };
}

/**
 * The status, with labels, annotations and finalizers of the metadata. Owners are kept: that is what
 * kubelets once got wrong. Source: kubernetes pkg/registry/core/pod/strategy.go, v1.36.
 */
export function statusRules(strategy: Strategy): UpdateRules {
  return {
    kind: 'status',
    prepare(object, old) {
      const { status, metadata } = object;
      for (const field of Object.keys(object)) delete object[field];
      Object.assign(object, cloneJson(old), { metadata });
      if (status === undefined) delete object.status;
      else object.status = status;
      if (old.metadata.ownerReferences === undefined) delete metadata.ownerReferences;
      else metadata.ownerReferences = cloneJson(old.metadata.ownerReferences);
    },
    validate: (object, old) => strategy.validateStatusUpdate?.(object, old) ?? [],
  };
}

export function partRules(part: PartSubresource): UpdateRules {
  return {
    kind: 'part',
    prepare: (object, old, context) => part.prepareForUpdate?.(object, old, context),
    validate: (object, old) => part.validateUpdate?.(object, old) ?? [],
  };
}

/** The server's own change of anything. */
export const INTERNAL_RULES: UpdateRules = {
  kind: 'internal',
  prepare: () => undefined,
  validate: () => [],
};

export function updateProblems(
  context: StoreContext,
  rules: UpdateRules,
  object: ApiObject,
  old: ApiObject,
): readonly FieldError[] {
  const { strategy, kind } = context;
  return rules.kind === 'main'
    ? validateUpdate(strategy, kind, object, old)
    : [...validateUpdatedMetadata(strategy, kind, object, old), ...rules.validate(object, old)];
}
