/** The last step for a pod that has a node: an extender that binds it, else the plugins. */

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
