/**
 * Of the nodes where removing pods makes room: the one where it hurts least.
 *
 * Source: kubernetes pkg/scheduler/framework/preemption/preemption.go pickOneNodeForPreemption, v1.36.
 */

import { parseTime } from '../../../proto/api/time.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { priorityOf } from '../priority-sort.ts';

/** A node with the pods that would have to go, the most important first; at least one. */
export interface Candidate {
  readonly nodeName: string;
  readonly victims: readonly PodInfo[];
  /** How many of them a PodDisruptionBudget protects. */
  readonly budgetViolations: number;
}

/** A pod without a start time has just been started, as far as anyone knows. */
const JUST_NOW = Number.POSITIVE_INFINITY;
/** Added to each priority in a sum, so that fewer victims of negative priority aren't worse. */
const PRIORITY_OFFSET = 2 ** 31;

/** The lower, the better; the first that tells two nodes apart decides. */
const CRITERIA: readonly ((candidate: Candidate) => number)[] = [
  ({ budgetViolations }) => budgetViolations,
  ({ victims: [first] }) => (first === undefined ? -PRIORITY_OFFSET : priorityOf(first.pod)),
  ({ victims }) => victims.reduce((sum, { pod }) => sum + priorityOf(pod) + PRIORITY_OFFSET, 0),
  ({ victims }) => victims.length,
  (candidate) => -earliestStartMs(candidate),
];

/** Undefined when there are none; the first of several that are equally good. */
export function selectCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const criterion of CRITERIA) {
    if (left.length <= 1) break;
    const values = left.map(criterion);
    const best = values.reduce((least, value) => Math.min(least, value));
    left = left.filter((_, index) => values[index] === best);
  }
  return left[0];
}

/** The higher priority, then the longer running. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  const difference = priorityOf(b.pod) - priorityOf(a.pod);
  if (difference !== 0) return difference;
  const [startA, startB] = [startMs(a), startMs(b)];
  if (startA === startB) return 0;
  return startA < startB ? -1 : 1;
}

/** When the longest running of its most important victims started. */
function earliestStartMs({ victims }: Candidate): number {
  const highest = Math.max(...victims.map(({ pod }) => priorityOf(pod)));
  const starts = victims.filter(({ pod }) => priorityOf(pod) === highest).map(startMs);
  return Math.min(...starts);
}

function startMs({ pod }: PodInfo): number {
  const time = pod.status?.startTime;
  return time === undefined ? JUST_NOW : (parseTime(time) ?? JUST_NOW);
}
