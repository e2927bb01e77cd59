/**
 * DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or can't be reached,
 * unless it says otherwise.
 * Source: kubernetes plugin/pkg/admission/defaulttolerationseconds/admission.go, v1.36.
 */

import type { Toleration } from '../../../proto/api/gen/core-v1.ts';
import { pods } from '../../../proto/api/gen/resources.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isOf } from '../refusal.ts';

const TOLERATION_SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',

  mutate(attributes) {
    const spec = attributes.object?.spec;
    if (!isOf(attributes, pods) || spec === undefined) return;
    // The schema has checked the types of the pod's fields.
    const given = (spec.tolerations ?? []) as readonly Toleration[];
    const missing = TAINTS.filter((key) => !given.some((one) => tolerates(one, key)));
    if (missing.length === 0) return;
    const added = missing.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: TOLERATION_SECONDS,
    }));
    spec.tolerations = [...given, ...added];
  },
};

function tolerates(toleration: Toleration, key: string): boolean {
  const { key: own = '', effect } = toleration;
  const isAnyEffect = effect === undefined || (effect as string) === '' || effect === 'NoExecute';
  return (own === '' || own === key) && isAnyEffect;
}
