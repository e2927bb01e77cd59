/** The last step for a pod that has a node: an extender that binds it, else the plugins. */

import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { isConflict, isNotFound } from '../proto/api/status-error.ts';
import type { PodInfo } from './cache/pod-info.ts';
import type { Extenders } from './extenders/extenders.ts';
import type { CycleState } from './framework/cycle-state.ts';
import type { Framework } from './framework/framework.ts';
import { failed, type Status } from './framework/status.ts';
import type { QueuedPod } from './queue/queued-pod.ts';

/** A pod on its way to a node. */
export interface Assumed {
  readonly framework: Framework;
  readonly queued: QueuedPod;
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly nodeName: string;
}

/** Undefined when it is bound. */
export async function bindPod(
  { framework, state, pod, nodeName }: Assumed,
  extenders: Extenders | undefined,
  signal: AbortSignal,
): Promise<Status | undefined> {
  try {
    if ((await extenders?.bind(pod.pod, nodeName, signal)) === true) return undefined;
  } catch (error) {
    return failed(error);
  }
  return framework.bind(state, pod, nodeName, signal);
}

/** How often, and after how long, a binding of a gang's member is tried again: about a minute. */
const MEMBER_RETRIES = 8;
const MEMBER_BACKOFF = { initialMs: 1_000, maxMs: 10_000 };

/**
 * As {@link bindPod}, for one of a gang: others of it run already or are about to, so what fails for a
 * moment is tried again on the same node, whose room nobody gets meanwhile.
 */
export async function bindMember(
  assumed: Assumed,
  extenders: Extenders | undefined,
  { clock, isAssumed }: { readonly clock: Clock; readonly isAssumed: () => boolean },
  signal: AbortSignal,
): Promise<Status | undefined> {
  for (let tries = 0; ; tries += 1) {
    const status = await bindPod(assumed, extenders, signal);
    const isFinal = status === undefined || isNotFound(status.error) || isConflict(status.error);
    if (isFinal || tries === MEMBER_RETRIES || !isAssumed()) return status;
    await clock.after(backoffMs(MEMBER_BACKOFF, tries), signal);
    if (signal.aborted || !isAssumed()) return status;
  }
}
