import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  planSlices,
  type SliceContent,
  sliceContents,
  sliceNames,
} from '../../../controllers/endpoint-slice/slices.ts';
import { endpointSubsets } from '../../../controllers/endpoints/endpoint-subsets.ts';
import { backendsOf, hasSelector } from '../../../controllers/endpoints/service-backends.ts';
import type { Pod, Service, ServiceSpec } from '../../../proto/api/gen/core-v1.ts';
import type { EndpointSlice } from '../../../proto/api/gen/discovery-v1.ts';
import { newContainer } from '../../support/scheduling-objects.ts';
import { runningPod, START } from '../../support/workload-objects.ts';

function service(spec: Partial<ServiceSpec> = {}): Service {
  const metadata = { namespace: 'default', name: 'web', uid: 's', resourceVersion: '1' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, creationTimestamp: START },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
    status: {},
  };
}

function backend(name: string, ip: string, more: { isReady?: boolean; port?: number } = {}): Pod {
  const { isReady = true, port = 8080 } = more;
  const pod = runningPod(name, {
    ...(isReady ? { readySince: START } : {}),
    metadata: { uid: name, labels: { app: 'web' } },
  });
  const ports = [{ name: 'http', containerPort: port }];
  return {
    ...pod,
    spec: { ...pod.spec, containers: [newContainer({}, { ports })] },
    status: { ...pod.status, podIP: ip },
  };
}

describe('backendsOf', () => {
  it('takes selected pods that have an address and have not ended', () => {
    const a = backend('a', '10.0.0.1');
    const ended: Pod = { ...backend('d', '10.0.0.4'), status: { phase: 'Succeeded', podIP: 'x' } };
    const other = runningPod('other');
    const pods = [backend('b', '10.0.0.2', { isReady: false }), a, other, ended];
    const backends = backendsOf(service(), pods);
    assert.deepEqual(
      backends.map(({ pod, isReady }) => [pod.metadata.name, isReady]),
      [
        ['a', true],
        ['b', false],
      ],
    );
    assert.deepEqual(backends[0]?.ports, [{ port: 8080, protocol: 'TCP' }]);
    const unready = backendsOf(service({ publishNotReadyAddresses: true }), pods);
    assert.ok(unready.every(({ isReady }) => isReady));
  });

  it('sends no traffic to pods that are going', () => {
    const pod = backend('a', '10.0.0.1');
    const going = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: START } };
    const [only] = backendsOf(service(), [going]);
    assert.deepEqual([only?.isReady, only?.isServing, only?.isTerminating], [false, true, true]);
    assert.deepEqual(endpointSubsets(backendsOf(service(), [going])), []);
  });

  it('knows which Services have a selector', () => {
    assert.ok(hasSelector(service()));
    assert.ok(!hasSelector(service({ selector: {} })));
    assert.ok(!hasSelector(service({ type: 'ExternalName' })));
  });
});

describe('endpointSubsets', () => {
  it('groups addresses by their ports', () => {
    const pods = [
      backend('a', '10.0.0.1'),
      backend('b', '10.0.0.2', { isReady: false }),
      backend('c', '10.0.0.3', { port: 9090 }),
    ];
    const subsets = endpointSubsets(backendsOf(service(), pods));
    assert.deepEqual(
      subsets.map(({ addresses, notReadyAddresses, ports }) => [
        addresses?.map(({ ip }) => ip),
        notReadyAddresses?.map(({ ip }) => ip),
        ports?.[0]?.port,
      ]),
      [
        [['10.0.0.1'], ['10.0.0.2'], 8080],
        [['10.0.0.3'], undefined, 9090],
      ],
    );
  });
});

describe('slices', () => {
  const existing = (name: string, { ports, endpoints }: SliceContent): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: START },
    addressType: 'IPv4',
    ports,
    endpoints,
  });
  const contentsOf = (count: number) =>
    sliceContents(
      backendsOf(
        service(),
        Array.from({ length: count }, (_, index) => backend(`p${index}`, `10.0.0.${index}`)),
      ),
    );

  it('have at most a hundred endpoints, and there always is one', () => {
    assert.deepEqual(
      contentsOf(250).map(({ endpoints }) => endpoints.length),
      [100, 100, 50],
    );
    assert.deepEqual(contentsOf(0), [{ ports: [], endpoints: [] }]);
  });

  it('stay when they are right, else are filled anew, made or removed', () => {
    const [first, second] = contentsOf(150);
    assert.ok(first !== undefined && second !== undefined);
    const right = existing('a', first);
    const wrong = existing('b', { ports: [], endpoints: [] });
    const over = existing('c', { ports: [], endpoints: [] });
    const changes = planSlices([wrong, right, over], [first, second]);
    assert.deepEqual(changes.create, []);
    assert.deepEqual(
      changes.update.map(({ slice, endpoints }) => [slice.metadata.name, endpoints.length]),
      [['b', 50]],
    );
    assert.deepEqual(changes.remove, [over]);
    assert.deepEqual(planSlices([right], [first, second]).create, [second]);
  });

  it('have names that are always the same ones', () => {
    const [a = '', b = ''] = sliceNames(service(), new Set(), 2);
    assert.match(a, /^web-[a-z0-9]{5}$/);
    assert.deepEqual(sliceNames(service(), new Set([a]), 1), [b]);
  });
});
