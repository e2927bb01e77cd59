/**
 * What a run is given, for one seed: the cluster, the pods that come, and the nodes that fail. Plain
 * data, the same for every policy; runs don't change it.
 */

import type { Node, Pod } from '../../../proto/api/gen/core-v1.ts';
import type { TypicalPod } from '../../../scheduler/gpu/fragmentation.ts';
import type { Arrivals, ResourceInfo } from '../result/run-result.ts';

export interface Scenario {
  readonly resources: readonly ResourceInfo[];
  readonly arrivals: Arrivals;
  /** In the order of `arrivals.nodeNames`. */
  readonly nodes: readonly Node[];
  /** What the pods of each class are made from, in the order of `arrivals.podClasses`. */
  readonly templates: readonly PodTemplate[];
  readonly failures: readonly NodeFailure[];
  /** What becomes of nodes otherwise, in the order of their times; absent: nothing. */
  readonly changes?: readonly NodeChange[];
  /** The classes of pods that usually come, by which fragmentation is measured. */
  readonly typical: readonly TypicalPod[];
}

/** A pod without its name. */
export type PodTemplate = Pick<Pod, 'metadata' | 'spec'>;

/** The node is gone with all on it, and comes back empty. */
export interface NodeFailure {
  /** Index of the node. */
  readonly node: number;
  readonly atMs: number;
  readonly repairedMs: number;
}

/** A node comes, changes or, without `object`, goes; the pods on one that goes end with it. */
export interface NodeChange {
  readonly atMs: number;
  /** Index of the node. */
  readonly node: number;
  readonly object?: Node;
}

export interface RunOptions {
  /** Nothing happens after this; infinite: until all that can end has ended. */
  readonly horizonMs: number;
}
