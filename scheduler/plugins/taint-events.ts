/** What may help pods that a taint keeps off: other taints, nodes, or more tolerations. */

import type { EventRegistration } from '../framework/cluster-event.ts';

export const TAINT_EVENTS: readonly EventRegistration[] = [
  { kind: 'NodeAdd' },
  { kind: 'NodeUpdateTaint' },
  {
    kind: 'UnscheduledPodUpdate',
    hint: (_pod, { oldPod, pod }) =>
      JSON.stringify(oldPod?.spec.tolerations) !== JSON.stringify(pod?.spec.tolerations),
  },
];
