import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UPDATE_MANAGERS_MAX } from '../../../proto/api/apply/entries.ts';
import { decodeObject } from '../../../proto/api/decode.ts';
import type { JsonObject } from '../../../proto/api/json.ts';
import { applyServerSide, isUnchanged, trackUpdate } from '../../../proto/api/managed-fields.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap';
const POD = 'io.k8s.api.core.v1.Pod';
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const SERVICE = 'io.k8s.api.core.v1.Service';
const TIME = '2026-01-02T03:04:05Z';

interface Stored extends JsonObject {
  readonly metadata: JsonObject & { readonly managedFields?: readonly Entry[] };
  readonly data?: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into specs of several kinds
  readonly spec?: any;
}

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: JsonObject;
  readonly time?: string;
  readonly subresource?: string;
}

function apply(
  typeName: string,
  live: JsonObject | undefined,
  applied: JsonObject,
  options: { manager?: string; force?: boolean; time?: string; subresource?: string } = {},
): Stored {
  const { manager = 'one', force = false, time = TIME, subresource } = options;
  const request = { typeName, live, applied, manager, force, time, subresource };
  return applyServerSide(request) as Stored;
}

function update(
  typeName: string,
  before: JsonObject | undefined,
  after: JsonObject,
  manager = 'updater',
  subresource?: string,
): Stored {
  const decoded = decodeObject(typeName, after).object as Stored;
  const apiVersion = String(after.apiVersion);
  const managedFields = trackUpdate({
    typeName,
    before,
    after: decoded,
    manager,
    time: TIME,
    subresource,
    apiVersion,
  });
  return { ...decoded, metadata: { ...decoded.metadata, managedFields } } as unknown as Stored;
}

function configMap(data: Record<string, string>): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' }, data };
}

function fieldsOf(object: Stored, manager: string): JsonObject | undefined {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

function conflictOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  assert.fail('there was no conflict');
}

describe('applyServerSide on maps of text', () => {
  it('creates, and owns the leaves it named', () => {
    const object = apply(CONFIG_MAP, undefined, configMap({ x: '1' }));
    assert.deepEqual(object.data, { x: '1' });
    assert.deepEqual(object.metadata.managedFields, [
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'v1',
        time: TIME,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:x': {} } },
      },
    ]);
  });

  it('gives back the live object when nothing changes', () => {
    const live = apply(CONFIG_MAP, undefined, configMap({ x: '1' }));
    const again = apply(CONFIG_MAP, live, configMap({ x: '1' }), { time: '2027-01-01T00:00:00Z' });
    assert.equal(again, live);
  });

  it('removes what the applier dropped, unless another one owns it', () => {
    const first = apply(CONFIG_MAP, undefined, configMap({ x: '1', y: '2' }));
    const shared = apply(CONFIG_MAP, first, configMap({ y: '2' }), { manager: 'two' });
    const dropped = apply(CONFIG_MAP, shared, configMap({}));
    assert.deepEqual(dropped.data, { y: '2' });
    assert.deepEqual(fieldsOf(dropped, 'one'), { 'f:data': {} });
    const gone = apply(CONFIG_MAP, dropped, configMap({}), { manager: 'two' });
    assert.equal(gone.data, undefined);
  });

  it('leaves alone what was never its own', () => {
    const first = apply(CONFIG_MAP, undefined, configMap({ x: '1' }));
    const touched = update(CONFIG_MAP, first, { ...first, data: { x: '1', other: 'o' } });
    const dropped = apply(CONFIG_MAP, touched, configMap({ z: '3' }));
    assert.deepEqual(dropped.data, { other: 'o', z: '3' });
  });

  it('conflicts with who set the field, in the words kubectl shows', () => {
    const first = apply(CONFIG_MAP, undefined, configMap({ x: '1', y: '1' }));
    const one = conflictOf(() =>
      apply(CONFIG_MAP, first, configMap({ x: '2' }), { manager: 'two' }),
    );
    assert.equal(one.code, 409);
    assert.equal(one.reason, 'Conflict');
    assert.equal(one.message, 'Apply failed with 1 conflict: conflict with "one": .data.x');
    assert.deepEqual(one.status.details?.causes, [
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.x' },
    ]);
    const updated = update(CONFIG_MAP, first, { ...first, data: { x: '1', y: '9' } });
    const both = conflictOf(() =>
      apply(CONFIG_MAP, updated, configMap({ x: '2', y: '2' }), { manager: 'two' }),
    );
    assert.equal(
      both.message,
      'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\nconflicts with "updater" using v1:\n- .data.y',
    );
  });

  it('takes fields over by force', () => {
    const first = apply(CONFIG_MAP, undefined, configMap({ x: '1' }));
    const forced = apply(CONFIG_MAP, first, configMap({ x: '2' }), { manager: 'two', force: true });
    assert.deepEqual(forced.data, { x: '2' });
    assert.equal(fieldsOf(forced, 'one'), undefined);
    assert.deepEqual(fieldsOf(forced, 'two'), { 'f:data': { 'f:x': {} } });
  });

  it('shares fields that are set alike', () => {
    const first = apply(CONFIG_MAP, undefined, configMap({ x: '1' }));
    const shared = apply(CONFIG_MAP, first, configMap({ x: '1' }), { manager: 'two' });
    assert.deepEqual(fieldsOf(shared, 'one'), fieldsOf(shared, 'two'));
    conflictOf(() => apply(CONFIG_MAP, shared, configMap({ x: '2' })));
  });

  it('gives objects that nobody owns yet to a manager of that name', () => {
    const live = decodeObject(CONFIG_MAP, configMap({ x: '1' })).object;
    const error = conflictOf(() => apply(CONFIG_MAP, live, configMap({ x: '2' })));
    assert.match(error.message, /conflict with "before-first-apply" using v1: .data.x$/);
    const same = apply(CONFIG_MAP, live, configMap({ x: '1' }));
    assert.deepEqual(fieldsOf(same, 'before-first-apply'), {
      'f:data': { '.': {}, 'f:x': {} },
    });
  });
});

describe('applyServerSide on lists', () => {
  const deployment = (...containers: readonly JsonObject[]): JsonObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { template: { spec: { containers } } },
  });

  it('owns items by their keys', () => {
    const ports = [{ containerPort: 80 }];
    const object = apply(DEPLOYMENT, undefined, deployment({ name: 'c', image: 'i', ports }));
    const item = {
      '.': {},
      'f:image': {},
      'f:name': {},
      'f:ports': {
        'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
      },
    };
    assert.deepEqual(fieldsOf(object, 'one'), {
      'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': item } } } },
    });
  });

  it('merges items, keeps the others, and removes its own', () => {
    const first = apply(
      DEPLOYMENT,
      undefined,
      deployment({ name: 'a', image: '1' }, { name: 'b' }),
    );
    const second = apply(DEPLOYMENT, first, deployment({ name: 'c', image: '3' }), {
      manager: 'two',
    });
    const names = (object: Stored): readonly string[] =>
      object.spec.template.spec.containers.map(({ name }: { name: string }) => name);
    assert.deepEqual(names(second), ['c', 'a', 'b']);
    const third = apply(DEPLOYMENT, second, deployment({ name: 'b', image: '2' }));
    assert.deepEqual(names(third), ['c', 'b']);
  });

  it('removes an item of its own with what others changed in it', () => {
    const first = apply(
      DEPLOYMENT,
      undefined,
      deployment({ name: 'a', image: '1' }, { name: 'b' }),
    );
    const changed = structuredClone(first);
    changed.spec.template.spec.containers[0].workingDir = '/w';
    const updated = update(DEPLOYMENT, first, changed);
    const dropped = apply(DEPLOYMENT, updated, deployment({ name: 'b' }));
    assert.equal(dropped.spec.template.spec.containers.length, 1);
  });

  it('treats atomic lists and maps as one value', () => {
    const service = (selector: JsonObject): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { selector, ports: [{ port: 80 }] },
    });
    const first = apply(SERVICE, undefined, service({ a: '1' }));
    const error = conflictOf(() => apply(SERVICE, first, service({ b: '2' }), { manager: 'two' }));
    assert.deepEqual(
      error.status.details?.causes?.map(({ field }) => field),
      ['.spec.selector'],
    );
    const forced = apply(SERVICE, first, service({ b: '2' }), { manager: 'two', force: true });
    assert.deepEqual(forced.spec.selector, { b: '2' });
  });

  it('owns what is zero, too', () => {
    const zero = (extra: JsonObject): JsonObject => ({
      ...deployment({ name: 'a' }),
      spec: { replicas: 0, paused: false, ...extra },
    });
    const object = apply(DEPLOYMENT, undefined, zero({}));
    assert.deepEqual(fieldsOf(object, 'one'), { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } });
    assert.equal(object.spec.replicas, 0);
  });

  it('refuses an item named twice, wrong types, and managedFields', () => {
    const bad: readonly (readonly [JsonObject, RegExp])[] = [
      [
        deployment({ name: 'a' }, { name: 'a' }),
        /^\.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]$/,
      ],
      [deployment({ image: 'a' }), /omits all key fields "name"$/],
      [{ ...deployment(), spec: { replicas: 'x' } }, /cannot unmarshal string/],
      [
        { ...deployment(), metadata: { managedFields: [] } },
        /^metadata\.managedFields must be nil$/,
      ],
    ];
    for (const [applied, message] of bad) {
      const error = conflictOf(() => apply(DEPLOYMENT, undefined, applied));
      assert.equal(error.code, 400);
      assert.match(error.message, message);
    }
  });
});

describe('applyServerSide and kubectl', () => {
  const annotated = (data: Record<string, string>): JsonObject => ({
    ...configMap(data),
    metadata: {
      name: 'a',
      namespace: 'n',
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(configMap(data)),
      },
    },
  });

  it('does not conflict with what client-side apply set before, and keeps its annotation', () => {
    const live = update(CONFIG_MAP, undefined, annotated({ x: '1' }), 'kubectl-client-side-apply');
    const object = apply(CONFIG_MAP, live, configMap({ x: '2' }), { manager: 'kubectl' });
    assert.deepEqual(object.data, { x: '2' });
    const annotations = object.metadata.annotations as Record<string, string>;
    const last = JSON.parse(Object.values(annotations)[0] ?? '{}');
    assert.deepEqual(last.data, { x: '2' });
  });

  it('conflicts with what others changed since', () => {
    const live = update(CONFIG_MAP, undefined, annotated({ x: '1' }), 'kubectl-client-side-apply');
    const changed = update(CONFIG_MAP, live, { ...live, data: { x: '5' } }, 'someone');
    conflictOf(() => apply(CONFIG_MAP, changed, configMap({ x: '2' }), { manager: 'kubectl' }));
  });
});

describe('trackUpdate', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', uid: 'u', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };

  it('gives a create all it says, parents too, and no system fields', () => {
    const created = update(POD, undefined, pod);
    assert.deepEqual(fieldsOf(created, 'updater'), {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
      'f:spec': {
        'f:containers': {
          'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} },
        },
      },
    });
  });

  it('moves changed fields to who changed them, and forgets removed ones', () => {
    const created = update(POD, undefined, pod);
    const after = structuredClone(created) as Stored & { spec: { containers: JsonObject[] } };
    after.spec.containers[0] = { name: 'c', image: 'j', resources: {} };
    (after.metadata as JsonObject).labels = undefined;
    const updated = update(POD, created, after, 'second');
    assert.deepEqual(fieldsOf(updated, 'second'), {
      'f:spec': { 'f:containers': { 'k:{"name":"c"}': { 'f:image': {} } } },
    });
    assert.deepEqual(fieldsOf(updated, 'updater'), {
      'f:spec': {
        'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:resources': {} } },
      },
    });
  });

  it('keeps status writes apart, and their time', () => {
    const created = update(POD, undefined, pod);
    const running = update(
      POD,
      created,
      { ...created, status: { phase: 'Running' } },
      'x',
      'status',
    );
    const [, entry] = running.metadata.managedFields ?? [];
    assert.equal(entry?.subresource, 'status');
    assert.deepEqual(entry?.fieldsV1, { 'f:status': { 'f:phase': {} } });
  });

  it('changes nothing when nothing changed', () => {
    const created = update(POD, undefined, pod);
    const same = update(POD, created, created, 'other');
    assert.deepEqual(same.metadata.managedFields, created.metadata.managedFields);
    assert.equal(isUnchanged(created, same), true);
  });

  it('lets a client write the list itself, or reset it', () => {
    const created = update(POD, undefined, pod);
    const [entry] = created.metadata.managedFields ?? [];
    const renamed = { ...entry, manager: 'kubectl', operation: 'Apply' };
    const list = { ...created, metadata: { ...created.metadata, managedFields: [renamed] } };
    assert.deepEqual(update(POD, created, list).metadata.managedFields, [renamed]);
    const reset = { ...created, metadata: { ...created.metadata, managedFields: [{}] } };
    assert.equal(update(POD, created, reset).metadata.managedFields, undefined);
    const broken = {
      ...created,
      metadata: { ...created.metadata, managedFields: [{ manager: 'x' }] },
    };
    assert.deepEqual(update(POD, created, broken).metadata.managedFields, [entry]);
  });

  it('does not begin to track what was not tracked', () => {
    const before = decodeObject(POD, pod).object;
    const after = { ...pod, metadata: { ...pod.metadata, labels: { a: 'c' } } };
    assert.equal(update(POD, before, after).metadata.managedFields, undefined);
  });

  it('merges the oldest updates when there are too many', () => {
    let object = update(CONFIG_MAP, undefined, configMap({ x: '0' }), 'm');
    for (let i = 0; i < UPDATE_MANAGERS_MAX + 5; i += 1) {
      const data = { ...object.data, [`k${i}`]: '1' };
      object = update(CONFIG_MAP, object, { ...object, data }, `m${i}`);
    }
    assert.equal(object.metadata.managedFields?.length, UPDATE_MANAGERS_MAX);
    assert.ok(fieldsOf(object, 'ancient-changes') !== undefined);
  });
});

describe('properties of apply', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));
  const step = fc.record({ manager: fc.constantFrom('one', 'two', 'three'), data });

  it('applied twice changes nothing; what is applied is there; what others own stays', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), step, (steps, last) => {
        let live: Stored | undefined;
        for (const { manager, data: values } of steps) {
          live = apply(CONFIG_MAP, live, configMap(values), { manager, force: true });
        }
        const before = live;
        const { manager } = last;
        const once = apply(CONFIG_MAP, live, configMap(last.data), { manager, force: true });
        for (const [key, value] of Object.entries(last.data)) {
          assert.equal(once.data?.[key], value);
        }
        for (const entry of before?.metadata.managedFields ?? []) {
          if (entry.manager === manager) continue;
          const owned = Object.keys((entry.fieldsV1['f:data'] ?? {}) as JsonObject);
          for (const element of owned) assert.ok(once.data?.[element.slice(2)] !== undefined);
        }
        assert.equal(apply(CONFIG_MAP, once, configMap(last.data), { manager, force: true }), once);
      }),
    );
  });

  it('without force, either conflicts or changes nothing of others', () => {
    // Whoever owns an empty map loses it when the map vanishes.
    const withData = step.filter(({ data: values }) => Object.keys(values).length > 0);
    fc.assert(
      fc.property(fc.array(withData, { maxLength: 6 }), (steps) => {
        let live: Stored | undefined;
        for (const { manager, data: values } of steps) {
          const before = live;
          try {
            live = apply(CONFIG_MAP, live, configMap(values), { manager });
          } catch (error) {
            assert.ok(error instanceof ApiError && error.code === 409);
            continue;
          }
          for (const entry of before?.metadata.managedFields ?? []) {
            if (entry.manager === manager) continue;
            assert.deepEqual(fieldsOf(live, entry.manager), entry.fieldsV1);
          }
        }
      }),
    );
  });
});
