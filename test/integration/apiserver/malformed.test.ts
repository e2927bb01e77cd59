/** Whatever a client sends, the answer is a Status of the 4xx sort or the object: never a 5xx. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { cloneJson } from '../../../proto/api/json.ts';
import {
  type Response,
  startTestApiServer,
  type TestApiServer,
} from '../../support/test-api-server.ts';

const RUNS = 150;

const container = {
  name: 'c',
  image: 'x',
  command: ['a'],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  ],
  envFrom: [{ configMapRef: { name: 'cm' } }],
  ports: [{ name: 'http', containerPort: 80 }],
  resources: { requests: { cpu: '100m' }, limits: { memory: '1Gi' } },
  livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 5 },
  lifecycle: { preStop: { exec: { command: ['x'] } } },
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
  securityContext: { capabilities: { drop: ['ALL'] }, runAsUser: 1 },
};
const podSpec = {
  containers: [container],
  initContainers: [{ name: 'i', image: 'y' }],
  volumes: [
    { name: 'v', emptyDir: {} },
    { name: 'p', projected: { sources: [{ configMap: { name: 'a', items: [] } }] } },
  ],
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }],
      },
    },
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
  ],
};
const metadata = {
  name: 'thing',
  labels: { a: 'b' },
  annotations: { c: 'd' },
  finalizers: ['example.com/x'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'o', uid: 'u', controller: true }],
};
const template = { metadata: { labels: { a: 'b' } }, spec: podSpec };
const selector = { matchLabels: { a: 'b' } };

const NAMESPACE = '/namespaces/default';
const OBJECTS: [string, object][] = [
  [`/api/v1${NAMESPACE}/pods`, { metadata, spec: podSpec }],
  [
    `/apis/apps/v1${NAMESPACE}/deployments`,
    { metadata, spec: { replicas: 1, selector, template, strategy: { type: 'Recreate' } } },
  ],
  [`/apis/apps/v1${NAMESPACE}/replicasets`, { metadata, spec: { selector, template } }],
  [
    `/api/v1${NAMESPACE}/services`,
    {
      metadata,
      spec: { type: 'NodePort', selector: { a: 'b' }, ports: [{ port: 80, targetPort: 'http' }] },
    },
  ],
  [`/api/v1${NAMESPACE}/configmaps`, { metadata, data: { a: 'b' }, binaryData: { c: 'AAAA' } }],
  [`/api/v1${NAMESPACE}/secrets`, { metadata, type: 'Opaque', data: { a: 'AAAA' } }],
  [
    `/api/v1/nodes`,
    { metadata, spec: { taints: [{ key: 'a', effect: 'NoSchedule' }], podCIDR: '10.0.0.0/24' } },
  ],
  ['/api/v1/namespaces', { metadata, spec: { finalizers: ['kubernetes'] } }],
  [
    `/apis/coordination.k8s.io/v1${NAMESPACE}/leases`,
    { metadata, spec: { holderIdentity: 'a', leaseDurationSeconds: 10 } },
  ],
  [
    `/api/v1${NAMESPACE}/endpoints`,
    { metadata, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  ],
  [
    `/apis/policy/v1${NAMESPACE}/poddisruptionbudgets`,
    { metadata, spec: { minAvailable: '50%', selector } },
  ],
  [
    `/apis/events.k8s.io/v1${NAMESPACE}/events`,
    {
      metadata,
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { kind: 'Pod', namespace: 'default', name: 'x' },
      reportingController: 'a',
      reportingInstance: 'b',
      action: 'c',
      reason: 'd',
      type: 'Normal',
    },
  ],
];

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 40,
    '',
    'a',
    '-',
    'A_b',
    '10%',
    '1Gi',
    'x'.repeat(300),
    '\u0000',
    [],
    {},
    [null],
    [{}],
    { '': '' },
    { a: null },
    { 'a/b/c': 'd' },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** The object with the value at one of its places replaced, removed, or doubled. */
function mutated(object: object, places: readonly number[], values: readonly unknown[]): unknown {
  const copy = cloneJson(object);
  for (const [index, place] of places.entries()) {
    const slots = slotsOf(copy);
    const slot = slots[place % slots.length];
    if (slot === undefined) continue;
    const value = cloneJson(values[index]);
    if (place % 7 === 0) delete slot.parent[slot.key];
    else slot.parent[slot.key] = value;
  }
  return copy;
}

interface Slot {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}

function slotsOf(value: unknown): Slot[] {
  if (typeof value !== 'object' || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...slotsOf(parent[key])]);
}

function assertAnswer(response: Response, body: unknown): void {
  const { code, text } = response;
  assert.ok(code >= 200 && code < 500, `${code} ${text} for ${JSON.stringify(body)}`);
  if (code >= 400) {
    assert.equal(response.body.kind, 'Status');
    assert.notEqual(response.body.message, '');
  }
}

describe('malformed input', () => {
  let server: TestApiServer;
  before(async () => {
    server = await startTestApiServer();
    await server.send('POST', `/api/v1${NAMESPACE}/serviceaccounts`, {
      body: { metadata: { name: 'default' } },
    });
  });
  after(() => server.stop());

  const places = fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 });
  const values = fc.array(odd, { minLength: 3, maxLength: 3 });

  for (const [path, object] of OBJECTS) {
    it(`is refused or taken as it is: POST ${path}`, async () => {
      const plain = await server.send('POST', `${path}?dryRun=All`, { body: object });
      assert.equal(plain.code, 201, plain.text);
      await fc.assert(
        fc.asyncProperty(places, values, async (where, what) => {
          const body = mutated(object, where, what);
          assertAnswer(await server.send('POST', `${path}?dryRun=All`, { body }), body);
        }),
        { numRuns: RUNS },
      );
    });

    it(`is refused or taken as it is: PUT and PATCH ${path}`, async () => {
      const made = await server.send('POST', path, { body: object });
      assert.equal(made.code, 201, made.text);
      const own = `${path}/thing`;
      await fc.assert(
        fc.asyncProperty(places, values, async (where, what) => {
          const body = mutated(made.body, where, what);
          assertAnswer(await server.send('PUT', `${own}?dryRun=All`, { body }), body);
          const patch = mutated(object, where, what);
          for (const type of ['merge-patch', 'strategic-merge-patch']) {
            const contentType = `application/${type}+json`;
            const sent = { body: patch, contentType };
            assertAnswer(await server.send('PATCH', `${own}?dryRun=All`, sent), patch);
          }
          const apply = await server.send('PATCH', `${own}?dryRun=All&fieldManager=m&force=true`, {
            body: patch,
            contentType: 'application/apply-patch+yaml',
          });
          assertAnswer(apply, patch);
          const operations = [{ op: 'replace', path: '/spec', value: what[0] }];
          const json = await server.send('PATCH', `${own}?dryRun=All`, {
            body: operations,
            contentType: 'application/json-patch+json',
          });
          assertAnswer(json, operations);
        }),
        { numRuns: RUNS / 5 },
      );
    });
  }

  it('is refused in any bytes and any type', async () => {
    const types = [
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
      'application/json-patch+json',
      'application/apply-patch+yaml',
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 100 }).map((tail) => Buffer.from([0x6b, 0x38, 0x73, 0, ...tail])),
    );
    const path = `/api/v1${NAMESPACE}/configmaps`;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...types), bytes, async (contentType, raw) => {
        const isPatch = contentType.includes('patch');
        const response = isPatch
          ? await server.send('PATCH', `${path}/thing?fieldManager=m`, { raw, contentType })
          : await server.send('POST', `${path}?dryRun=All`, { raw, contentType });
        assertAnswer(response, [...raw]);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused in any query', async () => {
    const names = [
      'limit',
      'continue',
      'resourceVersion',
      'resourceVersionMatch',
      'labelSelector',
      'fieldSelector',
      'timeoutSeconds',
      'includeObject',
      'dryRun',
      'fieldManager',
      'pretty',
    ];
    const query = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.constant('0')));
    const accepts = ['application/json', 'application/json;as=Table;v=v1;g=meta.k8s.io'];
    await fc.assert(
      fc.asyncProperty(query, fc.constantFrom(...accepts), async (parameters, accept) => {
        const text = new URLSearchParams(parameters).toString();
        const path = `/api/v1${NAMESPACE}/configmaps?${text}`;
        const response = await server.send('GET', path, { headers: { accept } });
        // A version that has not come yet is waited for, and then a timeout.
        if (response.code !== 504) assertAnswer(response, parameters);
      }),
      { numRuns: RUNS },
    );
  });
});
