/** A pod that waits for a node, and what its earlier attempts taught. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { newPodInfo, type PodInfo } from '../cache/pod-info.ts';

export interface QueuedPod {
  readonly info: PodInfo;
  /** When it (re)entered the queue; pods of the same priority go in this order. */
  readonly queuedMs: number;
  /** How often it has been tried. */
  readonly attempts: number;
  /** Attempts in a row that found no node; the back-off grows with it. */
  readonly unschedulableCount: number;
  /** Attempts in a row that failed for another reason. */
  readonly errorCount: number;
  /** The plugins that turned it down last time; only events that matter to them wake it. */
  readonly rejectedBy: ReadonlySet<string>;
  /** Turned down by a PreEnqueue plugin: it waits without attempts. */
  readonly isGated: boolean;
}

/** `namespace/name` isn't enough: a pod may be deleted and made anew. */
export function uidOf(queued: QueuedPod): string {
  return queued.info.pod.metadata.uid;
}

/** What is derived from the pod as it is now. */
export function infoOf(queued: QueuedPod, pod: Pod): PodInfo {
  return pod === queued.info.pod ? queued.info : newPodInfo(pod);
}
