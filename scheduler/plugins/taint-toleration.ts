/**
 * Keeps pods off nodes with taints they don't tolerate, and prefers nodes with fewer such
 * `PreferNoSchedule` taints.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/tainttoleration, v1.36.
 */

import { findUntoleratedTaint, isTolerated } from '../../proto/api/taints.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { normalizeByMax } from './normalize.ts';
import { signTolerations, TAINT_EVENTS } from './taint-events.ts';

/** Up to 1.34 the reason named the taint, which made as many reasons as there are taints. */
export function newTaintToleration({ namesTaint = false } = {}): Plugin {
  return {
    name: 'TaintToleration',
    events: TAINT_EVENTS,
    signPod: ({ pod }) => signTolerations(pod),
    filter: (_state, { pod }, { node }) => {
      const { tolerations } = pod.spec;
      const effects = ['NoSchedule', 'NoExecute'] as const;
      const taint = findUntoleratedTaint(node.spec.taints, tolerations, effects);
      if (taint === undefined) return undefined;
      const { key, value = '' } = taint;
      return unresolvable(
        namesTaint
          ? `node(s) had untolerated taint {${key}: ${value}}`
          : 'node(s) had untolerated taint(s)',
      );
    },
    score: (_state, { pod }, { node }) => {
      let count = 0;
      for (const taint of node.spec.taints ?? []) {
        if (taint.effect !== 'PreferNoSchedule') continue;
        if (!isTolerated(taint, pod.spec.tolerations)) count += 1;
      }
      return count;
    },
    normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, true),
  };
}

export const taintToleration: Plugin = newTaintToleration();
