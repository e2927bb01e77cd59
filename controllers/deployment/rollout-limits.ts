/**
 * How many pods more, and how many fewer available ones, a rollout may have.
 *
 * Source: kubernetes pkg/controller/deployment/util/deployment_util.go ResolveFenceposts; apimachinery
 * pkg/util/intstr, v1.36.
 */

import type { Deployment } from '../../proto/api/gen/apps-v1.ts';
import { replicasOf } from './replica-sets.ts';

export interface RolloutLimits {
  readonly surge: number;
  /** At most the number of replicas. */
  readonly unavailable: number;
}

const DEFAULT = '25%';

/** Percentages of the replicas: the surge is rounded up, unavailable down; never both 0. */
export function rolloutLimits(deployment: Deployment): RolloutLimits {
  const replicas = replicasOf(deployment);
  const { type = 'RollingUpdate', rollingUpdate } = deployment.spec.strategy ?? {};
  if (type === 'Recreate') return { surge: 0, unavailable: 0 };
  const surge = resolve(rollingUpdate?.maxSurge ?? DEFAULT, replicas, Math.ceil);
  const unavailable = resolve(rollingUpdate?.maxUnavailable ?? DEFAULT, replicas, Math.floor);
  const floor = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { surge, unavailable: Math.min(floor, replicas) };
}

/** `5`, `"5"` or `"25%"` of the total. The API server has let nothing else in. */
function resolve(value: number | string, total: number, round: (x: number) => number): number {
  if (typeof value === 'number') return value;
  const number = Number.parseInt(value, 10);
  return value.endsWith('%') ? round((number * total) / 100) : number;
}
