/** Keeps pods off cordoned nodes. Source: upstream plugins/nodeunschedulable, v1.36. */

import type { Taint } from '../../proto/api/gen/core-v1.ts';
import { isTolerated } from '../../proto/api/taints.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { signTolerations, TAINT_EVENTS } from './taint-events.ts';

/** What a pod must tolerate to be put on a cordoned node. */
const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  events: TAINT_EVENTS,
  signPod: ({ pod }) => signTolerations(pod),
  filter: (_state, { pod }, { node }) => {
    if (node.spec.unschedulable !== true) return undefined;
    if (isTolerated(UNSCHEDULABLE, pod.spec.tolerations)) return undefined;
    return unresolvable('node(s) were unschedulable');
  },
};
