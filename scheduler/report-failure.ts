/**
 * Tells a pod's owner why it has no node: an event, and the condition PodScheduled=False; and where
 * room is being made for it.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go handleSchedulingFailure, v1.36.
 */

import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Pod, PodCondition } from '../proto/api/gen/core-v1.ts';
import { pods } from '../proto/api/gen/resources.ts';
import { formatTime } from '../proto/api/time.ts';

export interface FailureReport {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** Where room is made; empty: nowhere any more; absent: as it was. */
  readonly nominatedNodeName?: string;
}

/** The patch of the status; undefined when the pod says so already. */
export function conditionPatch(pod: Pod, report: FailureReport, nowMs: number): object | undefined {
  const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const { reason, message, nominatedNodeName } = report;
  const nominated = pod.status?.nominatedNodeName ?? '';
  const isNominated = nominatedNodeName !== undefined && nominatedNodeName !== nominated;
  const isSame = old?.status === 'False' && old.reason === reason && old.message === message;
  if (isSame && !isNominated) return undefined;
  const isTransition = old?.status !== 'False' || old.lastTransitionTime === undefined;
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: isTransition ? formatTime(nowMs) : (old.lastTransitionTime ?? ''),
  };
  const nomination = { nominatedNodeName: nominatedNodeName === '' ? null : nominatedNodeName };
  return {
    metadata: { uid: pod.metadata.uid },
    status: { ...(isSame ? {} : { conditions: [condition] }), ...(isNominated ? nomination : {}) },
  };
}

/** Writes both. Rejects when the condition can't be written; the event never fails. */
export async function reportFailure(
  dependencies: {
    readonly client: Pick<Client, 'patch'>;
    readonly recorder: Pick<EventRecorder, 'record'>;
    readonly nowMs: number;
  },
  pod: Pod,
  report: FailureReport,
  signal: AbortSignal,
): Promise<void> {
  const { client, recorder, nowMs } = dependencies;
  recorder.record(pod, 'Warning', 'FailedScheduling', report.message);
  const patch = conditionPatch(pod, report, nowMs);
  if (patch === undefined) return;
  const { namespace = 'default', name } = pod.metadata;
  const options = { subresource: 'status' };
  await client.patch(pods, { namespace, name }, 'strategic', patch, options, signal);
}
