/**
 * Only nodes that the pod's `nodeSelector` and required node affinity select; among them rather those
 * that its preferred terms select. A profile may add an affinity of its own to every pod.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/nodeaffinity, v1.36.
 */

import type {
  Node,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PreferredSchedulingTerm,
} from '../../proto/api/gen/core-v1.ts';
import type { PluginArgs } from '../config/plugin-args.ts';
import type { Plugin, PreFilterResult } from '../framework/plugin.ts';
import { SKIP, unresolvable } from '../framework/status.ts';
import { matchesNodeSelector, matchesNodeSelectorTerm } from './node-selector.ts';
import { normalizeByMax } from './normalize.ts';

const NO_MATCH = "node(s) didn't match Pod's node affinity/selector";
const NOT_ENFORCED = "node(s) didn't match scheduler-enforced node affinity";
const TERMS_CONFLICT = 'pod affinity terms conflict';

export function newNodeAffinity({ addedAffinity }: PluginArgs['NodeAffinity'] = {}): Plugin {
  const addedRequired = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: 'NodeAffinity',
    events: [{ kind: 'NodeAdd' }, { kind: 'NodeUpdateLabel' }],
    signPod: ({ pod }) => {
      const { nodeSelector, affinity } = pod.spec;
      const isFree = nodeSelector === undefined && affinity?.nodeAffinity === undefined;
      return isFree ? '' : JSON.stringify([nodeSelector, affinity?.nodeAffinity]);
    },
    preFilter: (_state, { pod }) => preFilter(pod, addedRequired !== undefined),
    filter: (_state, { pod }, { node }) => {
      if (addedRequired !== undefined && !matchesNodeSelector(addedRequired, node)) {
        return unresolvable(NOT_ENFORCED);
      }
      return requiredNodesMatch(pod, node) ? undefined : unresolvable(NO_MATCH);
    },
    preScore: (_state, { pod }) =>
      addedPreferred.length === 0 && preferredOf(pod).length === 0 ? SKIP : undefined,
    score: (_state, { pod }, { node }) =>
      preference(addedPreferred, node) + preference(preferredOf(pod), node),
    normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, false),
  };
}

export const nodeAffinity: Plugin = newNodeAffinity();

function preference(terms: readonly PreferredSchedulingTerm[], node: Node): number {
  let total = 0;
  for (const { weight, preference: term } of terms) {
    if (weight > 0 && matchesNodeSelectorTerm(term, node)) total += weight;
  }
  return total;
}

/** Whether the pod's `nodeSelector` and one of its required terms select the node. */
export function requiredNodesMatch(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labels[key] !== value) return false;
  }
  const required = affinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** When every term names nodes, only those are worth a look. */
function preFilter(pod: Pod, isEnforced: boolean): PreFilterResult {
  const required = affinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) {
    return pod.spec.nodeSelector === undefined && !isEnforced ? { status: SKIP } : {};
  }
  let all: Set<string> | undefined;
  for (const term of required.nodeSelectorTerms) {
    const names = namesOf(term);
    if (names === undefined) return {};
    all = all === undefined ? names : all.union(names);
  }
  if (all === undefined) return {};
  return all.size === 0 ? { status: unresolvable(TERMS_CONFLICT) } : { nodeNames: all };
}

/** The names that a term's fields leave; undefined: it names none. */
function namesOf(term: NodeSelectorTerm): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (const { key, operator, values = [] } of term.matchFields ?? []) {
    if (key !== 'metadata.name' || operator !== 'In') continue;
    const these = new Set(values);
    names = names === undefined ? these : names.intersection(these);
  }
  return names;
}

function affinityOf(pod: Pod): NodeAffinity | undefined {
  return pod.spec.affinity?.nodeAffinity;
}

function preferredOf(pod: Pod): readonly PreferredSchedulingTerm[] {
  return affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}
