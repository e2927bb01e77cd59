/** What the plugins about taints share: what may help a pod that they keep off, and what they read of it. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
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

export function signTolerations({ spec }: Pod): string {
  return spec.tolerations === undefined ? '' : JSON.stringify(spec.tolerations);
}
