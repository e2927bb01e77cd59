/**
 * A pod's wishes to be near other pods, or far from them, ready to be matched.
 *
 * Source: kubernetes/kube-scheduler framework/types.go AffinityTerm, v0.36.
 */

import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../../proto/api/gen/core-v1.ts';
import { matchesLabels, type Requirement, requirementsOf } from '../../proto/api/label-selector.ts';

export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: readonly Requirement[];
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels, besides those named; absent: none. */
  readonly namespaceSelector?: readonly Requirement[];
  /** Of preferred terms, 1 to 100; 0 for required ones. */
  readonly weight: number;
  /** The same text for terms that match the same pods by the same topology, whatever their weight. */
  readonly key: string;
}

export interface AffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

/** The labels of a namespace; none when it isn't known. */
export type NamespaceLabels = (name: string) => Readonly<Record<string, string>>;

const NONE: AffinityTerms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
};

export function affinityTermsOf(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return NONE;
  const required = (terms: readonly PodAffinityTerm[] = []): AffinityTerm[] =>
    terms.map((term) => newTerm(term, pod, 0));
  const preferred = (terms: readonly WeightedPodAffinityTerm[] = []): AffinityTerm[] =>
    terms.map(({ podAffinityTerm, weight }) => newTerm(podAffinityTerm, pod, weight));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(
      podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution,
    ),
  };
}

export function hasAffinity(terms: AffinityTerms): boolean {
  return terms !== NONE;
}

export function matchesTerm(term: AffinityTerm, pod: Pod, labelsOf: NamespaceLabels): boolean {
  const namespace = pod.metadata.namespace ?? '';
  const isInNamespace =
    term.namespaces.has(namespace) ||
    (term.namespaceSelector !== undefined &&
      matchesLabels(term.namespaceSelector, labelsOf(namespace)));
  return isInNamespace && matchesLabels(term.selector, pod.metadata.labels);
}

/** Without any word on namespaces the pod's own is meant. */
function newTerm(term: PodAffinityTerm, pod: Pod, weight: number): AffinityTerm {
  const { namespaces = [], namespaceSelector, topologyKey, labelSelector } = term;
  const { namespace = '', labels = {} } = pod.metadata;
  const valuesOf = (key: string): readonly string[] => {
    const value = labels[key];
    return value === undefined ? [] : [value];
  };
  const same = (term.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const other = (term.mismatchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const isOwn = namespaces.length === 0 && namespaceSelector === undefined;
  // Upstream's API server merges the keys into the selector; here they are merged where it is read.
  const selector: readonly Requirement[] = [
    ...requirementsOf(labelSelector),
    ...same.map((key) => ({ key, operator: 'in' as const, values: valuesOf(key) })),
    ...other.map((key) => ({ key, operator: 'notin' as const, values: valuesOf(key) })),
  ];
  const where = isOwn ? [namespace] : namespaces;
  return {
    topologyKey,
    selector,
    namespaces: new Set(where),
    ...(namespaceSelector === undefined
      ? {}
      : { namespaceSelector: requirementsOf(namespaceSelector) }),
    weight,
    key: JSON.stringify([topologyKey, where, namespaceSelector, selector]),
  };
}
