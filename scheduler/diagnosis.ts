/**
 * Why no node takes a pod, in kube-scheduler's words.
 *
 * Source: kubernetes pkg/scheduler/framework/types.go FitError, v1.36.
 */

import { NodeStatuses } from './framework/node-statuses.ts';
import type { Status } from './framework/status.ts';

/** What was found out about a pod that fits nowhere. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** Of every node that was looked at. */
  readonly statuses: ReadonlyMap<string, Status>;
  /** What is said of every node that has no status; absent: nothing. */
  readonly absentReason?: string;
  /** Set when the pod was turned down before any node was looked at. */
  readonly preFilterMessage?: string;
  readonly postFilterMessage?: string;
  /** Names of the plugins that turned the pod down. */
  readonly rejectedBy: ReadonlySet<string>;
}

export const NO_NODES = 'no nodes available to schedule pods';

/** `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.` */
export function fitErrorMessage(diagnosis: Diagnosis): string {
  const { nodeCount, preFilterMessage, postFilterMessage } = diagnosis;
  if (nodeCount === 0) return NO_NODES;
  let text = `0/${nodeCount} nodes are available:`;
  if (preFilterMessage === undefined || preFilterMessage === '') {
    const reasons = countedReasons(diagnosis);
    if (reasons.length > 0) text += ` ${reasons.join(', ')}.`;
  } else text += ` ${preFilterMessage}.`;
  return postFilterMessage === undefined || postFilterMessage === ''
    ? text
    : `${text} ${postFilterMessage}`;
}

/** Sorted as texts, so that "10 x" comes before "2 y", as upstream. */
function countedReasons({ nodeCount, statuses, absentReason }: Diagnosis): string[] {
  const counts = new Map<string, number>();
  const add = ({ reasons }: Status, nodes: number): void => {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
  };
  if (statuses instanceof NodeStatuses) {
    for (const { status, nodes } of statuses.counts()) add(status, nodes);
  } else for (const status of statuses.values()) add(status, 1);
  const absent = nodeCount - statuses.size;
  if (absentReason !== undefined && absent > 0) {
    counts.set(absentReason, (counts.get(absentReason) ?? 0) + absent);
  }
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort(byCodeUnits);
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
