/**
 * Selectors, tolerations and requests as plainly as they can be said: for the slow oracle, which
 * shares no code with the scheduler.
 */

import type {
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  Taint,
} from '../../../proto/api/gen/core-v1.ts';
import type { LabelSelector } from '../../../proto/api/gen/meta-v1.ts';

export type Labels = Readonly<Record<string, string>>;

/** `500m` is 500, `2` is 2000. */
export function milli(text: string | undefined): number {
  if (text === undefined) return 0;
  return text.endsWith('m') ? Number(text.slice(0, -1)) : Number(text) * 1000;
}

/** `1Gi`, `200Mi`, `3`. */
export function amount(text: string | undefined): number {
  if (text === undefined) return 0;
  if (text.endsWith('Gi')) return Number(text.slice(0, -2)) * 1024 ** 3;
  if (text.endsWith('Mi')) return Number(text.slice(0, -2)) * 1024 ** 2;
  return Number(text);
}

export type Request = Readonly<Record<string, number>>;

const RESOURCES = ['cpu', 'memory', 'example.com/gpu'];

/** What a pod takes; with `defaults`, containers without a request count 100m and 200Mi. */
export function requestOf(pod: Pod, defaults: boolean): Request {
  const total: Record<string, number> = {};
  for (const resource of RESOURCES) {
    const read = (list: Labels | undefined): number => {
      const text = list?.[resource];
      if (text === undefined && defaults && resource === 'cpu') return 100;
      if (text === undefined && defaults && resource === 'memory') return 200 * 1024 ** 2;
      return resource === 'cpu' ? milli(text) : amount(text);
    };
    let sidecars = 0;
    let starting = 0;
    for (const init of pod.spec.initContainers ?? []) {
      const own = read(init.resources?.requests);
      if (init.restartPolicy === 'Always') sidecars += own;
      starting = Math.max(starting, init.restartPolicy === 'Always' ? sidecars : sidecars + own);
    }
    let running = sidecars;
    for (const container of pod.spec.containers) running += read(container.resources?.requests);
    const overhead = pod.spec.overhead?.[resource];
    total[resource] =
      Math.max(running, starting) + (resource === 'cpu' ? milli(overhead) : amount(overhead));
  }
  return total;
}

/** What a node has of a resource. */
export function capacityOf(node: Node, resource: string): number {
  const text = node.status.allocatable?.[resource];
  return resource === 'cpu' ? milli(text) : amount(text);
}

export function tolerates(pod: Pod, taint: Taint): boolean {
  return (pod.spec.tolerations ?? []).some((toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.key && toleration.key !== taint.key) return false;
    if (toleration.operator === 'Exists') return true;
    return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
  });
}

function requirementHolds(
  { operator, values = [] }: NodeSelectorRequirement,
  value: string | undefined,
): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  if (value === undefined || !/^\d+$/.test(value)) return false;
  return operator === 'Gt' ? Number(value) > Number(values[0]) : Number(value) < Number(values[0]);
}

export function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  for (const each of expressions) {
    if (!requirementHolds(each, node.metadata.labels?.[each.key])) return false;
  }
  for (const each of fields) if (!requirementHolds(each, node.metadata.name)) return false;
  return true;
}

/** The pod's node selector and required node affinity. */
export function wantsNode(pod: Pod, node: Node): boolean {
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (node.metadata.labels?.[key] !== value) return false;
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((t) => termMatches(t, node));
}

/** A selector that is absent selects nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels[key];
    const holds =
      operator === 'In'
        ? value !== undefined && values.includes(value)
        : operator === 'NotIn'
          ? value === undefined || !values.includes(value)
          : operator === 'Exists'
            ? value !== undefined
            : value === undefined;
    if (!holds) return false;
  }
  return true;
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}
