/** Holds back pods that have scheduling gates. Source: upstream plugins/schedulinggates, v1.36. */

import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  events: [{ kind: 'UnscheduledPodUpdate' }],
  preEnqueue: (pod) => {
    const names = pod.spec.schedulingGates?.map(({ name }) => name) ?? [];
    if (names.length === 0) return undefined;
    return unresolvable(`waiting for scheduling gates: [${names.join(' ')}]`);
  },
};
