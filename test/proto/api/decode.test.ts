import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeObject, strictDecodingError, zeroMessage } from '../../../proto/api/decode.ts';
import { typeNames } from '../../../proto/api/schema.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

const POD = 'io.k8s.api.core.v1.Pod';
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';

function errorOf(typeName: string, json: unknown): string {
  try {
    decodeObject(typeName, json);
  } catch (error) {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, 400);
    return error.message;
  }
  return '';
}

describe('decodeObject', () => {
  it('leaves out unknown fields and names them', () => {
    const json = {
      metadata: { name: 'a', labels: { any: 'thing' }, colour: 'red' },
      spec: { containers: [{ name: 'c' }, { name: 'd', imagePullSecret: {}, ports: [{ x: 1 }] }] },
      foo: null,
    };
    const { object, unknownFields } = decodeObject(POD, json);
    assert.deepEqual(unknownFields, [
      'metadata.colour',
      'spec.containers[1].imagePullSecret',
      'spec.containers[1].ports[0].x',
      'foo',
    ]);
    assert.deepEqual(object, {
      metadata: { name: 'a', labels: { any: 'thing' } },
      spec: {
        containers: [
          { name: 'c', resources: {} },
          { name: 'd', resources: {}, ports: [{ containerPort: 0 }] },
        ],
      },
      status: {},
    });
  });

  it('drops zeros that mean nothing, and keeps those of pointers and of what is always written', () => {
    const spec = {
      hostNetwork: false,
      nodeName: '',
      nodeSelector: {},
      volumes: [],
      terminationGracePeriodSeconds: 0,
      enableServiceLinks: false,
      securityContext: {},
      containers: [{ name: '', image: '', args: [] }],
    };
    assert.deepEqual(decodeObject(POD, { metadata: {}, spec }).object, {
      metadata: {},
      spec: {
        terminationGracePeriodSeconds: 0,
        enableServiceLinks: false,
        securityContext: {},
        containers: [{ name: '', resources: {} }],
      },
      status: {},
    });
  });

  it('gives quantities, times and base64 their one form', () => {
    const limits = { cpu: 0.5, memory: '1024Mi', other: ' 1.50 ' };
    const json = {
      metadata: { creationTimestamp: '2026-01-01T01:00:00+01:00' },
      spec: { containers: [{ name: 'a', resources: { limits } }] },
    };
    const { object } = decodeObject(POD, json);
    assert.deepEqual(object.metadata, { creationTimestamp: '2026-01-01T00:00:00Z' });
    assert.deepEqual(object.spec, {
      containers: [
        { name: 'a', resources: { limits: { cpu: '500m', memory: '1Gi', other: '1500m' } } },
      ],
    });
    const secret = decodeObject('io.k8s.api.core.v1.Secret', { data: { a: 'YW\nJj' } });
    assert.deepEqual(secret.object.data, { a: 'YWJj' });
  });

  it('makes null in a map or list the zero of its type', () => {
    const json = { metadata: { labels: { a: null }, finalizers: [null] }, spec: null };
    assert.deepEqual(decodeObject(POD, json).object, {
      metadata: { labels: { a: '' }, finalizers: [''] },
      spec: { containers: [] },
      status: {},
    });
  });

  it('takes a schema, or what may stand in its place', () => {
    const schema = (props: object) => ({
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: props } }] },
    });
    const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
    const good = {
      properties: { a: { items: { type: 'string' }, additionalProperties: true } },
      additionalProperties: { type: 'integer', default: { any: ['json'] } },
    };
    const { object, unknownFields } = decodeObject(crd, schema({ ...good, bad: 1 }));
    assert.deepEqual(unknownFields, ['spec.versions[0].schema.openAPIV3Schema.bad']);
    assert.match(JSON.stringify(object), /"additionalProperties":true/);
    assert.match(JSON.stringify(object), /"default":\{"any":\["json"\]\}/);
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    [
      DEPLOYMENT,
      { spec: { replicas: '3' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      DEPLOYMENT,
      { spec: { replicas: 3_000_000_000 } },
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      DEPLOYMENT,
      { spec: { template: { spec: { containers: [{ env: [{ name: 'A', value: 1 }] }] } } } },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
    ],
    [
      POD,
      { metadata: { labels: { a: true } } },
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      POD,
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      POD,
      { spec: [] },
      'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec',
    ],
    [POD, 'pod', 'json: cannot unmarshal string into Go value of type v1.Pod'],
    [
      POD,
      { spec: { containers: [{ resources: { limits: { cpu: 'one' } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    ['io.k8s.api.core.v1.Secret', { data: { a: '!!' } }, 'illegal base64 data at input byte 0'],
  ];
  for (const [typeName, json, why] of wrong) {
    const kind = typeName.split('.').at(-1) ?? '';
    it(`refuses: ${why}`, () => {
      const expected = `${kind} in version "v1" cannot be handled as a ${kind}: ${why}`;
      assert.equal(errorOf(typeName, json), expected);
    });
  }

  it('decodes what it gave to the same, for the empty object of each type', () => {
    for (const name of typeNames()) {
      const isObject =
        /\.v\d[^.]*\.[A-Z]\w*$/.test(name) && !/Or(Array|Bool|StringArray)$/.test(name);
      if (!isObject || name.endsWith('.ExtraValue')) continue;
      const { object, unknownFields } = decodeObject(name, {});
      assert.deepEqual(object, zeroMessage(name), name);
      assert.deepEqual(decodeObject(name, object), { object, unknownFields }, name);
    }
  });

  it('does not take the prototype for a field', () => {
    const { unknownFields } = decodeObject(POD, { constructor: 1, toString: 2 });
    assert.deepEqual(unknownFields, ['constructor', 'toString']);
  });
});

describe('strictDecodingError', () => {
  it('lists all problems', () => {
    const error = strictDecodingError({ kind: 'Pod', version: 'v1' }, [
      'unknown field "spec.foo"',
      'duplicate field "data.a"',
    ]);
    assert.equal(
      error.message,
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.foo", duplicate field "data.a"',
    );
  });
});
