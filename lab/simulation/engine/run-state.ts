/** All that one run keeps: the scheduling core, the meters, and what is written down. */

import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { Framework } from '../../../scheduler/framework/framework.ts';
import { newFragmentation } from '../../../scheduler/gpu/fragmentation.ts';
import { GpuDevices } from '../../../scheduler/gpu/gpu-devices.ts';
import { GPU_RESOURCE } from '../../../scheduler/gpu/gpu-request.ts';
import { gpuDevicesOf } from '../../../scheduler/gpu/gpu-share.ts';
import type { Decision } from '../../../scheduler/schedule-one.ts';
import type { TieBreak } from '../../../scheduler/select-node.ts';
import { ClusterMeter, type GpuFragmentation } from './cluster-meter.ts';
import { DecisionRecorder } from './decision-recorder.ts';
import { OutcomeRecorder } from './pod-outcomes.ts';
import { ScenarioPods } from './pods-of.ts';
import type { Scenario } from './scenario.ts';
import { type DecisionObserver, SchedulingCore } from './scheduling-core.ts';
import { ShareRecorder } from './share-recorder.ts';

/** How a policy decides in one run. */
export interface PolicyRunner {
  readonly framework: Framework;
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly tieBreak: TieBreak;
}

/** What became of pods that start together or not at all: the node of each pod, by index. */
export type Placement =
  | { readonly kind: 'placed'; readonly nodes: readonly (readonly [number, number])[] }
  | {
      readonly kind: 'rejected';
      readonly rejectedBy: ReadonlySet<string>;
      readonly decision: Decision;
    };

export class RunState {
  readonly scenario: Scenario;
  readonly pods: ScenarioPods;
  readonly core: SchedulingCore;
  readonly meter: ClusterMeter;
  readonly outcomes: OutcomeRecorder;
  readonly recorder: DecisionRecorder;
  readonly shares: ShareRecorder;
  /** Index of the resource of the axis. */
  readonly axis: number;

  constructor(scenario: Scenario, runner: PolicyRunner, observe?: DecisionObserver) {
    const { arrivals, resources, nodes } = scenario;
    const { plugins } = runner.framework;
    this.scenario = scenario;
    this.pods = new ScenarioPods(scenario);
    this.recorder = new DecisionRecorder(
      arrivals.nodeNames,
      plugins.filter(({ score }) => score !== undefined).map(({ name }) => name),
    );
    this.core = new SchedulingCore({
      ...runner,
      recorder: this.recorder,
      ...(observe === undefined ? {} : { observe }),
    });
    for (const node of nodes) this.core.cache.setNode(node);
    this.meter = new ClusterMeter(
      scenario,
      devicesOf(runner.framework),
      newFragmentation(scenario.typical),
    );
    this.outcomes = new OutcomeRecorder(arrivals.podNames.length);
    const gpu = resources.findIndex(({ name }) => name === GPU_RESOURCE);
    this.axis = this.meter.hasGpus && gpu !== -1 ? gpu : 0;
    this.shares = new ShareRecorder(
      resources[this.axis]?.name ?? '',
      this.meter.capacity[this.axis] ?? 0,
      resources.length,
    );
  }

  /** Undefined in a cluster without GPUs. */
  fragmentation(): GpuFragmentation | undefined {
    return this.meter.hasGpus ? this.meter.fragmentation(this.core.cache.snapshot()) : undefined;
  }

  /** Each of the pods is assumed on a node, or none is. */
  placeTogether(
    nowMs: number,
    members: readonly number[],
    infoOf: (pod: number) => PodInfo,
  ): Placement {
    const placed: (readonly [number, number])[] = [];
    const undo: (() => void)[] = [];
    for (const pod of members) {
      const info = infoOf(pod);
      const attempt = this.core.attempt(nowMs, pod, info);
      this.outcomes.attempt(pod);
      if (attempt.kind === 'rejected') {
        for (const one of undo.reverse()) one();
        return attempt;
      }
      const { node, nodeName, row } = attempt;
      const requests = this.pods.requests(pod);
      this.meter.add(requests, node);
      undo.push(() => {
        this.core.retreat(info, nodeName, row);
        this.meter.remove(requests, node);
      });
      placed.push([pod, node]);
    }
    return { kind: 'placed', nodes: placed };
  }
}

/** As the policy gives them out; where it knows nothing of devices, by the tightest fit. */
function devicesOf(framework: Framework): GpuDevices {
  for (const plugin of framework.plugins) {
    const devices = gpuDevicesOf(plugin);
    if (devices !== undefined) return devices;
  }
  return new GpuDevices();
}
