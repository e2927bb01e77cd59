/**
 * TaintNodesByCondition: a node that has just registered takes no pods until the node controller
 * has seen that it is ready.
 * Source: kubernetes plugin/pkg/admission/nodetaint/admission.go, v1.36.
 */

import type { Taint } from '../../../proto/api/gen/core-v1.ts';
import { nodes } from '../../../proto/api/gen/resources.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isOf } from '../refusal.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',

  mutate(attributes) {
    const { object, operation } = attributes;
    if (operation !== 'CREATE' || object === undefined || !isOf(attributes, nodes)) return;
    object.spec ??= {};
    // The schema has checked the types of the node's fields.
    const taints = (object.spec.taints ?? []) as readonly Taint[];
    const has = taints.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule');
    if (!has) object.spec.taints = [...taints, { key: NOT_READY, effect: 'NoSchedule' }];
  },
};
