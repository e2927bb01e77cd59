/**
 * A decision as kube-scheduler 1.36 makes it, written to be read and not to be fast: node by node,
 * plugin by plugin, from nothing kept. What the scheduler decides is compared with it.
 *
 * Source: kubernetes pkg/scheduler, v1.36, with parallelism 1.
 */

import type { Node, Pod } from '../../../proto/api/gen/core-v1.ts';
import { amount, capacityOf, requestOf, termMatches, tolerates, wantsNode } from './matching.ts';
import { affinityObjection, affinityScores, type World } from './pod-affinity.ts';
import { spreadObjection, spreadScores } from './spreading.ts';

export interface OracleDecision {
  /** In the order looked at. */
  readonly feasible: readonly string[];
  /** Of every other node. */
  readonly reasons: Readonly<Record<string, readonly string[]>>;
  /** Normalised, in the order of `feasible`, by plugin; empty when fewer than two nodes fit. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
  /** Absent: none fits. */
  readonly chosen?: string;
}

const WEIGHTS: Readonly<Record<string, number>> = {
  TaintToleration: 3,
  NodeAffinity: 2,
  NodeResourcesFit: 1,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
};

/** Ties go to the first. */
export function decideSlowly(pod: Pod, world: World, startIndex: number): OracleDecision {
  const order = inOrder(world.nodes);
  const rotated = order.map((_, step) => order[(startIndex + step) % order.length]);
  const feasible: Node[] = [];
  const reasons: Record<string, readonly string[]> = {};
  for (const node of rotated) {
    if (node === undefined) continue;
    const objections = objectionsOf(pod, node, world);
    if (objections.length === 0) feasible.push(node);
    else reasons[node.metadata.name] = objections;
  }
  const names = feasible.map(({ metadata }) => metadata.name);
  const [only] = names;
  if (only === undefined) return { feasible: [], reasons, scores: {} };
  if (names.length === 1) return { feasible: names, reasons, scores: {}, chosen: only };
  const scores = scoresOf(pod, feasible, world);
  const totals = names.map((_, index) => {
    let total = 0;
    for (const [plugin, values] of Object.entries(scores)) {
      total += (values[index] ?? 0) * (WEIGHTS[plugin] ?? 0);
    }
    return total;
  });
  const chosen = names[totals.indexOf(Math.max(...totals))] ?? only;
  return { feasible: names, reasons, scores, chosen };
}

/** The first node of every zone, then the second, … */
function inOrder(nodes: readonly Node[]): readonly Node[] {
  const zones = new Map<string, Node[]>();
  for (const node of nodes) {
    const labels = node.metadata.labels ?? {};
    const zone = `${labels['topology.kubernetes.io/region'] ?? ''} ${labels['topology.kubernetes.io/zone'] ?? ''}`;
    zones.set(zone, [...(zones.get(zone) ?? []), node]);
  }
  const order: Node[] = [];
  for (let index = 0; order.length < nodes.length; index += 1) {
    for (const members of zones.values()) {
      const node = members[index];
      if (node !== undefined) order.push(node);
    }
  }
  return order;
}

const podsOn = (node: Node, world: World): readonly Pod[] =>
  world.pods.filter(({ spec }) => spec.nodeName === node.metadata.name);

/** Of the first plugin that objects. */
function objectionsOf(pod: Pod, node: Node, world: World): readonly string[] {
  const { spec } = node;
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' as const };
  if (spec.unschedulable === true && !tolerates(pod, cordon)) {
    return ['node(s) were unschedulable'];
  }
  const isTainted = (spec.taints ?? []).some(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod, taint),
  );
  if (isTainted) return ['node(s) had untolerated taint(s)'];
  if (!wantsNode(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  if (!arePortsFree(pod, podsOn(node, world))) {
    return ["node(s) didn't have free ports for the requested pod ports"];
  }
  const lacking = resourcesLacking(pod, node, world);
  if (lacking.length > 0) return lacking;
  const objection = spreadObjection(pod, node, world) ?? affinityObjection(pod, node, world);
  return objection === undefined ? [] : [objection];
}

function arePortsFree(pod: Pod, others: readonly Pod[]): boolean {
  const portsOf = ({ spec }: Pod) =>
    spec.containers.flatMap(({ ports = [] }) => ports.filter(({ hostPort }) => hostPort));
  const used = others.flatMap(portsOf);
  return portsOf(pod).every((port) =>
    used.every((other) => {
      const isSame =
        port.hostPort === other.hostPort && (port.protocol ?? 'TCP') === (other.protocol ?? 'TCP');
      const [a, b] = [port.hostIP ?? '0.0.0.0', other.hostIP ?? '0.0.0.0'];
      return !(isSame && (a === b || a === '0.0.0.0' || b === '0.0.0.0'));
    }),
  );
}

function resourcesLacking(pod: Pod, node: Node, world: World): readonly string[] {
  const others = podsOn(node, world);
  const lacking: string[] = [];
  if (others.length + 1 > amount(node.status.allocatable?.pods)) lacking.push('Too many pods');
  for (const [resource, asked] of Object.entries(requestOf(pod, false))) {
    const used = others.reduce((sum, each) => sum + (requestOf(each, false)[resource] ?? 0), 0);
    if (asked > 0 && asked > capacityOf(node, resource) - used) {
      lacking.push(`Insufficient ${resource}`);
    }
  }
  return lacking;
}

/** Plugins that have nothing to say of this pod are left out. */
function scoresOf(
  pod: Pod,
  feasible: readonly Node[],
  world: World,
): Record<string, readonly number[]> {
  const scores: Record<string, readonly number[]> = {};
  const taints = feasible.map(
    ({ spec }) =>
      (spec.taints ?? []).filter((t) => t.effect === 'PreferNoSchedule' && !tolerates(pod, t))
        .length,
  );
  scores.TaintToleration = shares(taints).map((share) => 100 - share);
  const preferred =
    pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  if (preferred !== undefined && preferred.length > 0) {
    const raw = feasible.map((node) =>
      preferred.reduce(
        (sum, { weight, preference }) => sum + (termMatches(preference, node) ? weight : 0),
        0,
      ),
    );
    scores.NodeAffinity = shares(raw);
  }
  scores.NodeResourcesFit = feasible.map((node) => leastAllocated(pod, node, world));
  const spread = spreadScores(pod, feasible, world);
  if (spread !== undefined) scores.PodTopologySpread = spread;
  const affinity = affinityScores(pod, feasible, world);
  if (affinity !== undefined) scores.InterPodAffinity = affinity;
  const { cpu = 0, memory = 0 } = requestOf(pod, false);
  if (cpu > 0 || memory > 0) {
    scores.NodeResourcesBalancedAllocation = feasible.map((node) => balanced(pod, node, world));
  }
  scores.ImageLocality = feasible.map((node) => imageLocality(pod, node, world));
  return scores;
}

/** Of the highest, in percent; all 0 when that is 0. */
function shares(raw: readonly number[]): readonly number[] {
  const max = Math.max(...raw);
  return raw.map((one) => (max === 0 ? 0 : Math.floor((100 * one) / max)));
}

function leastAllocated(pod: Pod, node: Node, world: World): number {
  const scores = ['cpu', 'memory'].flatMap((resource) => {
    const capacity = capacityOf(node, resource);
    if (capacity === 0) return [];
    const all = [...podsOn(node, world), pod];
    const used = all.reduce((sum, each) => sum + (requestOf(each, true)[resource] ?? 0), 0);
    return [used > capacity ? 0 : Math.floor(((capacity - used) * 100) / capacity)];
  });
  if (scores.length === 0) return 0;
  return Math.floor(scores.reduce((sum, one) => sum + one, 0) / scores.length);
}

/** By the formula of 1.36: what the pod changes. */
function balanced(pod: Pod, node: Node, world: World): number {
  const others = podsOn(node, world);
  const balance = (pods: readonly Pod[]): number => {
    const fractions = ['cpu', 'memory'].flatMap((resource) => {
      const capacity = capacityOf(node, resource);
      const used = pods.reduce((sum, each) => sum + (requestOf(each, false)[resource] ?? 0), 0);
      return capacity === 0 ? [] : [Math.min(1, used / capacity)];
    });
    const [a, b] = fractions;
    const deviation = a === undefined || b === undefined ? 0 : Math.abs(a - b) / 2;
    return Math.trunc((1 - deviation) * 100);
  };
  return 50 + Math.trunc((50 + balance([...others, pod]) - balance(others)) / 2);
}

function imageLocality(pod: Pod, node: Node, world: World): number {
  const MIB = 1024 * 1024;
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const sizeOn = (image: string, where: Node): number | undefined =>
    where.status.images?.find(({ names = [] }) => names.includes(image))?.sizeBytes;
  let sum = 0;
  for (const { image = '' } of containers) {
    const name = image.slice(image.lastIndexOf('/') + 1).includes(':') ? image : `${image}:latest`;
    const size = sizeOn(name, node);
    const having = world.nodes.filter((each) => sizeOn(name, each) !== undefined).length;
    if (size !== undefined) sum += Math.trunc((size * having) / world.nodes.length);
  }
  const max = 1000 * MIB * containers.length;
  const clamped = Math.min(Math.max(sum, 23 * MIB), max);
  return Math.trunc((100 * (clamped - 23 * MIB)) / (max - 23 * MIB));
}
