/**
 * The nodes and pods as they were at one moment; what one cycle reads. The cache brings the one
 * snapshot up to date when it is asked for one: until then it stays as it is.
 *
 * Nodes have an index, which is theirs as long as they are there; what is known of them in columns
 * is found by it. Versions say what has changed, so that what follows from it can be kept.
 */

import type { NodeInfo } from './node-info.ts';
import { NodeSet } from './node-set.ts';
import type { PodChangeLog } from './pod-change-log.ts';
import type { TopologyIndex } from './topology-index.ts';

export interface Snapshot {
  /** In the order of the node tree. */
  readonly nodes: readonly NodeInfo[];
  readonly byName: ReadonlyMap<string, NodeInfo>;
  /** The index of each node, in the order of `nodes`. */
  readonly order: Int32Array;
  /** Where in `nodes` each node is, by its index. */
  readonly positions: Int32Array;
  /** By index: rises with every change of a node or its pods; never the same for two states. */
  readonly versions: Float64Array;
  /** Rises when a node comes, goes, or changes its labels or taints. */
  readonly topologyVersion: number;
  /** Rises when a node comes, goes, or changes its images. */
  readonly imagesVersion: number;
  /** Which pods came and went. */
  readonly podChanges: PodChangeLog;
  /** How many pods care where other pods are. */
  readonly podsWithAffinity: number;
  /** How many nodes have an image of this name. */
  nodesWithImage(name: string): number;
  /** The column of a topology key; to be asked for again when `topologyVersion` has risen. */
  topology(key: string): TopologyIndex;
}

/** Of nodes in this order, with the pods that they have: for who keeps no cache. */
export function newSnapshot(nodes: readonly NodeInfo[]): Snapshot {
  const set = new NodeSet();
  for (const { node, name, pods } of nodes) {
    set.setNode(node);
    for (const pod of pods.values()) set.setPod(pod, name);
  }
  set.setOrder(nodes.map(({ name }) => name));
  return set;
}
