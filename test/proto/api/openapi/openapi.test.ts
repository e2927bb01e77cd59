import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isJsonObject, type JsonObject } from '../../../../proto/api/json.ts';
import type { ServedResourceFacts } from '../../../../proto/api/openapi/served.ts';
import { openApiV2Document, openApiV2Protobuf } from '../../../../proto/api/openapi-v2.ts';
import { openApiV3Document, openApiV3Index } from '../../../../proto/api/openapi-v3.ts';
import { ProtobufReader } from '../../../../proto/api/protobuf-reader.ts';
import { allKinds } from '../../../../proto/api/schema.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** All kinds of the schema as if they were served. */
const ALL: readonly ServedResourceFacts[] = allKinds().map((kind) => ({
  group: kind.group,
  version: kind.version,
  kind: kind.kind,
  plural: kind.plural,
  namespaced: kind.namespaced,
  listKind: kind.list,
  verbs: VERBS,
  subresources: (kind.subresources ?? []).includes('status')
    ? [{ name: 'status', kind, verbs: ['get', 'patch', 'update'] }]
    : [],
}));

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((one, key) => (isJsonObject(one) ? one[key] : undefined), value);
}

/** Every `$ref` of a document. */
function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

describe('OpenAPI v3', () => {
  const apps = ALL.filter(({ group, version }) => group === 'apps' && version === 'v1');
  const document = openApiV3Document(apps);

  it('tells kubectl that PATCH of a kind takes fieldValidation', () => {
    const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';
    const patch = at(document, 'paths', path, 'patch') as JsonObject;
    assert.deepEqual(patch['x-kubernetes-group-version-kind'], {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
    const parameters = patch.parameters as readonly JsonObject[];
    assert.deepEqual(
      parameters.map(({ name }) => name),
      ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
    );
  });

  it('describes fields, defaults, and how lists merge', () => {
    const schemas = at(document, 'components', 'schemas');
    const pod = at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers');
    assert.deepEqual(pod, {
      description: 'The containers of the pod, at least one.',
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
    assert.deepEqual(
      at(schemas, 'io.k8s.api.apps.v1.Deployment', 'x-kubernetes-group-version-kind'),
      [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    );
    assert.deepEqual(at(schemas, 'io.k8s.api.core.v1.ContainerPort', 'properties', 'protocol'), {
      description: 'TCP, UDP or SCTP.',
      type: 'string',
      enum: ['SCTP', 'TCP', 'UDP'],
      default: 'TCP',
    });
  });

  it('refers only to what is there, for every kind', () => {
    for (const { group, version } of ALL) {
      const resources = ALL.filter((one) => one.group === group && one.version === version);
      const whole = openApiV3Document(resources);
      const schemas = at(whole, 'components', 'schemas') as JsonObject;
      for (const reference of new Set(references(whole))) {
        assert.ok(Object.hasOwn(schemas, reference.split('/').at(-1) ?? ''), reference);
      }
    }
  });

  it('indexes documents by their hash', () => {
    const index = openApiV3Index([
      { group: '', version: 'v1', hash: 'A' },
      { group: 'apps', version: 'v1', hash: 'B' },
    ]);
    assert.deepEqual(index, {
      paths: {
        'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=A' },
        'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=B' },
      },
    });
  });
});

describe('OpenAPI v2', () => {
  const document = openApiV2Document(ALL);

  it('refers only to what is there', () => {
    const definitions = document.definitions as JsonObject;
    for (const reference of new Set(references(document))) {
      assert.ok(Object.hasOwn(definitions, reference.split('/').at(-1) ?? ''), reference);
    }
  });

  it('says the same in protobuf', () => {
    const found = { definitions: 0, paths: 0, swagger: '' };
    const reader = new ProtobufReader(openApiV2Protobuf(document));
    while (!reader.isAtEnd) {
      const { number, wireType } = reader.tag();
      if (number === 1) found.swagger = reader.string();
      else if (number === 8) found.paths = count(reader.message(), 2);
      else if (number === 9) found.definitions = count(reader.message(), 1);
      else reader.skip(wireType);
    }
    assert.deepEqual(found, {
      swagger: '2.0',
      paths: Object.keys(document.paths as JsonObject).length,
      definitions: Object.keys(document.definitions as JsonObject).length,
    });
  });
});

/** How many fields of this number a message has. */
function count(reader: ProtobufReader, wanted: number): number {
  let total = 0;
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === wanted) total += 1;
    reader.skip(wireType);
  }
  return total;
}
