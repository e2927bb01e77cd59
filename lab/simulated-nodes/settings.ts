/**
 * What simulated nodes are: nodes of the API that no machine stands behind. How many there are, what
 * each has, and the labels, annotations and taint that nodes and pods say more by. Pure.
 */

import { quantityError } from '../../proto/api/quantity.ts';
import { readTime } from '../simulation/experiment/units.ts';

/** As a lab keeps them. */
export interface SimulatedNodes {
  readonly count: number;
  /** Quantities by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  /** The nodes are in `zone-1`, `zone-2`, … in turn. */
  readonly zones: number;
  /** Without it, pods that should run for real may come to these nodes. */
  readonly isTainted: boolean;
}

/** As many pods' worth of nodes as the API server and the scheduler are measured with, and more. */
export const SIMULATED_NODES_MAX = 10_000;
export const ZONES_MAX = 1_000;

export const DEFAULT_CAPACITY: SimulatedNodes['capacity'] = {
  cpu: '4',
  memory: '32Gi',
  'ephemeral-storage': '100Gi',
  pods: '110',
};
export const DEFAULT_ZONES = 3;

/** Every node with this label is kept alive here, whoever made it. */
export const SIMULATED_LABEL = { key: 'type', value: 'simulated' } as const;
export const SIMULATED_SELECTOR = `${SIMULATED_LABEL.key}=${SIMULATED_LABEL.value}`;

/** KWOK's taint, which workloads written for it tolerate already. */
export const SIMULATED_TAINT = {
  key: 'kwok.x-k8s.io/node',
  value: 'fake',
  effect: 'NoSchedule',
} as const;

/** On a node: what it has, as `cpu=8,memory=64Gi`; what is not named is the default. */
export const CAPACITY_ANNOTATION = 'lab.skiff.dev/capacity';

/** On a pod: the stages of its life on a simulated node. Times as `500ms`, `90s`, `1h30m`. */
export const STAGE_ANNOTATIONS = {
  /** From being bound to Running. */
  startAfter: 'lab.skiff.dev/start-after',
  /** From Running to the end; absent: it runs until it is deleted. */
  duration: 'lab.skiff.dev/duration',
  /** 0 (the default) makes it Succeeded, anything else Failed. */
  exitCode: 'lab.skiff.dev/exit-code',
  /** From its deletion until it is gone; at most its grace period. */
  stopAfter: 'lab.skiff.dev/stop-after',
} as const;

/** `cpu=8,memory=64Gi,nvidia.com/gpu=4` over the defaults; a text says what is wrong. */
export function readCapacity(text: string): SimulatedNodes['capacity'] | string {
  const capacity: Record<string, string> = { ...DEFAULT_CAPACITY };
  for (const part of text.split(',')) {
    const [, name = '', quantity = ''] = /^\s*([^=\s]+)=(\S+)\s*$/.exec(part) ?? [];
    if (name === '') return `"${part}" is not RESOURCE=QUANTITY, as cpu=8`;
    if (quantityError(quantity) !== undefined || quantity.startsWith('-')) {
      return `"${quantity}" is not a quantity that a node can have`;
    }
    capacity[name] = quantity;
  }
  return capacity;
}

/** The inverse of {@link readCapacity}. */
export function capacityText(capacity: SimulatedNodes['capacity']): string {
  return Object.entries(capacity)
    .map(([name, quantity]) => `${name}=${quantity}`)
    .join(',');
}

/** Milliseconds; the fallback when the annotation is absent or can't be read. */
export function stageMs<T>(
  annotations: Readonly<Record<string, string>> | undefined,
  name: 'startAfter' | 'duration' | 'stopAfter',
  fallback: T,
): number | T {
  return readTime(annotations?.[STAGE_ANNOTATIONS[name]]) ?? fallback;
}
