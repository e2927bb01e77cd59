/**
 * The quality-of-service class of a pod: who is killed last when memory runs out.
 * Source: kubernetes pkg/apis/core/helper/qos/qos.go, v1.36.
 */

import type { Container, PodSpec, PodStatus } from '../../../../proto/api/gen/core-v1.ts';
import { compareQuantities, parseQuantity } from '../../../../proto/api/quantity.ts';

const COMPUTE = ['cpu', 'memory'] as const;

export function qosClassOf(spec: PodSpec): NonNullable<PodStatus['qosClass']> {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const amounts = containers.flatMap(({ resources }) =>
    COMPUTE.flatMap((name) => [resources?.requests?.[name], resources?.limits?.[name]]),
  );
  if (amounts.every(isNothing)) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

/** Cpu and memory are limited, and as much is requested. */
function isGuaranteed({ resources }: Container): boolean {
  return COMPUTE.every((name) => {
    const limit = parseQuantity(resources?.limits?.[name] ?? '');
    if (limit === undefined || limit.nano === 0n) return false;
    const request = parseQuantity(resources?.requests?.[name] ?? '');
    return request === undefined || compareQuantities(request, limit) === 0;
  });
}

function isNothing(text: string | undefined): boolean {
  const quantity = parseQuantity(text ?? '0');
  return quantity === undefined || quantity.nano === 0n;
}
