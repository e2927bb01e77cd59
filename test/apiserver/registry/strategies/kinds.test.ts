/** Defaults, problems and cells of the kinds that are small, as tables. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { strategies } from '../../../../apiserver/registry/strategies/catalog.ts';
import { configMapStrategy } from '../../../../apiserver/registry/strategies/configmaps.ts';
import { deploymentStrategy } from '../../../../apiserver/registry/strategies/deployments.ts';
import { endpointsStrategy } from '../../../../apiserver/registry/strategies/endpoints.ts';
import { endpointSliceStrategy } from '../../../../apiserver/registry/strategies/endpointslices.ts';
import { eventStrategy } from '../../../../apiserver/registry/strategies/events.ts';
import { leaseStrategy } from '../../../../apiserver/registry/strategies/leases.ts';
import { namespaceStrategy } from '../../../../apiserver/registry/strategies/namespaces.ts';
import { nodeStrategy } from '../../../../apiserver/registry/strategies/nodes.ts';
import { podDisruptionBudgetStrategy } from '../../../../apiserver/registry/strategies/poddisruptionbudgets.ts';
import { podGroupStrategy } from '../../../../apiserver/registry/strategies/podgroups.ts';
import { priorityClassStrategy } from '../../../../apiserver/registry/strategies/priorityclasses.ts';
import {
  clusterRoleBindingStrategy,
  roleStrategy,
} from '../../../../apiserver/registry/strategies/rbac.ts';
import { replicaSetStrategy } from '../../../../apiserver/registry/strategies/replicasets.ts';
import { secretStrategy } from '../../../../apiserver/registry/strategies/secrets.ts';
import { serviceStrategy } from '../../../../apiserver/registry/strategies/services/strategy.ts';
import type { Strategy } from '../../../../apiserver/registry/strategy.ts';
import { created, createProblems, type Draft, updated, updateProblems } from './strategy-cases.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:1' }] } };
const workload = { selector: { matchLabels: labels }, template };
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('defaults', () => {
  it('gives a namespace its label, finalizer and phase', () => {
    const object = created(namespaceStrategy, {});
    assert.deepEqual(object.metadata.labels, { 'kubernetes.io/metadata.name': 'x' });
    assert.deepEqual(object.spec, { finalizers: ['kubernetes'] });
    assert.deepEqual(object.status, { phase: 'Active' });
    assert.deepEqual(namespaceStrategy.otherFinalizers?.(object), ['kubernetes']);
    namespaceStrategy.prepareForDeletion?.(object);
    assert.deepEqual(object.status, { phase: 'Terminating' });
  });

  it('keeps the finalizers of a namespace on updates', () => {
    const object = updated(namespaceStrategy, {}, { spec: { finalizers: [] } });
    assert.deepEqual(object.spec, { finalizers: ['kubernetes'] });
  });

  it('moves stringData of a secret into data', () => {
    const object = created(secretStrategy, {
      data: { a: base64('1'), b: base64('2') },
      stringData: { b: '3' },
    });
    assert.deepEqual(object.data, { a: base64('1'), b: base64('3') });
    assert.equal(object.stringData, undefined);
    assert.equal(object.type, 'Opaque');
  });

  it('fills in a deployment, and its template but not as a pod', () => {
    const object = created(deploymentStrategy, { spec: structuredClone(workload) });
    const { template: own, ...spec } = object.spec as { template: { spec: object } };
    assert.deepEqual(spec, {
      selector: { matchLabels: labels },
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
      },
    });
    assert.ok('restartPolicy' in own.spec && !('enableServiceLinks' in own.spec));
  });

  it('fills in a service', () => {
    const object = created(serviceStrategy, { spec: { ports: [{ port: 80 }], clusterIP: 'None' } });
    assert.deepEqual(object.spec, {
      clusterIP: 'None',
      clusterIPs: ['None'],
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    });
  });

  it('keeps what a service was given', () => {
    const before = {
      spec: { type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30001 }] },
    };
    const object = updated(serviceStrategy, before, {
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    assert.equal(object.spec?.clusterIP, '10.96.0.9');
    assert.deepEqual(object.spec?.ports, [
      { port: 80, nodePort: 30001, protocol: 'TCP', targetPort: 80 },
    ]);
  });
});

const problems: readonly (readonly [string, Strategy, Draft, readonly string[]])[] = [
  ['a right deployment', deploymentStrategy, { spec: workload }, []],
  [
    'an empty deployment',
    deploymentStrategy,
    {},
    ['spec.selector: Required value', 'spec.template: Required value'],
  ],
  [
    'a selector that does not match',
    deploymentStrategy,
    { spec: { ...workload, selector: { matchLabels: { app: 'db' } } } },
    [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'an empty selector',
    replicaSetStrategy,
    { spec: { ...workload, selector: {} } },
    ['spec.selector: Invalid value: {}: empty selector is invalid for replicaset'],
  ],
  [
    'a strategy that can not go on',
    deploymentStrategy,
    {
      spec: {
        ...workload,
        replicas: -1,
        minReadySeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } },
      },
    },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
      'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
    ],
  ],
  [
    'a rolling update of a strategy that is none',
    deploymentStrategy,
    { spec: { ...workload, strategy: { type: 'Recreate', rollingUpdate: {} } } },
    [
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
  ],
  [
    'a template that ends',
    replicaSetStrategy,
    {
      spec: {
        ...workload,
        template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
      },
    },
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  [
    'a config map',
    configMapStrategy,
    { data: { 'a b': '', c: '' }, binaryData: { c: '' } },
    [
      `data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      'data[c]: Invalid value: "c": duplicate of key present in binaryData',
    ],
  ],
  [
    'too large a config map',
    configMapStrategy,
    { data: { a: 'x'.repeat(1024 * 1024 + 1) } },
    [': Too long: may not be more than 1048576 bytes'],
  ],
  [
    'secrets of known types',
    secretStrategy,
    { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
    ['data[tls.key]: Required value'],
  ],
  [
    'a docker config that is no JSON',
    secretStrategy,
    {
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64('{') },
    },
    ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": not valid JSON'],
  ],
  ['a service without ports', serviceStrategy, { spec: {} }, ['spec.ports: Required value']],
  ['a headless service without ports', serviceStrategy, { spec: { clusterIP: 'None' } }, []],
  [
    'ports of a service',
    serviceStrategy,
    {
      spec: {
        ports: [{ port: 0 }, { port: 80, name: 'a', nodePort: 30000 }, { port: 80, name: 'a' }],
      },
    },
    [
      'spec.ports[0].name: Required value',
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
      'spec.ports[2].name: Duplicate value: "a"',
      'spec.ports[2]: Duplicate value: {"protocol":"TCP","port":80}',
    ],
  ],
  [
    'a service by another name',
    serviceStrategy,
    { spec: { type: 'ExternalName', clusterIP: '1.2.3.4' } },
    [
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
      'spec.externalName: Required value',
    ],
  ],
  [
    'taints of a node',
    nodeStrategy,
    {
      spec: {
        taints: [
          { key: 'a', effect: 'NoExecute' },
          { key: 'a', value: 'b', effect: 'NoExecute' },
          { key: 'c' },
        ],
      },
    },
    [
      'spec.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoExecute"}',
      'spec.taints[2].effect: Required value',
    ],
  ],
  [
    'endpoints',
    endpointsStrategy,
    { subsets: [{}, { addresses: [{ ip: '127.0.0.1' }, { ip: 'x' }], ports: [{ port: 1 }] }] },
    [
      'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
      'subsets[1].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[1].addresses[1].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    'an endpoint slice',
    endpointSliceStrategy,
    { addressType: 'IPv4', endpoints: [{ addresses: [] }, { addresses: ['::1'] }] },
    [
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      'endpoints[1].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
    ],
  ],
  [
    'a lease',
    leaseStrategy,
    { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    [
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
  ],
  [
    'an event in another namespace than its object',
    eventStrategy,
    { involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  ['an event about a node', eventStrategy, { involvedObject: { kind: 'Node', name: 'n' } }, []],
  [
    'a budget of both sorts',
    podDisruptionBudgetStrategy,
    { spec: { minAvailable: 1, maxUnavailable: 'x' } },
    [
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":"x"}: minAvailable and maxUnavailable cannot be both set',
      `spec.maxUnavailable: Invalid value: "x": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
    ],
  ],
  [
    'a priority class of the system',
    priorityClassStrategy,
    { metadata: { name: 'system-mine' }, value: 1 },
    [
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
    ],
  ],
  [
    'too high a priority',
    priorityClassStrategy,
    { value: 1_000_000_001 },
    ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
  ],
  [
    'a role',
    roleStrategy,
    { rules: [{ verbs: [], resources: ['pods'] }] },
    [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    ],
  ],
  [
    'a role binding',
    clusterRoleBindingStrategy,
    { roleRef: { kind: 'Nope', name: 'a' }, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
    [
      'roleRef.kind: Unsupported value: "Nope": supported values: "ClusterRole", "Role"',
      'subjects[0].namespace: Required value',
    ],
  ],
  [
    'a pod group without a policy',
    podGroupStrategy,
    { spec: { schedulingPolicy: {} } },
    ['spec.schedulingPolicy: Required value: must specify one of: `basic`, `gang`'],
  ],
  [
    'a gang of nobody, with what is behind gates',
    podGroupStrategy,
    {
      spec: {
        schedulingPolicy: { gang: { minCount: -1 } },
        priority: 1,
        disruptionMode: 'PodGroup',
      },
    },
    [
      'spec.schedulingPolicy.gang.minCount: Invalid value: -1: must be greater than or equal to 1',
      'spec.priority: Forbidden: is not supported',
      'spec.disruptionMode: Forbidden: only Pod is supported',
    ],
  ],
];

describe('problems', () => {
  for (const [name, strategy, draft, expected] of problems) {
    it(`of ${name}`, () => assert.deepEqual(createProblems(strategy, draft), expected));
  }
});

const updates: readonly (readonly [string, Strategy, Draft, Draft, readonly string[]])[] = [
  [
    'another selector',
    deploymentStrategy,
    { spec: workload },
    { spec: { ...workload, selector: { matchLabels: { app: 'db' } } } },
    ['spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable'],
  ],
  [
    'an immutable config map',
    configMapStrategy,
    { immutable: true, data: { a: '1' } },
    { data: { a: '2' } },
    [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  ],
  [
    'another type of a secret',
    secretStrategy,
    {},
    { type: 'example.com/x' },
    ['type: Invalid value: "example.com/x": field is immutable'],
  ],
  [
    'other addresses of the pods of a node',
    nodeStrategy,
    { spec: { podCIDRs: ['10.1.0.0/24'] } },
    { spec: { podCIDRs: ['10.2.0.0/24'] } },
    ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
  ],
  [
    'another address of a service',
    serviceStrategy,
    { spec: { clusterIP: '10.96.0.9' } },
    { spec: { clusterIP: '10.96.0.10' } },
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set'],
  ],
  [
    'another size of a gang',
    podGroupStrategy,
    { spec: { schedulingPolicy: { gang: { minCount: 3 } } } },
    { spec: { schedulingPolicy: { gang: { minCount: 4 } } } },
    ['spec.schedulingPolicy: Invalid value: {"gang":{"minCount":4}}: field is immutable'],
  ],
];

describe('problems of updates', () => {
  for (const [name, strategy, before, after, expected] of updates) {
    it(`to ${name}`, () => assert.deepEqual(updateProblems(strategy, before, after), expected));
  }
});

const node = {
  metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'a' } },
  spec: { unschedulable: true },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    nodeInfo: { kubeletVersion: 'v1', osImage: 'Linux' },
  },
};
const cells: readonly (readonly [string, Strategy, Draft, readonly unknown[]])[] = [
  [
    'a node',
    nodeStrategy,
    node,
    [
      'x',
      'Ready,SchedulingDisabled',
      'a,worker',
      '60m',
      'v1',
      '10.0.0.1',
      '<none>',
      'Linux',
      '<unknown>',
      '<unknown>',
    ],
  ],
  [
    'a node that says nothing',
    nodeStrategy,
    {},
    [
      'x',
      'Unknown',
      '<none>',
      '60m',
      '',
      '<none>',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ],
  ],
  [
    'a gang',
    podGroupStrategy,
    { spec: { schedulingPolicy: { gang: { minCount: 3 } } } },
    ['x', 'Gang', '<none>', 'Pending', '60m'],
  ],
  [
    'a deployment',
    deploymentStrategy,
    { spec: { ...workload, replicas: 3 }, status: { readyReplicas: 2, updatedReplicas: 3 } },
    ['x', '0/3', 0, 0, '60m', 'c', 'web:1', 'app=web'],
  ],
  [
    'a replica set',
    replicaSetStrategy,
    {
      spec: {
        ...workload,
        selector: {
          matchLabels: labels,
          matchExpressions: [{ key: 'a', operator: 'In', values: ['z', 'b'] }],
        },
      },
    },
    ['x', 1, 0, 0, '60m', 'c', 'web:1', 'a in (b,z),app=web'],
  ],
  [
    'a service with node ports',
    serviceStrategy,
    {
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.9',
        ports: [
          { port: 80, nodePort: 30080 },
          { port: 53, protocol: 'UDP' },
        ],
        selector: labels,
      },
    },
    ['x', 'NodePort', '10.96.0.9', '<none>', '80:30080/TCP,53/UDP', '60m', 'app=web'],
  ],
  [
    'a service that waits for its balancer',
    serviceStrategy,
    { spec: { type: 'LoadBalancer', ports: [] } },
    ['x', 'LoadBalancer', '<none>', '<pending>', '<none>', '60m', '<none>'],
  ],
  [
    'endpoints',
    endpointsStrategy,
    {
      subsets: [
        {
          addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((ip) => ({ ip })),
          ports: [{ port: 80 }],
        },
      ],
    },
    ['x', '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...', '60m'],
  ],
  ['a config map', configMapStrategy, { data: { a: '' }, binaryData: { b: '' } }, ['x', 2, '60m']],
  ['a secret', secretStrategy, { stringData: { a: '' } }, ['x', 'Opaque', 1, '60m']],
  ['a lease', leaseStrategy, { spec: { holderIdentity: 'me' } }, ['x', 'me', '60m']],
  [
    'an event',
    eventStrategy,
    {
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
      type: 'Warning',
      reason: 'BackOff',
      message: 'Back-off\n',
      source: { component: 'kubelet', host: 'n' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:59:00Z',
      count: 4,
    },
    ['60s', 'Warning', 'BackOff', 'pod/p', '', 'kubelet, n', 'Back-off', '60m', 4, 'x'],
  ],
  [
    'an event of a series',
    eventStrategy,
    {
      eventTime: '2026-01-01T00:00:00.000000Z',
      series: { count: 9, lastObservedTime: '2026-01-01T00:58:00.000000Z' },
      reportingComponent: 'default-scheduler',
    },
    ['2m', '', '', '', '', 'default-scheduler', '', '60m', 9, 'x'],
  ],
  [
    'a cluster role binding',
    clusterRoleBindingStrategy,
    {
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', namespace: 'a', name: 'b' },
      ],
    },
    ['x', 'ClusterRole/view', '60m', 'u', '', 'a/b'],
  ],
];

describe('cells', () => {
  for (const [name, strategy, draft, expected] of cells) {
    it(`of ${name}`, () => {
      assert.deepEqual(strategy.cells?.(created(strategy, draft), nowMs), expected);
      assert.equal(expected.length, strategy.columns?.length);
    });
  }
});

describe('every kind', () => {
  for (const strategy of strategies) {
    const { plural } = strategy.resource;
    it(`${plural}: takes an object without spec and status, with as many cells as columns`, () => {
      const object = created(strategy, {});
      strategy.validate?.(object);
      strategy.warnings?.(object);
      strategy.selectableFields?.(object);
      assert.equal(strategy.cells?.(object, nowMs).length, strategy.columns?.length);
    });
  }
});
