/**
 * The extension points of a profile, by the names that the configuration gives them, and the methods
 * of a plugin that take part in each.
 *
 * Source: kubernetes/kube-scheduler config/v1/types.go Plugins, v1.36.
 */

import type { Plugin } from './plugin.ts';

/** In the order of a pod's cycle; `type` is upstream's name for what takes part. */
export const EXTENSION_POINTS = {
  preEnqueue: { methods: ['preEnqueue'], type: 'PreEnqueuePlugin' },
  queueSort: { methods: ['less'], type: 'QueueSortPlugin' },
  preFilter: { methods: ['preFilter'], type: 'PreFilterPlugin' },
  filter: { methods: ['filter'], type: 'FilterPlugin' },
  postFilter: { methods: ['postFilter'], type: 'PostFilterPlugin' },
  preScore: { methods: ['preScore'], type: 'PreScorePlugin' },
  score: { methods: ['score'], type: 'ScorePlugin' },
  reserve: { methods: ['reserve', 'unreserve'], type: 'ReservePlugin' },
  permit: { methods: ['permit'], type: 'PermitPlugin' },
  preBind: { methods: ['preBind'], type: 'PreBindPlugin' },
  bind: { methods: ['bind'], type: 'BindPlugin' },
  postBind: { methods: ['postBind'], type: 'PostBindPlugin' },
} as const satisfies Record<
  string,
  { readonly methods: readonly (keyof Plugin)[]; readonly type: string }
>;

export type ExtensionPoint = keyof typeof EXTENSION_POINTS;

export const POINT_NAMES = Object.keys(EXTENSION_POINTS) as readonly ExtensionPoint[];

/** The plugins of each point, by name, in the order they are asked. */
export type PointPlugins = Readonly<Record<ExtensionPoint, readonly string[]>>;

export function takesPart(plugin: Plugin, point: ExtensionPoint): boolean {
  return EXTENSION_POINTS[point].methods.some((method) => plugin[method] !== undefined);
}
