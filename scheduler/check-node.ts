/** Whether one node takes a pod: for a choice that somebody else has made. */

import type { PodInfo } from './cache/pod-info.ts';
import type { Snapshot } from './cache/snapshot.ts';
import type { CycleState } from './framework/cycle-state.ts';
import type { Framework } from './framework/framework.ts';
import { type Status, unresolvable } from './framework/status.ts';
import type { NominatedPods } from './queue/nominator.ts';

/** Undefined: it does; the state is as after Filter. */
export function checkNode(
  framework: Framework,
  state: CycleState,
  snapshot: Snapshot,
  pod: PodInfo,
  nodeName: string,
  nominated: NominatedPods | undefined,
): Status | undefined {
  const node = snapshot.byName.get(nodeName);
  if (node === undefined) return unresolvable(`node "${nodeName}" is gone`);
  const outcome = framework.preFilter(state, pod, snapshot);
  if (outcome.kind === 'rejected') return outcome.status;
  return framework.filterWithNominated(state, pod, node, nominated?.on(nodeName) ?? []);
}
