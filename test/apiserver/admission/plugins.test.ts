import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  AdmissionAttributes,
  AdmissionPlugin,
} from '../../../apiserver/admission/admission.ts';
import { defaultTolerationSeconds } from '../../../apiserver/admission/plugins/default-toleration-seconds.ts';
import { namespaceLifecycle } from '../../../apiserver/admission/plugins/namespace-lifecycle.ts';
import { nodeRestriction } from '../../../apiserver/admission/plugins/node-restriction.ts';
import { priority } from '../../../apiserver/admission/plugins/priority.ts';
import { ServiceAccountPlugin } from '../../../apiserver/admission/plugins/service-account.ts';
import { ServiceAllocation } from '../../../apiserver/admission/plugins/service-allocation.ts';
import { taintNodesByCondition } from '../../../apiserver/admission/plugins/taint-nodes-by-condition.ts';
import type { ApiObject } from '../../../apiserver/registry/strategy.ts';
import {
  configmaps,
  leases,
  namespaces,
  nodes,
  pods,
  priorityclasses,
  serviceaccounts,
  services,
} from '../../../proto/api/gen/resources.ts';
import type { Resource } from '../../../proto/api/resource.ts';
import { ApiError } from '../../../proto/api/status-error.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { apiObject, FakeObjects } from '../../support/fake-objects.ts';

function attributes(
  resource: Resource,
  fields: Partial<AdmissionAttributes> & { readonly object?: ApiObject },
): AdmissionAttributes {
  const { namespace = resource.namespaced ? 'default' : undefined } = fields;
  return {
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace,
    name: fields.object?.metadata.name ?? '',
    object: undefined,
    oldObject: undefined,
    user: { name: 'test', groups: [] },
    dryRun: false,
    warn: () => undefined,
    ...fields,
  };
}

function pod(spec: Record<string, unknown>, metadata: object = {}): ApiObject {
  return apiObject(pods, { metadata: { name: 'p', namespace: 'default', ...metadata }, spec });
}

async function refusalOf(
  plugin: AdmissionPlugin,
  given: AdmissionAttributes,
  objects: FakeObjects,
): Promise<ApiError> {
  try {
    await plugin.mutate?.(given, objects);
    await plugin.validate?.(given, objects);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  return assert.fail('The plugin admitted it');
}

describe('NamespaceLifecycle', () => {
  const map = apiObject(configmaps, { metadata: { name: 'm', namespace: 'default' } });

  it('refuses what goes into a namespace that is not there', async () => {
    const error = await refusalOf(
      namespaceLifecycle,
      attributes(configmaps, { object: map }),
      new FakeObjects(),
    );
    assert.equal(error.message, 'namespaces "default" not found');
    assert.equal(error.code, 404);
  });

  it('refuses creates in a namespace that goes, and says why in a cause', async () => {
    const objects = new FakeObjects();
    objects.add(namespaces, {
      metadata: { name: 'default', deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    const given = attributes(configmaps, { object: map });
    const error = await refusalOf(namespaceLifecycle, given, objects);
    assert.equal(
      error.message,
      'configmaps "m" is forbidden: unable to create new content in namespace default because it is being terminated',
    );
    assert.equal(error.code, 403);
    assert.deepEqual(error.status.details?.causes, [
      {
        reason: 'NamespaceTerminating',
        message: 'namespace default is being terminated',
        field: 'metadata.namespace',
      },
    ]);
    const update = { ...given, operation: 'UPDATE' } as const;
    await namespaceLifecycle.mutate?.(update, objects);
  });

  it('keeps the namespaces of the system', async () => {
    const given = attributes(namespaces, { operation: 'DELETE', name: 'kube-system' });
    const error = await refusalOf(namespaceLifecycle, given, new FakeObjects());
    assert.equal(
      error.message,
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    );
    namespaceLifecycle.mutate?.({ ...given, name: 'mine' }, new FakeObjects());
  });
});

describe('DefaultTolerationSeconds', () => {
  const keysAfter = (tolerations: object[]): unknown[] => {
    const object = pod({ tolerations });
    defaultTolerationSeconds.mutate?.(attributes(pods, { object }), new FakeObjects());
    return ((object.spec?.tolerations ?? []) as { key?: string }[]).map(({ key }) => key);
  };
  const both = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

  it('adds both tolerations', () => assert.deepEqual(keysAfter([]), both));
  it('leaves a pod alone that tolerates everything', () =>
    assert.deepEqual(keysAfter([{ operator: 'Exists' }]), [undefined]));
  it('adds what is missing', () =>
    assert.deepEqual(keysAfter([{ key: both[1], effect: 'NoExecute' }]), [both[1], both[0]]));
  it('does not count another effect', () =>
    assert.deepEqual(keysAfter([{ key: both[0], effect: 'NoSchedule' }]), [both[0], ...both]));
});

describe('TaintNodesByCondition', () => {
  it('taints a new node, once', () => {
    const object = apiObject(nodes, { metadata: { name: 'n' } });
    for (let time = 0; time < 2; time += 1) {
      taintNodesByCondition.mutate?.(attributes(nodes, { object }), new FakeObjects());
    }
    assert.deepEqual(object.spec?.taints, [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
    ]);
  });
});

describe('Priority', () => {
  const objects = new FakeObjects();
  objects.add(priorityclasses, {
    metadata: { name: 'high' },
    value: 1000,
    preemptionPolicy: 'Never',
  });

  it('resolves the class', async () => {
    const object = pod({ priorityClassName: 'high' });
    await priority.mutate?.(attributes(pods, { object }), objects);
    assert.equal(object.spec?.priority, 1000);
    assert.equal(object.spec?.preemptionPolicy, 'Never');
  });

  it('gives a pod without a class no priority, or the default class', async () => {
    const object = pod({});
    await priority.mutate?.(attributes(pods, { object }), objects);
    assert.equal(object.spec?.priority, 0);
    const more = new FakeObjects();
    more.add(priorityclasses, { metadata: { name: 'usual' }, value: 5, globalDefault: true });
    const other = pod({});
    await priority.mutate?.(attributes(pods, { object: other }), more);
    assert.equal(other.spec?.priority, 5);
    assert.equal(other.spec?.priorityClassName, 'usual');
  });

  it('refuses classes that are not there, and priorities that are not the class', async () => {
    const missing = attributes(pods, { object: pod({ priorityClassName: 'nope' }) });
    assert.equal(
      (await refusalOf(priority, missing, objects)).message,
      'pods "p" is forbidden: no PriorityClass with name nope was found',
    );
    const wrong = attributes(pods, { object: pod({ priorityClassName: 'high', priority: 1 }) });
    assert.equal(
      (await refusalOf(priority, wrong, objects)).message,
      'pods "p" is forbidden: the integer value of priority (1) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name',
    );
  });

  it('lets one default class be', async () => {
    const more = new FakeObjects();
    more.add(priorityclasses, { metadata: { name: 'a' }, globalDefault: true });
    const object = apiObject(priorityclasses, { metadata: { name: 'b' }, globalDefault: true });
    const error = await refusalOf(priority, attributes(priorityclasses, { object }), more);
    assert.match(error.message, /PriorityClass a is already marked as default/);
  });
});

describe('NodeRestriction', () => {
  const user = { name: 'system:node:n1', groups: ['system:nodes'] };
  const mine = pod({ nodeName: 'n1' });
  const other = pod({ nodeName: 'n2' });
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
  const node = (name: string, taints: object[] = []): ApiObject =>
    apiObject(nodes, { metadata: { name }, spec: { taints } });
  const lease = (name: string, namespace: string) => ({
    object: apiObject(leases, { metadata: { name, namespace } }),
    namespace,
  });
  const status = { operation: 'UPDATE', subresource: 'status' } as const;
  const cases: readonly (readonly [
    string,
    Resource,
    Partial<AdmissionAttributes> & { readonly object?: ApiObject },
    string | undefined,
  ])[] = [
    ['its node', nodes, { object: node('n1') }, undefined],
    ['another node', nodes, { object: node('n2') }, 'is not allowed to modify node "n2"'],
    [
      'its taints',
      nodes,
      { operation: 'UPDATE', object: node('n1'), oldObject: node('n1', [{ key: 'a' }]) },
      'is not allowed to modify taints',
    ],
    ['the status of its pod', pods, { ...status, object: mine, oldObject: mine }, undefined],
    [
      'the status of another pod',
      pods,
      { ...status, object: other, oldObject: other },
      'can only update pod status for pods',
    ],
    ['the end of its pod', pods, { operation: 'DELETE', oldObject: mine }, undefined],
    [
      'the end of another pod',
      pods,
      { operation: 'DELETE', oldObject: other },
      'can only delete pods with spec.nodeName set to itself',
    ],
    ['a pod', pods, { object: mine }, 'can only create mirror pods'],
    ['a mirror pod', pods, { object: pod({ nodeName: 'n1' }, mirror) }, undefined],
    ['its lease', leases, lease('n1', 'kube-node-lease'), undefined],
    ['another lease', leases, lease('n2', 'kube-node-lease'), 'with the same name'],
    ['a lease elsewhere', leases, lease('n1', 'default'), 'in the "kube-node-lease"'],
    [
      'a config map',
      configmaps,
      { object: apiObject(configmaps, { metadata: { name: 'm' } }) },
      undefined,
    ],
  ];
  for (const [what, resource, given, problem] of cases) {
    it(`${problem === undefined ? 'lets' : 'does not let'} an agent write ${what}`, async () => {
      const of = attributes(resource, { user, ...given });
      if (problem === undefined) {
        nodeRestriction.validate?.(of, new FakeObjects());
        return;
      }
      const error = await refusalOf(nodeRestriction, of, new FakeObjects());
      assert.ok(error.message.includes(problem), error.message);
      assert.equal(error.code, 403);
      const admin = { ...of, user: { name: 'admin', groups: ['system:masters'] } };
      nodeRestriction.validate?.(admin, new FakeObjects());
    });
  }
});

describe('ServiceAccount', () => {
  const newPlugin = (clock = new FakeClock()) => new ServiceAccountPlugin(clock, () => 'abcde');
  const withAccount = (fields: object = {}): FakeObjects => {
    const objects = new FakeObjects();
    objects.add(serviceaccounts, {
      metadata: { name: 'default', namespace: 'default' },
      ...fields,
    });
    return objects;
  };

  it('gives a pod the default account and its token', async () => {
    const object = pod({
      containers: [{ name: 'c' }],
      initContainers: [{ name: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    });
    await newPlugin().mutate(attributes(pods, { object }), withAccount());
    const mount = {
      name: 'kube-api-access-abcde',
      readOnly: true,
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    };
    assert.equal(object.spec?.serviceAccountName, 'default');
    assert.deepEqual(object.spec?.containers, [{ name: 'c', volumeMounts: [mount] }]);
    assert.deepEqual(object.spec?.initContainers, [
      { name: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }, mount] },
    ]);
    const [volume] = (object.spec?.volumes ?? []) as { name: string; projected: object }[];
    assert.equal(volume?.name, 'kube-api-access-abcde');
    assert.deepEqual(volume?.projected, {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [
              {
                path: 'namespace',
                fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
              },
            ],
          },
        },
      ],
    });
  });

  it('mounts no token when the pod or the account does not want one', async () => {
    for (const [spec, account] of [
      [{ automountServiceAccountToken: false }, {}],
      [{}, { automountServiceAccountToken: false }],
    ]) {
      const object = pod({ containers: [{ name: 'c' }], ...spec });
      await newPlugin().mutate(attributes(pods, { object }), withAccount(account));
      assert.equal(object.spec?.volumes, undefined);
    }
  });

  it('refuses an account that is not there', async () => {
    const object = pod(
      { serviceAccountName: 'robot', containers: [] },
      { name: '', generateName: 'p-' },
    );
    const error = await refusalOf(newPlugin(), attributes(pods, { object }), withAccount());
    assert.equal(
      error.message,
      'pods "p-" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    );
  });
});

describe('ServiceAllocation', () => {
  const service = (spec: Record<string, unknown>): ApiObject =>
    apiObject(services, { metadata: { name: 's', namespace: 'default' }, spec });
  const newPlugin = (cidr = '10.96.0.0/24') =>
    new ServiceAllocation(cidr, new FakeClock(), () => 0);

  it('gives out addresses of the upper band first, each once', () => {
    const plugin = newPlugin();
    const ips = Array.from({ length: 3 }, () => {
      const object = service({});
      plugin.mutate(attributes(services, { object }), new FakeObjects());
      assert.deepEqual(object.spec?.clusterIPs, [object.spec?.clusterIP]);
      return object.spec?.clusterIP;
    });
    assert.deepEqual(ips, ['10.96.0.17', '10.96.0.18', '10.96.0.19']);
  });

  it('gives out the whole range and then says that it is full', async () => {
    const plugin = newPlugin('10.96.0.0/29');
    const ips = new Set<unknown>();
    for (let count = 0; count < 6; count += 1) {
      const object = service({});
      plugin.mutate(attributes(services, { object }), new FakeObjects());
      ips.add(object.spec?.clusterIP);
    }
    assert.deepEqual(
      [...ips].sort(),
      [1, 2, 3, 4, 5, 6].map((last) => `10.96.0.${last}`),
    );
    const error = await refusalOf(
      plugin,
      attributes(services, { object: service({}) }),
      new FakeObjects(),
    );
    assert.match(error.message, /range is full/);
  });

  it('takes an address that is asked for, unless it is taken or out of the range', async () => {
    const plugin = newPlugin();
    const objects = new FakeObjects();
    objects.add(services, {
      metadata: { name: 'other', namespace: 'default' },
      spec: { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] },
    });
    const object = service({ clusterIP: '10.96.0.10' });
    plugin.mutate(attributes(services, { object }), objects);
    assert.equal(object.spec?.clusterIP, '10.96.0.10');
    const messageOf = async (clusterIP: string) =>
      (await refusalOf(plugin, attributes(services, { object: service({ clusterIP }) }), objects))
        .message;
    assert.equal(
      await messageOf('10.96.0.9'),
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated',
    );
    assert.equal(
      await messageOf('1.2.3.4'),
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/24',
    );
  });

  it('leaves headless services and other names alone', () => {
    for (const spec of [{ clusterIP: 'None' }, { type: 'ExternalName', externalName: 'a.b' }]) {
      const object = service({ ...spec });
      newPlugin().mutate(attributes(services, { object }), new FakeObjects());
      assert.equal(object.spec?.clusterIP, 'clusterIP' in spec ? 'None' : undefined);
    }
  });

  it('gives nothing new to an update that leaves out what the service has', () => {
    const before = service({
      type: 'NodePort',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ports: [{ port: 1, nodePort: 30005 }],
    });
    const object = service({ type: 'NodePort', ports: [{ port: 1 }] });
    const update = { operation: 'UPDATE', object, oldObject: before } as const;
    newPlugin().mutate(attributes(services, update), new FakeObjects());
    assert.equal(object.spec?.clusterIP, '10.96.0.9');
    assert.deepEqual(object.spec?.ports, [{ port: 1, nodePort: 30005 }]);
  });

  it('gives out node ports, each once', async () => {
    const plugin = newPlugin();
    const object = service({ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] });
    plugin.mutate(attributes(services, { object }), new FakeObjects());
    assert.deepEqual(
      ((object.spec?.ports ?? []) as { nodePort: number }[]).map(({ nodePort }) => nodePort),
      [30000, 30001],
    );
    const taken = service({ type: 'NodePort', ports: [{ port: 1, nodePort: 30000 }] });
    const error = await refusalOf(
      plugin,
      attributes(services, { object: taken }),
      new FakeObjects(),
    );
    assert.match(error.message, /30000: provided port is already allocated/);
  });
});
