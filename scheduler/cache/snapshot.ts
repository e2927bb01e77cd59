/** The nodes and pods as they were at one moment; what one cycle reads. Never changes. */

import type { NodeInfo } from './node-info.ts';

export interface Snapshot {
  /** In the order of the node tree. */
  readonly nodes: readonly NodeInfo[];
  readonly byName: ReadonlyMap<string, NodeInfo>;
}

export function newSnapshot(nodes: readonly NodeInfo[]): Snapshot {
  return { nodes, byName: new Map(nodes.map((info) => [info.name, info])) };
}
