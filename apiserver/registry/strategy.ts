/**
 * What is special of a kind. The verbs are written once (endpoints/, registry/generic-store.ts) and ask
 * the kind's strategy where kinds differ; adding a kind is adding one file of this shape to
 * registry/strategies/. Everything in a strategy is synchronous and free of I/O.
 *
 * Objects passed to `prepare…` and `setDefaults` are fresh copies, already decoded, pruned and
 * defaulted by the schema; they are changed in place. `old` objects are shared and never changed.
 *
 * Source: kubernetes/apiserver pkg/registry/rest/{create,update,delete}.go, v0.36.
 */

import type { Resource } from '../../proto/api/resource.ts';
import type { FieldError } from '../../proto/api/status-error.ts';

/** A decoded object whose kind is known to the strategy; a plain JSON tree. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ApiObjectMeta;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface ApiObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: Record<string, unknown>[];
  finalizers?: string[];
  managedFields?: Record<string, unknown>[];
  [field: string]: unknown;
}

/** What a strategy may know of the request and the world. */
export interface StrategyContext {
  readonly nowMs: number;
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  /** A random name suffix, uid and the like come from here. */
  readonly randomUid: () => string;
}

/** A column of `kubectl get`; `wide` columns (priority 1) appear with `-o wide` only. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly format?: 'name';
  readonly description: string;
  readonly priority: 0 | 1;
}

export type TableCell = string | number | boolean | null;

export interface Strategy {
  readonly resource: Resource;
  /**
   * `separate`: `status` is written through the `status` subresource only, and spec changes raise
   * `metadata.generation`. `none`: the kind has no status.
   */
  readonly status: 'separate' | 'none';
  /** The kind has a status but counts no generations (nodes, namespaces, services, volumes). */
  readonly withoutGeneration?: boolean;
  /** PUT of a missing object creates it (leases, endpoints, events, services). */
  readonly allowCreateOnUpdate: boolean;
  /** Name rules: `subdomain` RFC 1123 up to 253, `label` RFC 1123 up to 63, `label1035`, `path`: no "/" or "%". */
  readonly nameRule: 'subdomain' | 'label' | 'label1035' | 'path';
  /** Objects vanish this many seconds after their last write (events: 3600). */
  readonly ttlSeconds?: number;

  /** Defaults that the schema does not hold, as `spec.dnsPolicy`; also run on reads of old objects. */
  setDefaults?(object: ApiObject): void;
  prepareForCreate?(object: ApiObject, context: StrategyContext): void;
  prepareForUpdate?(object: ApiObject, old: ApiObject, context: StrategyContext): void;
  /** Problems of a new object, besides metadata, types and enums, which are checked generically. */
  validate?(object: ApiObject): readonly FieldError[];
  /** Problems of an update through the main resource; called besides `validate`. */
  validateUpdate?(object: ApiObject, old: ApiObject): readonly FieldError[];
  validateStatusUpdate?(object: ApiObject, old: ApiObject): readonly FieldError[];
  /** Texts for `Warning:` headers; fields that are accepted and have no effect are named here. */
  warnings?(object: ApiObject): readonly string[];

  /**
   * Seconds of grace a delete gets; `requested` is what the request names, if anything. 0: the object
   * goes at once. Absent: the kind knows no grace.
   */
  deletionGraceSeconds?(object: ApiObject, requested: number | undefined): number;
  /**
   * Finalizers that are not in the metadata (namespaces: `spec.finalizers`): while there are any, a
   * deleted object stays.
   */
  otherFinalizers?(object: ApiObject): readonly string[];
  /** Deletion begins and the object stays for now: the kind's own marks (namespaces: the phase). */
  prepareForDeletion?(object: ApiObject): void;
  /** DELETE answers with the object instead of a `Status` (pods). */
  readonly returnsDeleted?: boolean;

  /** Columns besides none: the first one must be Name. Absent: Name and Age. */
  readonly columns?: readonly TableColumn[];
  /** The cells of one row, in the order of the columns. */
  cells?(object: ApiObject, nowMs: number): readonly TableCell[];
  /** Fields for field selectors, besides metadata.name and metadata.namespace. */
  selectableFields?(object: ApiObject): Readonly<Record<string, string>>;
}
