/**
 * The workloads of upstream's scheduler_perf by name and size, with the pods per second below which
 * upstream's own test fails: they sit slightly under the lowest that its machines have measured.
 *
 * Source: kubernetes test/integration/scheduler_perf/<area>/performance-config.yaml, v1.36.
 */

import type { PodTemplateName } from './templates.ts';

export interface PodGroup {
  readonly template: PodTemplateName;
  readonly count: number;
  /** Default `namespace-1`. With `namespaces`, its prefix. */
  readonly namespace?: string;
  /** The pods are dealt out to this many namespaces. */
  readonly namespaces?: number;
}

export interface Workload {
  readonly name: string;
  /** Pods per second; undefined: upstream sets none. */
  readonly upstream?: number;
  readonly nodes: number;
  readonly zones?: readonly string[];
  /** One more node, which takes 90,000 pods. */
  readonly hasHugeNode?: boolean;
  /** A Service with this `app` selects the measured pods. */
  readonly service?: string;
  /** On nodes before the measurement, spread as the scheduler does. */
  readonly init?: readonly PodGroup[];
  /** In the queue, held by a gate, all the time. */
  readonly gated?: number;
  readonly measured: PodGroup;
  /**
   * What happens beside, as often for each measured pod as it would at upstream's threshold: every
   * 200 ms at 600 pods/s is once in 120 pods.
   */
  readonly churn?: {
    readonly everyPods: number;
    /** `create`: one more pod of the template. `recreate`: it, a node and a service come and go. */
    readonly mode: 'create' | 'recreate' | 'delete';
    readonly template: PodTemplateName;
  };
}

const MOONS = ['moon-1', 'moon-2', 'moon-3'];
const pairs = (template: PodTemplateName, init: number, measured: number) => ({
  init: [{ template, count: init, namespace: 'sched-0' }],
  measured: { template, count: measured, namespace: 'sched-1' },
});

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'SchedulingBasic/5000Nodes_10000Pods',
    upstream: 680,
    nodes: 5000,
    init: [{ template: 'default', count: 1000 }],
    measured: { template: 'default', count: 10_000 },
  },
  {
    name: 'SchedulingBasic/5000Nodes_50000Pods',
    upstream: 810,
    nodes: 5000,
    init: [{ template: 'default', count: 5000 }],
    measured: { template: 'default', count: 50_000 },
  },
  {
    name: 'SchedulingDaemonset/15000Nodes',
    upstream: 1100,
    nodes: 15_000,
    hasHugeNode: true,
    measured: { template: 'daemonset', count: 30_000 },
  },
  {
    name: 'SchedulingNodeAffinity/5000Nodes_10000Pods',
    upstream: 220,
    nodes: 5000,
    zones: ['zone1'],
    init: [{ template: 'nodeAffinity', count: 5000 }],
    measured: { template: 'nodeAffinity', count: 10_000 },
  },
  {
    name: 'TopologySpreading/5000Nodes_5000Pods',
    upstream: 460,
    nodes: 5000,
    zones: MOONS,
    init: [{ template: 'default', count: 5000 }],
    measured: { template: 'spreading', count: 5000 },
  },
  {
    name: 'PreferredTopologySpreading/5000Nodes_5000Pods',
    upstream: 340,
    nodes: 5000,
    zones: MOONS,
    init: [{ template: 'default', count: 5000 }],
    measured: { template: 'preferredSpreading', count: 5000 },
  },
  {
    name: 'DefaultTopologySpreading/5000Nodes_50000Pods',
    upstream: 160,
    nodes: 5000,
    zones: MOONS,
    service: 'scheduler-perf',
    init: [{ template: 'default', count: 5000 }],
    measured: { template: 'labelled', count: 50_000, namespace: 'service-ns' },
  },
  {
    name: 'SchedulingPodAffinity/5000Nodes_5000Pods',
    upstream: 35,
    nodes: 5000,
    zones: ['zone1'],
    ...pairs('podAffinity', 5000, 5000),
  },
  {
    name: 'SchedulingPodAntiAffinity/5000Nodes_2000Pods',
    upstream: 60,
    nodes: 5000,
    ...pairs('podAntiAffinity', 1000, 2000),
  },
  {
    name: 'SchedulingPreferredPodAffinity/5000Nodes_5000Pods',
    upstream: 90,
    nodes: 5000,
    ...pairs('preferredPodAffinity', 5000, 5000),
  },
  {
    name: 'SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods',
    upstream: 90,
    nodes: 5000,
    ...pairs('preferredPodAntiAffinity', 5000, 5000),
  },
  {
    name: 'SchedulingRequiredPodAntiAffinityWithNSSelector/5000Nodes_2000Pods',
    upstream: 24,
    nodes: 6000,
    init: [
      { template: 'antiAffinityByNamespace', count: 4000, namespace: 'init-ns', namespaces: 100 },
    ],
    measured: { template: 'antiAffinityByNamespace', count: 2000, namespace: 'measure-ns' },
  },
  {
    name: 'MixedSchedulingBasePod/5000Nodes_5000Pods',
    upstream: 140,
    nodes: 5000,
    zones: ['zone1'],
    init: (
      [
        'default',
        'podAffinity',
        'podAntiAffinity',
        'preferredPodAffinity',
        'preferredPodAntiAffinity',
      ] as const
    ).map((template) => ({ template, count: 2000, namespace: 'sched-0' })),
    measured: { template: 'default', count: 5000 },
  },
  {
    name: 'PreemptionAsync/5000Nodes',
    upstream: 570,
    nodes: 5000,
    init: [{ template: 'lowPriority', count: 20_000 }],
    measured: { template: 'default', count: 5000 },
    churn: { everyPods: 114, mode: 'create', template: 'highPriority' },
  },
  {
    name: 'SchedulingWithMixedChurn/5000Nodes_10000Pods',
    upstream: 710,
    nodes: 5000,
    measured: { template: 'default', count: 10_000 },
    churn: { everyPods: 710, mode: 'recreate', template: 'highPriorityLargeCpu' },
  },
  {
    name: 'SchedulingWhileGated/1Node_10000GatedPods',
    upstream: 910,
    nodes: 0,
    hasHugeNode: true,
    init: [{ template: 'light', count: 20_000 }],
    gated: 10_000,
    measured: { template: 'light', count: 20_000 },
    churn: { everyPods: 18, mode: 'delete', template: 'light' },
  },
  {
    name: 'Unschedulable/5kNodes_100Init_10kPods',
    upstream: 590,
    nodes: 5000,
    init: [{ template: 'default', count: 100 }],
    measured: { template: 'default', count: 10_000 },
    churn: { everyPods: 120, mode: 'create', template: 'highPriorityLargeCpu' },
  },
  {
    name: 'Unschedulable/5kNodes_20kInit_10kPods',
    upstream: 600,
    nodes: 5000,
    init: [{ template: 'default', count: 20_000 }],
    measured: { template: 'default', count: 10_000 },
    churn: { everyPods: 120, mode: 'create', template: 'highPriorityLargeCpu' },
  },
];
