/**
 * Only nodes that the pod's `nodeSelector` and required node affinity select; among them rather those
 * that its preferred terms select.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/nodeaffinity, v1.36.
 */

import type { Node, NodeAffinity, NodeSelectorTerm, Pod } from '../../proto/api/gen/core-v1.ts';
import type { Plugin, PreFilterResult } from '../framework/plugin.ts';
import { SKIP, unresolvable } from '../framework/status.ts';
import { matchesNodeSelector, matchesNodeSelectorTerm } from './node-selector.ts';
import { normalizeByMax } from './normalize.ts';

const NO_MATCH = "node(s) didn't match Pod's node affinity/selector";
const TERMS_CONFLICT = 'pod affinity terms conflict';

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  events: [{ kind: 'NodeAdd' }, { kind: 'NodeUpdateLabel' }],
  preFilter: (_state, { pod }) => preFilter(pod),
  filter: (_state, { pod }, { node }) =>
    requiredNodesMatch(pod, node) ? undefined : unresolvable(NO_MATCH),
  preScore: (_state, { pod }) => (preferredOf(pod).length === 0 ? SKIP : undefined),
  score: (_state, { pod }, { node }) => {
    let total = 0;
    for (const { weight, preference } of preferredOf(pod)) {
      if (weight > 0 && matchesNodeSelectorTerm(preference, node)) total += weight;
    }
    return total;
  },
  normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, false),
};

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
function preFilter(pod: Pod): PreFilterResult {
  const required = affinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) {
    return pod.spec.nodeSelector === undefined ? { status: SKIP } : {};
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

function preferredOf(
  pod: Pod,
): NonNullable<NodeAffinity['preferredDuringSchedulingIgnoredDuringExecution']> {
  return affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}
