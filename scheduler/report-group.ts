/**
 * Tells a PodGroup's owner what was decided of it: the condition PodGroupScheduled.
 *
 * Source: kubernetes pkg/scheduler/schedule_one_podgroup.go, v1.36.
 */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import { podgroups } from '../proto/api/gen/resources.ts';
import type { PodGroup } from '../proto/api/gen/scheduling-v1alpha2.ts';
import { keyOf } from '../proto/api/meta.ts';
import { isNotFound } from '../proto/api/status-error.ts';
import { formatTime } from '../proto/api/time.ts';

export interface GroupOutcome {
  readonly group: PodGroup;
  readonly isScheduled: boolean;
  /** Why not. */
  readonly message: string;
}

/** The patch of the status; undefined when the group says so already. */
export function groupPatch(
  { group, isScheduled, message }: GroupOutcome,
  nowMs: number,
): object | undefined {
  const old = group.status?.conditions?.find(({ type }) => type === 'PodGroupScheduled');
  // Pods that come later than the gang change nothing of that it runs.
  if (old?.status === 'True') return undefined;
  const status = isScheduled ? 'True' : 'False';
  const reason = isScheduled ? 'Scheduled' : 'Unschedulable';
  if (old?.status === status && old.reason === reason && old.message === message) return undefined;
  const now = formatTime(nowMs);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
  const condition = { type: 'PodGroupScheduled', status, reason, message, lastTransitionTime };
  return { metadata: { uid: group.metadata.uid }, status: { conditions: [condition] } };
}

/** Never rejects: what can't be written is said at the group's next decision. */
export async function reportGroup(
  dependencies: {
    readonly client: Pick<Client, 'patch'>;
    readonly clock: Clock;
    readonly logger: Logger;
  },
  outcome: GroupOutcome,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, logger } = dependencies;
  const patch = groupPatch(outcome, clock.wallMs());
  if (patch === undefined) return;
  const { namespace = 'default', name } = outcome.group.metadata;
  const options = { subresource: 'status' };
  try {
    await client.patch(podgroups, { namespace, name }, 'strategic', patch, options, signal);
  } catch (error) {
    if (isNotFound(error) || signal.aborted) return;
    logger.warn('Could not report on pod group', { group: keyOf(outcome.group), error });
  }
}
