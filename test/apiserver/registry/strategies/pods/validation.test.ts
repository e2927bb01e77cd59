import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podStrategy } from '../../../../../apiserver/registry/strategies/pods/strategy.ts';
import { createProblems, updateProblems } from '../strategy-cases.ts';

const container = { name: 'c', image: 'web:1' };

/** A pod spec, and the problems that it has. */
type Case = readonly [name: string, spec: Record<string, unknown>, problems: readonly string[]];

/** The container `c` with these fields. */
function one(fields: Record<string, unknown>): Record<string, unknown> {
  return { containers: [{ ...container, ...fields }] };
}

const LABEL = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;

const cases: readonly Case[] = [
  ['a right pod', one({}), []],
  ['no containers', {}, ['spec.containers: Required value']],
  [
    'a container without name and image',
    { containers: [{}] },
    ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value'],
  ],
  [
    'a bad name',
    { containers: [{ ...container, name: 'C_' }] },
    [`spec.containers[0].name: Invalid value: "C_": ${LABEL}`],
  ],
  [
    'two containers of one name',
    { containers: [container, container] },
    ['spec.containers[1].name: Duplicate value: "c"'],
  ],
  [
    'an init container of the same name',
    { containers: [container], initContainers: [container] },
    ['spec.initContainers[0].name: Duplicate value: "c"'],
  ],
  [
    'an image with spaces',
    one({ image: ' web' }),
    [
      'spec.containers[0].image: Invalid value: " web": must not have leading or trailing whitespace',
    ],
  ],
  [
    'ports',
    one({
      ports: [
        { containerPort: 0 },
        { containerPort: 70000 },
        { containerPort: 1, name: 'a' },
        { containerPort: 2, name: 'a' },
      ],
    }),
    [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[3].name: Duplicate value: "a"',
    ],
  ],
  [
    'environment variables',
    one({
      env: [
        { value: 'x' },
        { name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } },
        { name: 'C', valueFrom: { secretKeyRef: { name: 's' } } },
      ],
    }),
    [
      'spec.containers[0].env[0].name: Required value',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[2].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope',
      'spec.containers[0].env[3].valueFrom.secretKeyRef.key: Required value',
    ],
  ],
  [
    'sources of environment variables',
    one({ envFrom: [{}, { configMapRef: {} }] }),
    [
      'spec.containers[0].envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      'spec.containers[0].envFrom[1].configMapRef.name: Required value',
    ],
  ],
  [
    'volumes and mounts',
    {
      containers: [
        {
          ...container,
          volumeMounts: [
            { name: 'a', mountPath: '/m' },
            { name: 'nope', mountPath: '/m' },
            { name: 'a', mountPath: '/n', subPath: '../x' },
          ],
        },
      ],
      volumes: [
        { name: 'a', emptyDir: {}, hostPath: { path: '/x' } },
        { name: 'a', configMap: { defaultMode: 512 } },
        { name: 'b', hostPath: { path: '/a/../b' } },
      ],
    },
    [
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[1].name: Duplicate value: "a"',
      'spec.volumes[1].configMap.name: Required value',
      'spec.volumes[1].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
      `spec.volumes[2].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
      'spec.containers[0].volumeMounts[1].name: Not found: "nope"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/m": must be unique',
      `spec.containers[0].volumeMounts[2].subPath: Invalid value: "../x": must not contain '..'`,
    ],
  ],
  [
    'a volume that nothing mounts yet',
    { ...one({}), volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] },
    ['spec.volumes[0].nfs: Forbidden: volumes of type nfs are not supported yet'],
  ],
  [
    'resources',
    one({
      resources: {
        limits: { cpu: '1', memory: '-1', gpu: '1' },
        requests: { cpu: '2', 'example.com/gpu': '1' },
      },
    }),
    [
      'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.containers[0].resources.limits: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.limits: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.containers[0].resources.requests: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.requests: Invalid value: "gpu": must be a standard resource for containers',
    ],
  ],
  [
    'probes and hooks',
    one({
      livenessProbe: { successThreshold: 2, exec: { command: ['x'] } },
      readinessProbe: { terminationGracePeriodSeconds: 1, tcpSocket: { port: 'Bad_' } },
      startupProbe: { httpGet: { port: 80 }, exec: { command: [] } },
      lifecycle: { preStop: {} },
    }),
    [
      'spec.containers[0].lifecycle.preStop: Required value: must specify a handler type',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe.tcpSocket.port: Invalid value: "Bad_": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes',
      'spec.containers[0].startupProbe.httpGet: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].startupProbe.exec.command: Required value',
    ],
  ],
  [
    'a probe of an init container',
    {
      containers: [container],
      initContainers: [
        { name: 'i', image: 'x', readinessProbe: { exec: { command: ['x'] } } },
        { name: 'j', image: 'x', restartPolicy: 'Never' },
      ],
    },
    [
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      'spec.initContainers[1].restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ],
  [
    'security contexts',
    one({ securityContext: { privileged: true, allowPrivilegeEscalation: false, runAsUser: -1 } }),
    [
      'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"runAsUser":-1}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  ],
  [
    'scheduling',
    {
      ...one({}),
      tolerations: [{ operator: 'Equal' }, { key: 'a', operator: 'Exists', tolerationSeconds: 1 }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] },
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, preference: {} }],
        },
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] },
      },
      topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone' }],
    },
    [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
      'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      `spec.tolerations[1].effect: Invalid value: "": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    ],
  ],
  [
    'durations and names',
    {
      ...one({}),
      terminationGracePeriodSeconds: -1,
      activeDeadlineSeconds: 0,
      hostname: 'A',
      dnsPolicy: 'None',
    },
    [
      'spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
      `spec.hostname: Invalid value: "A": ${LABEL}`,
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
    ],
  ],
  [
    'isolation that does not exist',
    { ...one({}), runtimeClassName: 'vm' },
    ['spec.runtimeClassName: Forbidden: not supported yet'],
  ],
  [
    "users of its own beside the node's namespaces",
    { ...one({}), hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true },
    [
      'spec.hostNetwork: Forbidden: when `hostUsers` is false',
      'spec.hostPID: Forbidden: when `hostUsers` is false',
      'spec.hostIPC: Forbidden: when `hostUsers` is false',
    ],
  ],
];

describe('validation of pods', () => {
  for (const [name, spec, problems] of cases) {
    it(`tells what is wrong with ${name}`, () => {
      assert.deepEqual(createProblems(podStrategy, { spec }), problems);
    });
  }
});

describe('updates of pods', () => {
  const spec = { ...one({}), tolerations: [{ key: 'a', operator: 'Exists' }] };
  const allowed: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>])[] =
    [
      ['the same', spec, spec],
      ['another image', spec, { ...spec, ...one({ image: 'web:2' }) }],
      ['a deadline', spec, { ...spec, activeDeadlineSeconds: 5 }],
      [
        'a shorter deadline',
        { ...spec, activeDeadlineSeconds: 5 },
        { ...spec, activeDeadlineSeconds: 4 },
      ],
      [
        'more tolerations',
        spec,
        { ...spec, tolerations: [...spec.tolerations, { key: 'b', operator: 'Exists' }] },
      ],
      ['no gate any more', { ...spec, schedulingGates: [{ name: 'g.io/x' }] }, spec],
    ];
  for (const [name, before, after] of allowed) {
    it(`takes ${name}`, () => {
      assert.deepEqual(updateProblems(podStrategy, { spec: before }, { spec: after }), []);
    });
  }

  const only =
    'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  const refused: readonly (readonly [string, Record<string, unknown>, string])[] = [
    [
      'a command',
      { ...spec, ...one({ command: ['x'] }) },
      `spec: Forbidden: ${only}\nchanged: spec.containers[0].command`,
    ],
    [
      'fewer tolerations',
      { ...spec, tolerations: [] },
      `spec: Forbidden: ${only}\nchanged: spec.tolerations`,
    ],
    [
      'one more container',
      { ...spec, containers: [container, { name: 'd', image: 'x' }] },
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
    [
      'a new gate',
      { ...spec, schedulingGates: [{ name: 'g.io/x' }] },
      "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'g.io/x'",
    ],
  ];
  for (const [name, after, problem] of refused) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(updateProblems(podStrategy, { spec }, { spec: after }), [problem]);
    });
  }
});

describe('the grace of a deletion', () => {
  const pod = (nodeName: string, phase: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { nodeName, terminationGracePeriodSeconds: 30 },
    status: { phase },
  });
  for (const [name, object, requested, grace] of [
    ['a running pod', pod('n', 'Running'), undefined, 30],
    ['a running pod, asked for 5', pod('n', 'Running'), 5, 5],
    ['a running pod, asked for less than nothing', pod('n', 'Running'), -1, 1],
    ['a pod without a node', pod('', 'Pending'), 30, 0],
    ['a pod that has ended', pod('n', 'Succeeded'), 30, 0],
  ] as const) {
    it(`is ${grace} s for ${name}`, () => {
      assert.equal(podStrategy.deletionGraceSeconds?.(object, requested), grace);
    });
  }
});
