import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compare, fieldSetOf } from '../../../proto/api/apply/compare.ts';
import { readEntries } from '../../../proto/api/apply/entries.ts';
import { difference, formatPath, pathsOf } from '../../../proto/api/apply/field-set.ts';
import { withNamedFields } from '../../../proto/api/apply/merge.ts';
import { shapeOfType } from '../../../proto/api/apply/shape.ts';
import { decodeObject } from '../../../proto/api/decode.ts';
import { applyDefaults } from '../../../proto/api/defaults.ts';
import { isJsonObject, type JsonObject } from '../../../proto/api/json.ts';
import { applyServerSide, trackUpdate } from '../../../proto/api/managed-fields.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const TIME = '2026-01-02T03:04:05Z';
const shape = shapeOfType(DEPLOYMENT);

const small = (...names: readonly string[]) => fc.constantFrom(...names);
const env = fc.record({ name: small('A', 'B', 'C'), value: small('1', '2') });
const port = fc.record(
  { containerPort: fc.constantFrom(80, 81), protocol: small('TCP', 'UDP'), name: small('x', 'y') },
  { requiredKeys: ['containerPort'] },
);
const container = fc.record(
  {
    name: small('a', 'b', 'c'),
    image: small('i', 'j'),
    args: fc.array(small('x', 'y'), { minLength: 1, maxLength: 2 }),
    env: fc.uniqueArray(env, { selector: ({ name }) => name, minLength: 1 }),
    ports: fc.uniqueArray(port, {
      selector: ({ containerPort, protocol = 'TCP' }) => `${containerPort} ${protocol}`,
      minLength: 1,
    }),
    resources: fc.record({
      limits: fc.dictionary(small('cpu', 'memory'), small('1', '2'), { minKeys: 1 }),
    }),
  },
  { requiredKeys: ['name'] },
);
const configuration = fc
  .record(
    {
      labels: fc.dictionary(small('k', 'l'), small('1', '2'), { minKeys: 1 }),
      finalizers: fc.uniqueArray(small('e/f', 'e/g'), { minLength: 1 }),
      replicas: fc.nat(2),
      selector: fc.constant({ matchLabels: { k: '1' } }),
      containers: fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1 }),
    },
    { requiredKeys: ['containers'] },
  )
  .map(
    ({ labels, finalizers, containers, ...spec }): JsonObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', ...(labels && { labels }), ...(finalizers && { finalizers }) },
      spec: { ...spec, template: { spec: { containers } } },
    }),
  );
const step = fc.record({
  manager: small('one', 'two', 'three'),
  how: small('apply', 'force', 'update'),
  configuration,
});

/** What a server stores: decoded, defaulted. */
function stored(object: JsonObject): JsonObject {
  const { object: decoded } = decodeObject(DEPLOYMENT, object);
  applyDefaults(DEPLOYMENT, decoded);
  return decoded;
}

function apply(
  live: JsonObject | undefined,
  applied: JsonObject,
  manager: string,
  force: boolean,
): JsonObject {
  const object = applyServerSide({
    typeName: DEPLOYMENT,
    live,
    applied,
    manager,
    force,
    time: TIME,
  });
  return object === live ? object : stored(object);
}

function update(
  before: JsonObject | undefined,
  configured: JsonObject,
  manager: string,
): JsonObject {
  const after = stored(configured);
  const managedFields = trackUpdate({
    typeName: DEPLOYMENT,
    before,
    after,
    manager,
    time: TIME,
    apiVersion: 'apps/v1',
  });
  const metadata = isJsonObject(after.metadata) ? after.metadata : {};
  return { ...after, metadata: { ...metadata, managedFields } };
}

type Step = { manager: string; how: string; configuration: JsonObject };

function run(steps: readonly Step[]): JsonObject | undefined {
  let live: JsonObject | undefined;
  for (const { manager, how, configuration: applied } of steps) {
    try {
      live =
        how === 'update'
          ? update(live, applied, manager)
          : apply(live, applied, manager, how === 'force');
    } catch (error) {
      assert.ok(error instanceof ApiError && error.code === 409, String(error));
    }
  }
  return live;
}

function managedFieldsOf(object: JsonObject): unknown {
  return isJsonObject(object.metadata) ? object.metadata.managedFields : undefined;
}

describe('any order of applies and updates', () => {
  it('leaves nobody owning what is not there', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const live = run(steps);
        if (live === undefined) return;
        const all = withNamedFields(shape, fieldSetOf(shape, live));
        for (const { manager, set } of readEntries(managedFieldsOf(live)).values()) {
          const dangling = pathsOf(difference(withNamedFields(shape, set), all));
          assert.deepEqual(dangling.map(formatPath), [], `owned by ${manager}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('an apply by force makes the object say what the configuration says, once and for all', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), step, (steps, last) => {
        const live = run(steps);
        const once = apply(live, last.configuration, last.manager, true);
        const whole = stored(last.configuration);
        const { metadata: _, ...wanted } = whole;
        const missing = compare(shape, once, { ...once, ...mergedOver(once, wanted) }).changed;
        assert.deepEqual(pathsOf(missing).map(formatPath), []);
        assert.equal(apply(once, last.configuration, last.manager, true), once);
        assert.equal(apply(once, last.configuration, last.manager, false), once);
      }),
      { numRuns: 300 },
    );
  });

  it('an applier that names nothing more leaves only what others own or nobody named', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), configuration, (steps, last) => {
        const others = steps.filter(({ manager }) => manager !== 'one');
        const before = run(others);
        if (before === undefined) return;
        // A conflict leaves things as they were; then there is nothing to take back.
        const applied = run([...others, { manager: 'one', how: 'apply', configuration: last }]);
        const bare = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } };
        const after = apply(applied, bare, 'one', false);
        const owned = [...readEntries(managedFieldsOf(after)).values()];
        assert.ok(owned.every(({ manager }) => manager !== 'one'));
        const lost = compare(shape, before, after).removed;
        assert.deepEqual(pathsOf(lost).map(formatPath), []);
      }),
      { numRuns: 300 },
    );
  });
});

/** `over` laid on `base`: objects by key, items of lists by name or port. */
function mergedOver(base: unknown, over: unknown): JsonObject {
  const merge = (a: unknown, b: unknown): unknown => {
    if (isJsonObject(a) && isJsonObject(b)) {
      const result: JsonObject = { ...a };
      for (const key of Object.keys(b)) result[key] = merge(a[key], b[key]);
      return result;
    }
    if (!(Array.isArray(a) && Array.isArray(b) && b.every(isJsonObject))) return b;
    const id = (item: JsonObject) => `${item.containerPort ?? item.name} ${item.protocol}`;
    const items = new Map(a.filter(isJsonObject).map((item) => [id(item), item]));
    for (const item of b) items.set(id(item), merge(items.get(id(item)), item) as JsonObject);
    return [...items.values()];
  };
  return merge(base, over) as JsonObject;
}
