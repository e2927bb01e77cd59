/** Higher priority first, then who came first. Source: upstream plugins/queuesort, v1.36. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Plugin } from '../framework/plugin.ts';

export const prioritySort: Plugin = {
  name: 'PrioritySort',
  less: (a, b) => {
    const [priorityA, priorityB] = [priorityOf(a.info.pod), priorityOf(b.info.pod)];
    return priorityA === priorityB ? a.queuedMs < b.queuedMs : priorityA > priorityB;
  },
};

export function priorityOf(pod: Pod): number {
  return pod.spec.priority ?? 0;
}
