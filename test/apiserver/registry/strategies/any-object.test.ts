/** Whatever the schema of a kind lets through, its strategy has an answer and does not throw. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { enumErrors } from '../../../../apiserver/registry/enum-errors.ts';
import { strategies, views } from '../../../../apiserver/registry/strategies/catalog.ts';
import type { ApiObject, Strategy } from '../../../../apiserver/registry/strategy.ts';
import { decodeObject } from '../../../../proto/api/decode.ts';
import { type FieldInfo, kindOf, type TypeRef, typeNamed } from '../../../../proto/api/schema.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';

const RUNS = 60;
/** Deeper fields are left out. */
const DEPTH_MAX = 9;
const context = { nowMs: 0, user: { name: 'u', groups: [] }, randomUid: () => 'uid' };

const text = fc.oneof(
  fc.constantFrom('', 'a', 'default', 'A_b', '10.0.0.1', '25%', 'metadata.name', 'In', 'Always'),
  fc.string({ maxLength: 5 }),
);
const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  int32: fc.constantFrom(-1, 0, 1, 80, 70_000),
  int64: fc.constantFrom(-1, 0, 1, 600),
  bool: fc.boolean(),
  double: fc.constantFrom(0, 1.5),
  bytes: fc.constantFrom('', 'YQ=='),
  quantity: fc.constantFrom('1', '100m', '-1', '1Gi'),
  intOrString: fc.oneof(fc.constantFrom(0, 80, -1), fc.constantFrom('http', '25%', '200%', '')),
  time: fc.constantFrom('2026-01-01T00:00:00Z', null),
  microTime: fc.constantFrom('2026-01-01T00:00:00.000000Z', null),
  duration: fc.constant('1s'),
  rawExtension: fc.constantFrom({}, { a: 1 }),
  fieldsV1: fc.constant({}),
  json: fc.constant({ a: 1 }),
};

function anyOf(ref: TypeRef, depth: number): fc.Arbitrary<unknown> {
  if (typeof ref !== 'string') {
    return fc.dictionary(fc.constantFrom('a', 'cpu', 'app', 'x/y'), anyOf(ref.map, depth), {
      maxKeys: 2,
    });
  }
  const scalar = SCALARS[ref];
  if (scalar !== undefined) return scalar;
  if (depth >= DEPTH_MAX) return fc.constant({});
  const fields = [...typeNamed(ref).fields.values()];
  const model = Object.fromEntries(fields.map((field) => [field.json, anyField(field, depth + 1)]));
  return fc.record(model, { requiredKeys: [] });
}

function anyField(field: FieldInfo, depth: number): fc.Arbitrary<unknown> {
  const value =
    field.enum === undefined
      ? fc.memo(() => anyOf(field.t, depth))(1)
      : fc.oneof(fc.constantFrom(...field.enum), fc.constant('Nope'));
  return fc.option(field.list === undefined ? value : fc.array(value, { maxLength: 2 }), {
    freq: 2,
  });
}

/** Metadata is the generic path's; strategies are handed checked names. */
function metadata(strategy: Strategy): ApiObject['metadata'] {
  const scope = strategy.resource.namespaced ? { namespace: 'default' } : {};
  return { name: 'x', ...scope, uid: 'u', resourceVersion: '', creationTimestamp: '' };
}

function assertProblems(problems: readonly FieldError[]): void {
  for (const { field, message, type } of problems) {
    assert.ok(typeof field === 'string' && message !== '' && type.startsWith('FieldValue'));
    assert.ok(!/undefined|\[object/.test(field), field);
  }
}

describe('any object of a kind', () => {
  for (const strategy of [...strategies, ...views.map((view) => view.strategy)]) {
    const { group, version, kind, plural } = strategy.resource;
    const info = kindOf(group, version, kind);
    const type = info?.schema ?? '';
    const arbitrary = fc
      .record({ spec: anyOf(type, 0), old: anyOf(type, 0) })
      .map(({ spec, old }) => [spec, old].map((json) => decodeObject(type, json).object));

    it(`${plural}.${group} gets an answer`, () => {
      fc.assert(
        fc.property(arbitrary, ([object, old]) => {
          const [created, before] = [object, old].map((tree) => {
            const one = { ...tree, metadata: metadata(strategy) } as ApiObject;
            strategy.setDefaults?.(one);
            strategy.prepareForCreate?.(one, context);
            return one;
          });
          assert.ok(created !== undefined && before !== undefined);
          assertProblems(strategy.validate?.(created) ?? []);
          assertProblems(enumErrors(type, created));
          for (const warning of strategy.warnings?.(created) ?? []) assert.ok(warning !== '');
          const cells = strategy.cells?.(created, 0) ?? [];
          assert.equal(cells.length, strategy.columns?.length);
          assert.ok(cells.every((cell) => cell !== undefined));
          const fields = Object.values(strategy.selectableFields?.(created) ?? {});
          assert.ok(fields.every((value) => typeof value === 'string'));
          const again = structuredClone(created);
          strategy.setDefaults?.(again);
          assert.deepEqual(again, created);
          strategy.prepareForUpdate?.(again, before, context);
          assertProblems(strategy.validateUpdate?.(again, before) ?? []);
          assertProblems(strategy.validateStatusUpdate?.(again, before) ?? []);
          strategy.otherFinalizers?.(created);
          strategy.deletionGraceSeconds?.(created, undefined);
        }),
        { numRuns: RUNS },
      );
    });
  }
});
