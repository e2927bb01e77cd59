/**
 * Strategies written against the generated types. The one generic path hands a strategy plain JSON
 * trees; they were decoded by the kind's schema, so every field that is present has the type that
 * the generated interfaces say. Fields that the interfaces call required may still be missing: that
 * is for `validate` to find.
 */

import type { Resource } from '../../../proto/api/resource.ts';
import type { FieldError } from '../../../proto/api/status-error.ts';
import type { Strategy, StrategyContext, TableCell } from '../strategy.ts';

/** The generated type, with everything writable at every depth. */
export type Editable<T> = T extends readonly (infer Item)[]
  ? Editable<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Editable<T[K]> }
    : T;

/** What of a strategy depends on the type of its objects; see {@link Strategy}. */
interface KindHooks<T> {
  setDefaults?(object: Editable<T>): void;
  prepareForCreate?(object: Editable<T>, context: StrategyContext): void;
  prepareForUpdate?(object: Editable<T>, old: T, context: StrategyContext): void;
  validate?(object: T): readonly FieldError[];
  validateUpdate?(object: T, old: T): readonly FieldError[];
  validateStatusUpdate?(object: T, old: T): readonly FieldError[];
  warnings?(object: T): readonly string[];
  otherFinalizers?(object: T): readonly string[];
  prepareForDeletion?(object: Editable<T>): void;
  deletionGraceSeconds?(object: T, requested: number | undefined): number;
  cells?(object: T, nowMs: number): readonly TableCell[];
  selectableFields?(object: T): Readonly<Record<string, string>>;
}

export type StrategyOf<T> = Omit<Strategy, keyof KindHooks<T> | 'resource'> &
  KindHooks<T> & { readonly resource: Resource<T> };

/** Drops the type of the objects. Sound because the resource's schema has checked them. */
export function defineStrategy<T>(strategy: StrategyOf<T>): Strategy {
  return strategy as unknown as Strategy;
}
