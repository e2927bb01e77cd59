/**
 * Pods.
 * Source: kubernetes pkg/registry/core/pod/strategy.go, v1.36.
 */

import type { Pod } from '../../../../proto/api/gen/core-v1.ts';
import { pods } from '../../../../proto/api/gen/resources.ts';
import { formatTime } from '../../../../proto/api/time.ts';
import { defineStrategy } from '../define-strategy.ts';
import { POD_COLUMNS, podCells } from './columns.ts';
import { setPodDefaults } from './defaults.ts';
import { podWarnings } from './field-effects.ts';
import { qosClassOf } from './quality-of-service.ts';
import { validatePodUpdate } from './update-validation.ts';
import { validatePod } from './validation.ts';

export const podStrategy = defineStrategy({
  resource: pods,
  status: 'separate',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',
  returnsDeleted: true,

  setDefaults: setPodDefaults,
  prepareForCreate(pod, { nowMs }) {
    if (pod.spec === undefined) return;
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) };
    if ((pod.spec.schedulingGates ?? []).length === 0) return;
    const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' };
    const message = 'Scheduling is blocked due to non-empty scheduling gates';
    pod.status.conditions = [{ ...condition, message, lastTransitionTime: formatTime(nowMs) }];
  },
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  warnings: (pod) => podWarnings('spec', pod.spec),
  deletionGraceSeconds,

  columns: POD_COLUMNS,
  cells: podCells,
  selectableFields,
});

/** What runs nowhere has nothing to end; otherwise the pod's own grace counts. */
function deletionGraceSeconds(pod: Pod, requested: number | undefined): number {
  const { phase } = pod.status ?? {};
  const runsNowhere = (pod.spec?.nodeName ?? '') === '';
  if (runsNowhere || phase === 'Failed' || phase === 'Succeeded') return 0;
  const seconds = requested ?? pod.spec?.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function selectableFields(pod: Pod): Record<string, string> {
  const { spec, status } = pod;
  const ips = (status?.podIPs ?? []).map(({ ip }) => ip);
  const nodeName = spec?.nodeName ?? '';
  return {
    'spec.nodeName': nodeName,
    'spec.host': nodeName,
    'spec.restartPolicy': spec?.restartPolicy ?? '',
    'spec.schedulerName': spec?.schedulerName ?? '',
    'spec.serviceAccountName': spec?.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec?.hostNetwork ?? false),
    'status.phase': status?.phase ?? '',
    'status.podIP': ips[0] ?? status?.podIP ?? '',
    'status.podIPs': ips.join(','),
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  };
}
