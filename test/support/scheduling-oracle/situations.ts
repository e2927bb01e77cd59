/** Random clusters and pods that meet every plugin: few values, so that things coincide often. */

import fc from 'fast-check';
import type { Affinity, Node, Pod } from '../../../proto/api/gen/core-v1.ts';
import { newNode, newPod } from '../scheduling-objects.ts';
import type { World } from './pod-affinity.ts';

export interface Situation {
  readonly world: World;
  readonly pod: Pod;
  readonly startIndex: number;
}

const NAMESPACES = { default: { team: 'x' }, other: { team: 'y' } };
/** Present this often in ten. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, inTen = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: inTen, arbitrary }, { weight: 10 - inTen, arbitrary: fc.constant(undefined) });
/** Without the keys whose value is undefined. */
const present = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

const taint = fc.record({
  key: fc.constantFrom('gpu', 'old'),
  value: fc.constantFrom('a', 'b'),
  effect: fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule', 'PreferNoSchedule'),
} as const);
const toleration = fc
  .record({
    key: fc.constantFrom('gpu', 'old'),
    operator: fc.constantFrom('Exists', 'Equal'),
    value: fc.constantFrom('a', 'b'),
    effect: maybe(fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule')),
  } as const)
  .map(({ value, ...rest }) => present(rest.operator === 'Exists' ? rest : { ...rest, value }));

const image = fc.constantFrom('a', 'reg/b', 'c:1');
const node = fc.record({
  cpu: fc.constantFrom('1', '2', '4', '0'),
  memory: fc.constantFrom('1Gi', '2Gi', '8Gi'),
  pods: fc.constantFrom('1', '3', '10'),
  gpu: maybe(fc.constantFrom('1', '2')),
  zone: maybe(fc.constantFrom('a', 'b', 'c'), 8),
  disk: maybe(fc.constantFrom('ssd', 'hdd')),
  size: maybe(fc.constantFrom('1', '5', '9')),
  taints: fc.array(taint, { maxLength: 2 }),
  isCordoned: fc.nat(9).map((number) => number === 0),
  images: fc.uniqueArray(
    fc.tuple(fc.constantFrom('a:latest', 'reg/b:latest', 'c:1'), fc.constantFrom(50, 900, 3000)),
    { maxLength: 2, selector: ([name]) => name },
  ),
});

function nodeOf(made: typeof node extends fc.Arbitrary<infer T> ? T : never, index: number): Node {
  const { cpu, memory, pods, gpu, zone, disk, size, taints, isCordoned, images } = made;
  const labels = present({ 'topology.kubernetes.io/zone': zone, disk, size });
  return newNode(`n${index}`, present({ cpu, memory, pods, 'example.com/gpu': gpu }) as never, {
    labels: labels as Record<string, string>,
    spec: { taints, ...(isCordoned ? { unschedulable: true } : {}) },
    status: {
      allocatable: present({ cpu, memory, pods, 'example.com/gpu': gpu }) as never,
      images: images.map(([name, mib]) => ({ names: [name], sizeBytes: mib * 1024 * 1024 })),
    },
  });
}

const labels = fc
  .record({ app: maybe(fc.constantFrom('web', 'db')), track: maybe(fc.constantFrom('1', '2')) })
  .map((made) => present(made) as Record<string, string>);
const selector = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('web', 'db').map((app) => ({ matchLabels: { app } })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist').map((operator) => ({
      matchExpressions: [
        { key: 'app', operator, ...(operator.endsWith('In') ? { values: ['web'] } : {}) },
      ],
    })),
  },
  { weight: 1, arbitrary: fc.constant({}) },
) as fc.Arbitrary<object>;
const topologyKey = fc.constantFrom(
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'disk',
);
const podTerm = fc
  .record({
    topologyKey,
    labelSelector: selector,
    namespaces: maybe(fc.constantFrom(['other'], ['default', 'other'])),
    namespaceSelector: maybe(fc.constantFrom({}, { matchLabels: { team: 'y' } })),
  })
  .map((made) => present(made));
const nodeTerm = fc
  .record({
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
    value: fc.constantFrom('ssd', 'hdd'),
  })
  .map(({ operator, value }) => {
    const key = operator === 'Gt' || operator === 'Lt' ? 'size' : 'disk';
    const values = operator.endsWith('In') ? [value] : key === 'size' ? ['4'] : undefined;
    return { matchExpressions: [present({ key, operator, values })] };
  });
const weight = fc.constantFrom(1, 10, 100);
const affinity = fc
  .record({
    required: maybe(fc.array(nodeTerm, { minLength: 1, maxLength: 2 }), 2),
    preferred: maybe(fc.array(fc.record({ weight, preference: nodeTerm }), { maxLength: 2 })),
    near: maybe(fc.array(podTerm, { maxLength: 2 }), 3),
    away: maybe(fc.array(podTerm, { maxLength: 2 }), 3),
    ratherNear: maybe(fc.array(fc.record({ weight, podAffinityTerm: podTerm }), { maxLength: 2 })),
    ratherAway: maybe(fc.array(fc.record({ weight, podAffinityTerm: podTerm }), { maxLength: 2 })),
  })
  .map(({ required, preferred, near, away, ratherNear, ratherAway }) => {
    const terms = (hard: unknown, soft: unknown): object =>
      present({
        requiredDuringSchedulingIgnoredDuringExecution: hard,
        preferredDuringSchedulingIgnoredDuringExecution: soft,
      });
    return {
      nodeAffinity: terms(required && { nodeSelectorTerms: required }, preferred),
      podAffinity: terms(near, ratherNear),
      podAntiAffinity: terms(away, ratherAway),
    } as Affinity;
  });
const constraint = fc
  .record({
    topologyKey,
    maxSkew: fc.constantFrom(1, 2),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: selector,
    minDomains: maybe(fc.constantFrom(2, 4), 2),
    nodeAffinityPolicy: maybe(fc.constantFrom('Honor', 'Ignore')),
    nodeTaintsPolicy: maybe(fc.constantFrom('Honor', 'Ignore')),
    matchLabelKeys: maybe(fc.constant(['track'])),
  })
  .map(({ minDomains, ...rest }) =>
    present(rest.whenUnsatisfiable === 'DoNotSchedule' ? { ...rest, minDomains } : rest),
  );
const container = fc
  .record({
    image,
    cpu: maybe(fc.constantFrom('0', '100m', '500m', '1')),
    memory: maybe(fc.constantFrom('100Mi', '1Gi')),
    gpu: maybe(fc.constantFrom('1'), 1),
    port: maybe(fc.constantFrom(80, 81), 2),
    hostIP: maybe(fc.constantFrom('10.0.0.1', '10.0.0.2')),
    protocol: maybe(fc.constantFrom('UDP', 'TCP')),
  })
  .map(({ image: name, cpu, memory, gpu, port, hostIP, protocol }) => ({
    name: 'c',
    image: name,
    resources: { requests: present({ cpu, memory, 'example.com/gpu': gpu }) },
    ...(port === undefined
      ? {}
      : { ports: [present({ containerPort: port, hostPort: port, hostIP, protocol })] }),
  }));
const init = fc
  .tuple(container, fc.boolean())
  .map(([{ ports: _none, ...rest }, isSidecar]) =>
    isSidecar ? { ...rest, restartPolicy: 'Always' } : rest,
  );
const podBody = fc.record({
  namespace: fc.constantFrom('default', 'default', 'other'),
  labels,
  containers: fc.array(container, { minLength: 1, maxLength: 2 }),
  initContainers: fc.array(init, { maxLength: 2 }),
  overhead: maybe(fc.constant({ cpu: '50m' }), 1),
  tolerations: fc.array(toleration, { maxLength: 2 }),
  nodeSelector: maybe(fc.constantFrom({ disk: 'ssd' }, { disk: 'hdd' }), 1),
  affinity: maybe(affinity, 4),
  topologySpreadConstraints: fc.uniqueArray(constraint, {
    maxLength: 2,
    selector: ({ topologyKey: key, whenUnsatisfiable: action }) => `${key} ${action}`,
  }),
  isGoing: fc.constantFrom(false, false, false, true),
});

function podOf(
  name: string,
  made: typeof podBody extends fc.Arbitrary<infer T> ? T : never,
  nodeName?: string,
): Pod {
  const { namespace, labels: own, isGoing, topologySpreadConstraints: constraints, ...spec } = made;
  const deletionTimestamp = isGoing && nodeName !== undefined ? '2026-01-01T00:00:00Z' : undefined;
  const topologySpreadConstraints = constraints.length === 0 ? undefined : constraints;
  return newPod(
    name,
    present({ ...spec, topologySpreadConstraints, nodeName }) as never,
    present({ namespace, labels: own, deletionTimestamp }) as never,
  );
}

export const situations: fc.Arbitrary<Situation> = fc
  .record({
    nodes: fc.array(node, { minLength: 1, maxLength: 8 }),
    pods: fc.array(fc.tuple(podBody, fc.nat(7)), { maxLength: 10 }),
    pod: podBody,
    startIndex: fc.nat(7),
  })
  .map(({ nodes: made, pods, pod, startIndex }) => {
    const nodes = made.map(nodeOf);
    const placed = pods.map(([body, at], index) =>
      podOf(`p${index}`, body, `n${at % nodes.length}`),
    );
    return {
      world: { nodes, pods: placed, namespaces: NAMESPACES },
      pod: podOf('incoming', pod),
      startIndex: startIndex % nodes.length,
    };
  });
