/** Inter-pod affinity, plainly: every pod is looked at for every node. */

import type { Node, Pod, PodAffinityTerm } from '../../../proto/api/gen/core-v1.ts';
import { type Labels, selects } from './matching.ts';

export interface World {
  readonly nodes: readonly Node[];
  /** Pods on nodes. */
  readonly pods: readonly Pod[];
  readonly namespaces: Readonly<Record<string, Labels>>;
}

/** Whether a term of `owner` means `other`. */
function means(term: PodAffinityTerm, owner: Pod, other: Pod, world: World): boolean {
  const named = term.namespaces ?? [];
  const { namespaceSelector } = term;
  const namespace = other.metadata.namespace ?? '';
  const isIn =
    named.length === 0 && namespaceSelector === undefined
      ? namespace === owner.metadata.namespace
      : named.includes(namespace) ||
        (namespaceSelector !== undefined &&
          selects(namespaceSelector, world.namespaces[namespace] ?? {}));
  return isIn && selects(term.labelSelector, other.metadata.labels);
}

function isTogether(a: Node, b: Node, key: string): boolean {
  const value = a.metadata.labels?.[key];
  return value !== undefined && value === b.metadata.labels?.[key];
}

const required = (pod: Pod, kind: 'podAffinity' | 'podAntiAffinity') =>
  pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferred = (pod: Pod, kind: 'podAffinity' | 'podAntiAffinity') =>
  pod.spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

function nodeOf(pod: Pod, world: World): Node | undefined {
  return world.nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName);
}

/** Undefined: nothing is against the node. */
export function affinityObjection(pod: Pod, node: Node, world: World): string | undefined {
  const terms = required(pod, 'podAffinity');
  const friends = world.pods.filter((other) =>
    terms.every((term) => means(term, pod, other, world)),
  );
  const hasKeys = terms.every((term) => node.metadata.labels?.[term.topologyKey] !== undefined);
  const isNear = terms.every((term) =>
    friends.some((friend) => {
      const where = nodeOf(friend, world);
      return where !== undefined && isTogether(node, where, term.topologyKey);
    }),
  );
  // Friends whose nodes lack all the labels count as none.
  const isAnyFriend = friends.some((friend) => {
    const where = nodeOf(friend, world);
    return terms.some((term) => where?.metadata.labels?.[term.topologyKey] !== undefined);
  });
  const isFirst = !isAnyFriend && terms.every((term) => means(term, pod, pod, world));
  if (terms.length > 0 && !(hasKeys && (isNear || isFirst))) {
    return "node(s) didn't match pod affinity rules";
  }
  for (const term of required(pod, 'podAntiAffinity')) {
    for (const other of world.pods) {
      const where = nodeOf(other, world);
      if (where === undefined || !means(term, pod, other, world)) continue;
      if (isTogether(node, where, term.topologyKey)) {
        return "node(s) didn't match pod anti-affinity rules";
      }
    }
  }
  for (const other of world.pods) {
    const where = nodeOf(other, world);
    for (const term of required(other, 'podAntiAffinity')) {
      if (where === undefined || !means(term, other, pod, world)) continue;
      if (isTogether(node, where, term.topologyKey)) {
        return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
  }
  return undefined;
}

/** Of all feasible nodes, normalised; undefined when nobody has a wish. */
export function affinityScores(
  pod: Pod,
  feasible: readonly Node[],
  world: World,
): readonly number[] | undefined {
  /** Key -> value -> points. */
  const points: Record<string, Record<string, number>> = {};
  const add = (where: Node, key: string, weight: number): void => {
    const value = where.metadata.labels?.[key];
    if (value === undefined) return;
    const ofKey = points[key] ?? {};
    points[key] = ofKey;
    ofKey[value] = (ofKey[value] ?? 0) + weight;
  };
  for (const other of world.pods) {
    const where = nodeOf(other, world);
    if (where === undefined) continue;
    for (const { podAffinityTerm: term, weight } of preferred(pod, 'podAffinity')) {
      if (means(term, pod, other, world)) add(where, term.topologyKey, weight);
    }
    for (const { podAffinityTerm: term, weight } of preferred(pod, 'podAntiAffinity')) {
      if (means(term, pod, other, world)) add(where, term.topologyKey, -weight);
    }
    for (const term of required(other, 'podAffinity')) {
      if (means(term, other, pod, world)) add(where, term.topologyKey, 1);
    }
    for (const { podAffinityTerm: term, weight } of preferred(other, 'podAffinity')) {
      if (means(term, other, pod, world)) add(where, term.topologyKey, weight);
    }
    for (const { podAffinityTerm: term, weight } of preferred(other, 'podAntiAffinity')) {
      if (means(term, other, pod, world)) add(where, term.topologyKey, -weight);
    }
  }
  if (Object.keys(points).length === 0) return undefined;
  const raw = feasible.map((node) => {
    let sum = 0;
    for (const [key, values] of Object.entries(points)) {
      const value = node.metadata.labels?.[key];
      if (value !== undefined) sum += values[value] ?? 0;
    }
    return sum;
  });
  const [min, max] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((one) => (max === min ? 0 : Math.floor((100 * (one - min)) / (max - min))));
}
