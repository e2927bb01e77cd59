/**
 * Prefers nodes on which CPU and memory are used in the same proportion. Since 1.36 what counts is
 * what the pod changes: "no change" is 75.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go, v1.36.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { amountOf, signResources } from '../cache/resources.ts';
import { DEFAULT_RESOURCES, type ResourceWeight } from '../config/plugin-args.ts';
import { type Plugin, SCORE_MAX } from '../framework/plugin.ts';
import { SKIP } from '../framework/status.ts';

export interface BalancedAllocationOptions {
  readonly resources?: readonly ResourceWeight[];
  /** Whose formula: up to 1.35 the balance with the pod, since 1.36 its change by the pod. */
  readonly formula?: '1.35' | '1.36';
}

export function newNodeResourcesBalancedAllocation(
  options: BalancedAllocationOptions = {},
): Plugin {
  const { resources = DEFAULT_RESOURCES, formula = '1.36' } = options;
  return {
    name: 'NodeResourcesBalancedAllocation',
    signPod: ({ requests }) => signResources(requests),
    preScore: (_state, pod) =>
      resources.some(({ name }) => amountOf(pod.requests, name) > 0) ? undefined : SKIP,
    score: (_state, pod, node) => {
      const balanced = balance(pod, node, resources);
      if (formula === '1.35') return balanced;
      const before = balance(undefined, node, resources);
      const half = SCORE_MAX / 2;
      return half + Math.trunc((half + balanced - before) / 2);
    },
  };
}

/** 100 when all resources are used to the same fraction. */
function balance(
  pod: PodInfo | undefined,
  node: NodeInfo,
  resources: readonly ResourceWeight[],
): number {
  const fractions: number[] = [];
  for (const { name } of resources) {
    const allocatable = amountOf(node.allocatable, name);
    if (allocatable === 0) continue;
    const asked = pod === undefined ? 0 : amountOf(pod.requests, name);
    const requested = amountOf(node.requested, name) + asked;
    fractions.push(Math.min(1, requested / allocatable));
  }
  return Math.trunc((1 - deviation(fractions)) * SCORE_MAX);
}

/** The population's standard deviation; of two numbers half their distance. */
function deviation(fractions: readonly number[]): number {
  const [first = 0, second = 0] = fractions;
  if (fractions.length < 2) return 0;
  if (fractions.length === 2) return Math.abs(first - second) / 2;
  const mean = fractions.reduce((sum, one) => sum + one, 0) / fractions.length;
  const squares = fractions.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return Math.sqrt(squares / fractions.length);
}
