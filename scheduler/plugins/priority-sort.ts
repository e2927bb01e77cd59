/** Higher priority first, then who came first. Source: upstream plugins/queuesort, v1.36. */

import type { Plugin } from '../framework/plugin.ts';

export const prioritySort: Plugin = {
  name: 'PrioritySort',
  less: (a, b) => {
    const priorityA = a.info.pod.spec.priority ?? 0;
    const priorityB = b.info.pod.spec.priority ?? 0;
    return priorityA === priorityB ? a.queuedMs < b.queuedMs : priorityA > priorityB;
  },
};
