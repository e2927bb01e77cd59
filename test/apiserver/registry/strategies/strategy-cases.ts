/** Runs a strategy over plain objects, the way the generic path does; for tables of cases. */

import type { ApiObject, Strategy } from '../../../../apiserver/registry/strategy.ts';

const context = {
  nowMs: Date.parse('2026-01-01T00:00:00Z'),
  user: { name: 'test', groups: [] },
  randomUid: () => 'uid-1',
};

export interface Draft {
  readonly metadata?: Record<string, unknown>;
  readonly [field: string]: unknown;
}

/** An object as the generic path hands it over: defaulted and prepared for its creation. */
export function created(strategy: Strategy, draft: Draft): ApiObject {
  const object = decoded(strategy, draft);
  strategy.setDefaults?.(object);
  strategy.prepareForCreate?.(object, context);
  return object;
}

/** The texts of everything that is wrong with a new object: `spec.replicas: Invalid value: …`. */
export function createProblems(strategy: Strategy, draft: Draft): string[] {
  const problems = strategy.validate?.(created(strategy, draft)) ?? [];
  return problems.map(({ field, message }) => `${field}: ${message}`);
}

/** The object that an update leads to. */
export function updated(strategy: Strategy, oldDraft: Draft, draft: Draft): ApiObject {
  const object = decoded(strategy, draft);
  strategy.setDefaults?.(object);
  strategy.prepareForUpdate?.(object, created(strategy, oldDraft), context);
  return object;
}

/** The texts of everything that is wrong with an update, besides what is wrong with the object. */
export function updateProblems(strategy: Strategy, oldDraft: Draft, draft: Draft): string[] {
  const object = updated(strategy, oldDraft, draft);
  const problems = strategy.validateUpdate?.(object, created(strategy, oldDraft)) ?? [];
  return problems.map(({ field, message }) => `${field}: ${message}`);
}

function decoded(strategy: Strategy, draft: Draft): ApiObject {
  const { group, version, kind } = strategy.resource;
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    ...structuredClone(draft),
    metadata: {
      name: 'x',
      ...(strategy.resource.namespaced ? { namespace: 'default' } : {}),
      uid: '',
      resourceVersion: '',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...structuredClone(draft.metadata),
    },
  };
}
