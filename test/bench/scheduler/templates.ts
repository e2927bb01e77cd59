/**
 * The nodes and pods of upstream's scheduler_perf, field by field, with what an API server fills in.
 *
 * Source: kubernetes test/integration/scheduler_perf/templates, v1.36.
 */

import type { Node, Pod, PodSpec, Service } from '../../../proto/api/gen/core-v1.ts';
import type { ObjectMeta } from '../../../proto/api/gen/meta-v1.ts';

/** What of a pod differs between workloads. */
export interface PodTemplate {
  readonly generateName: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';
/** The namespaces that the terms of affinity templates name. */
const NAMESPACES = ['sched-1', 'sched-0'];

const pause = (requests: Readonly<Record<string, string>>): PodSpec['containers'][number] => ({
  name: 'pause',
  image: 'registry.k8s.io/pause:3.10.1',
  ports: [{ containerPort: 80 }],
  resources: { requests, limits: requests },
});
const common = [pause({ cpu: '100m', memory: '500Mi' })];
const bare = [{ name: 'pause', image: 'registry.k8s.io/pause:3.10' }];
const term = (color: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { color } },
  topologyKey,
  namespaces: NAMESPACES,
});
const spreading = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): PodTemplate => ({
  generateName: 'spreading-pod-',
  labels: { color: 'blue' },
  spec: {
    topologySpreadConstraints: [
      {
        maxSkew: 5,
        topologyKey: ZONE,
        whenUnsatisfiable,
        labelSelector: { matchLabels: { color: 'blue' } },
      },
    ],
    containers: common,
  },
});

export const POD_TEMPLATES = {
  default: { generateName: 'pod-', spec: { containers: common } },
  lowPriority: {
    generateName: 'pod-',
    spec: { containers: [pause({ cpu: '900m', memory: '500Mi' })] },
  },
  highPriority: {
    generateName: 'pod-h-',
    spec: { priority: 10, containers: [pause({ cpu: '3000m', memory: '500Mi' })] },
  },
  highPriorityLargeCpu: {
    generateName: 'pod-h-',
    spec: { priority: 10, containers: [pause({ cpu: '9', memory: '500Mi' })] },
  },
  light: { generateName: 'light-pod-', spec: { containers: bare } },
  gated: {
    generateName: 'gated-pod-',
    spec: { schedulingGates: [{ name: 'test.k8s.io/hold' }], containers: bare },
  },
  labelled: {
    generateName: 'pod-',
    labels: { app: 'scheduler-perf' },
    spec: { containers: bare },
  },
  daemonset: {
    generateName: 'daemonset-',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchFields: [
                  { key: 'metadata.name', operator: 'In', values: ['scheduler-perf-node'] },
                ],
              },
            ],
          },
        },
      },
      containers: bare,
    },
  },
  nodeAffinity: {
    generateName: 'node-affinity-',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: ZONE, operator: 'In', values: ['zone1', 'zone2'] }] },
            ],
          },
        },
      },
      containers: common,
    },
  },
  spreading: spreading('DoNotSchedule'),
  preferredSpreading: spreading('ScheduleAnyway'),
  podAffinity: {
    generateName: 'affinity-pod-',
    labels: { color: 'blue' },
    spec: {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('blue', ZONE)] },
      },
      containers: common,
    },
  },
  podAntiAffinity: {
    generateName: 'anti-affinity-pod-',
    labels: { color: 'green' },
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [term('green', HOSTNAME)],
        },
      },
      containers: common,
    },
  },
  preferredPodAffinity: {
    generateName: 'preferred-affinity-pod-',
    labels: { color: 'red' },
    spec: {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: term('red', HOSTNAME) },
          ],
        },
      },
      containers: common,
    },
  },
  preferredPodAntiAffinity: {
    generateName: 'preferred-anti-affinity-pod-',
    labels: { color: 'yellow' },
    spec: {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: term('yellow', HOSTNAME) },
          ],
        },
      },
      containers: common,
    },
  },
  antiAffinityByNamespace: {
    generateName: 'anti-affinity-pod-',
    labels: { color: 'green' },
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              labelSelector: { matchLabels: { color: 'green' } },
              topologyKey: HOSTNAME,
              namespaceSelector: { matchLabels: { team: 'devops' } },
            },
          ],
        },
      },
      containers: common,
    },
  },
} satisfies Record<string, PodTemplate>;

export type PodTemplateName = keyof typeof POD_TEMPLATES;

let serial = 0;

function metadataOf(name: string): ObjectMeta {
  serial += 1;
  const creationTimestamp = '2026-01-01T00:00:00Z';
  return { name, uid: `uid-${serial}`, resourceVersion: String(serial), creationTimestamp };
}

/** A pod as the API server hands it out: every one an object of its own, down to its containers. */
export function podFrom(template: PodTemplateName, namespace: string, index: number): Pod {
  const { generateName, labels, spec }: PodTemplate = POD_TEMPLATES[template];
  const more = labels === undefined ? {} : { labels: { ...labels } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadataOf(`${generateName}${index}`), namespace, ...more },
    spec: structuredClone(spec),
    status: { phase: 'Pending' },
  };
}

/** Zones are given in turn. A node of the cluster always has its host name as a label. */
export function nodeFrom(index: number, zones: readonly string[] = []): Node {
  const zone = zones[index % zones.length];
  const zoneLabel: Record<string, string> = zone === undefined ? {} : { [ZONE]: zone };
  return newNode(`scheduler-perf-${index}`, '110', zoneLabel);
}

/** The one node of workloads where all pods go to the same one. */
export function hugeNode(): Node {
  return newNode('scheduler-perf-node', '90000');
}

/** A node that comes and goes, with room for nothing. */
export function churnNode(index: number): Node {
  return newNode(`node-churn-${index}`, '0');
}

function newNode(name: string, pods: string, labels: Readonly<Record<string, string>> = {}): Node {
  const room: Record<string, string> = pods === '0' ? {} : { cpu: '4', memory: '32Gi' };
  const resources = { pods, ...room };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...metadataOf(name), labels: { [HOSTNAME]: name, ...labels } },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [{ type: 'Ready', status: 'True' }],
      phase: 'Running',
    },
  };
}

export function serviceFrom(namespace: string, app: string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadataOf(`service-${app}`), namespace },
    spec: { selector: { app }, ports: [{ protocol: 'TCP', port: 80 }] },
    status: {},
  };
}
