/** Tells the metrics that set policies apart from those that are the same whatever the policy. */

import type { Comparison, Metric, MetricOutcome } from './comparison.ts';

export interface SplitMetrics {
  readonly distinct: readonly Metric[];
  /** Every policy has this value on every seed; the outcome is that of the first policy. */
  readonly same: readonly { readonly metric: Metric; readonly outcome: MetricOutcome }[];
}

/** The primary metric is always told in full. */
export function splitMetrics({ metrics, policies, primary }: Comparison): SplitMetrics {
  const distinct: Metric[] = [];
  const same: { metric: Metric; outcome: MetricOutcome }[] = [];
  for (const metric of metrics) {
    const [first, ...others] = policies.map(({ outcomes }) => outcomes[metric.name]);
    const isSame =
      metric.name !== primary &&
      first !== undefined &&
      others.length > 0 &&
      others.every((other) => other?.values.every((value, i) => value === first.values[i]));
    if (isSame) same.push({ metric, outcome: first });
    else distinct.push(metric);
  }
  return { distinct, same };
}
