/**
 * Which pods can't be removed without breaking a PodDisruptionBudget.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go
 * filterPodsWithPDBViolation, v1.36.
 */

import type { PodDisruptionBudget } from '../../../proto/api/gen/policy-v1.ts';
import { matchesLabels, requirementsOf } from '../../../proto/api/label-selector.ts';
import type { PodInfo } from '../../cache/pod-info.ts';

export interface BudgetedPods {
  readonly violating: readonly PodInfo[];
  readonly others: readonly PodInfo[];
}

/** Each pod takes from the budgets that select it, in the order given; the order is kept. */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): BudgetedPods {
  if (budgets.length === 0) return { violating: [], others: pods };
  const read = budgets.map((budget) => ({
    namespace: budget.metadata.namespace,
    // One without a selector selects nothing, and so does an empty one.
    selector: requirementsOf(budget.spec?.selector),
    disrupted: budget.status?.disruptedPods ?? {},
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    const { name, namespace, labels = {} } = info.pod.metadata;
    let isViolating = false;
    for (const budget of read) {
      if (budget.namespace !== namespace || Object.keys(labels).length === 0) continue;
      if (budget.selector.length === 0 || !matchesLabels(budget.selector, labels)) continue;
      // Its eviction has been granted already.
      if (Object.hasOwn(budget.disrupted, name)) continue;
      budget.allowed -= 1;
      if (budget.allowed < 0) isViolating = true;
    }
    (isViolating ? violating : others).push(info);
  }
  return { violating, others };
}
