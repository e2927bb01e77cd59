/**
 * What is free and yet of no use: the free amount of a resource on nodes where CPU or memory, or the
 * resource's own companions, are too short for even the smallest request that any pod of the workload
 * makes of them.
 */

import { amountOf } from '../../../scheduler/cache/resources.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import type { Scenario } from './scenario.ts';

/** Part of the whole capacity, 0 to 1, of each of the scenario's resources. */
export function strandedParts(
  { resources, arrivals }: Scenario,
  snapshot: Snapshot,
  capacity: readonly number[],
): readonly number[] {
  const smallest = resources.map((_, index) => {
    let least = Number.POSITIVE_INFINITY;
    for (const { requests } of arrivals.podClasses) {
      const asked = requests[index] ?? 0;
      if (asked > 0) least = Math.min(least, asked);
    }
    return least;
  });
  const stranded = resources.map(() => 0);
  for (const { allocatable, requested } of snapshot.nodes) {
    const free = resources.map(
      ({ name }) => amountOf(allocatable, name) - amountOf(requested, name),
    );
    const isShort = resources.map(({ name }, index) => {
      return amountOf(allocatable, name) > 0 && (free[index] ?? 0) < (smallest[index] ?? 0);
    });
    for (const [index, amount] of free.entries()) {
      const isStranded = isShort.some((short, other) => short && other !== index);
      if (isStranded) stranded[index] = (stranded[index] ?? 0) + Math.max(0, amount);
    }
  }
  return stranded.map((amount, index) => {
    const whole = capacity[index] ?? 0;
    return whole === 0 ? 0 : amount / whole;
  });
}
