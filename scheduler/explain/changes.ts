/**
 * Changes that may take a filter's objection away: what each plugin's words mean for the pod, the node,
 * or the pods on it. Whether they help is for the filters to say (remedies.ts).
 *
 * The order of costs, from what costs nobody anything to what changes what the pod is:
 * 1 uncordon the node, 2 make it ready, 3 tolerate a taint, 4 label the node, 5 one more pod slot,
 * 6 to 7 free resources (by the share of the node that must get free), 8 move a pod, 12 ask for less,
 * 15 give up a constraint. A remedy of several changes costs their sum.
 */

import type { Node, NodeSelectorTerm, Pod, Taint } from '../../proto/api/gen/core-v1.ts';
import { quantityToMilli, quantityValue } from '../../proto/api/quantity.ts';
import { isTolerated } from '../../proto/api/taints.ts';
import type { Objection } from '../../proto/scheduler/explanation.ts';
import type { NamespaceLabels } from '../cache/affinity-terms.ts';
import { portsConflict } from '../cache/host-ports.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { amountOf } from '../cache/resources.ts';
import { matchesNodeSelector } from '../plugins/node-selector.ts';
import { affinityChanges, moveOff, spreadChanges } from './placement-changes.ts';

/** What is to be different. Each function returns a changed copy. */
export interface Change {
  readonly text: string;
  readonly cost: number;
  readonly node?: (node: Node) => Node;
  readonly pod?: (pod: Pod) => Pod;
  /** Uids of pods that are to leave the node. */
  readonly leaving?: readonly string[];
  /** Other nodes' verdicts may hang on it too: labels and pods count beyond their node. */
  readonly isWide?: boolean;
}

const CORDONED = 'node.kubernetes.io/unschedulable';
/** Taints that the node controller sets and takes away by itself. */
const CONDITION_TAINTS = 'node.kubernetes.io/';

/** The changes that would answer this objection together; undefined: none is known. */
export function changesFor(
  objection: Objection,
  pod: PodInfo,
  node: NodeInfo,
  labelsOf: NamespaceLabels,
): readonly Change[] | undefined {
  switch (objection.plugin) {
    case 'NodeUnschedulable':
      return [uncordon(node)];
    case 'TaintToleration':
      return taintChanges(pod.pod, node);
    case 'NodeAffinity':
      return labelChanges(pod.pod, node);
    case 'NodePorts':
      return portChanges(pod, node);
    case 'NodeResourcesFit':
      return roomChanges(pod, node);
    case 'PodTopologySpread':
      return spreadChanges(objection, pod.pod, node);
    case 'InterPodAffinity':
      return affinityChanges(objection, pod, node, labelsOf);
    default:
      return undefined;
  }
}

function uncordon({ name }: NodeInfo): Change {
  return {
    text: `uncordon node ${name}`,
    cost: 1,
    node: (node) => {
      const taints = node.spec.taints?.filter(({ key }) => key !== CORDONED) ?? [];
      return { ...node, spec: { ...node.spec, unschedulable: false, taints } };
    },
  };
}

function taintChanges(pod: Pod, info: NodeInfo): readonly Change[] {
  const taints = (info.node.spec.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(taint, pod.spec.tolerations),
  );
  return taints.map((taint) => {
    if (taint.key === CORDONED) return uncordon(info);
    if (!taint.key.startsWith(CONDITION_TAINTS)) return tolerate(taint);
    const without = (node: Node): Node => {
      const left = node.spec.taints?.filter(({ key }) => key !== taint.key) ?? [];
      return { ...node, spec: { ...node.spec, taints: left } };
    };
    const what = taint.key.slice(CONDITION_TAINTS.length);
    return { text: `end the condition ${what} of node ${info.name}`, cost: 2, node: without };
  });
}

function tolerate(taint: Taint): Change {
  const { key, value = '', effect } = taint;
  const toleration =
    value === ''
      ? ({ key, operator: 'Exists', effect } as const)
      : ({ key, operator: 'Equal', value, effect } as const);
  return {
    text: `tolerate ${key}${value === '' ? '' : `=${value}`}:${effect}`,
    cost: 3,
    pod: (pod) => {
      const tolerations = [...(pod.spec.tolerations ?? []), toleration];
      return { ...pod, spec: { ...pod.spec, tolerations } };
    },
  };
}

/** Labels that the pod's selector and the first of its required terms want. */
function labelChanges(pod: Pod, info: NodeInfo): readonly Change[] | undefined {
  const labels = info.node.metadata.labels ?? {};
  const wanted = new Map<string, string | undefined>();
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labels[key] !== value) wanted.set(key, value);
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required !== undefined && !matchesNodeSelector(required, info.node)) {
    const ofTerms = required.nodeSelectorTerms
      .map((term) => labelsFor(term, labels))
      .filter((found) => found !== undefined)
      .sort((a, b) => a.size - b.size);
    const [fewest] = ofTerms;
    if (fewest === undefined) return undefined;
    for (const [key, value] of fewest) wanted.set(key, value);
  }
  if (wanted.size === 0) return undefined;
  return [...wanted].map(([key, value]) => labelChange(info, key, value));
}

/** undefined as a value: the label is to go. */
function labelsFor(
  term: NodeSelectorTerm,
  labels: Readonly<Record<string, string>>,
): ReadonlyMap<string, string | undefined> | undefined {
  if (term.matchFields !== undefined && term.matchFields.length > 0) return undefined;
  const wanted = new Map<string, string | undefined>();
  for (const { key, operator, values = [] } of term.matchExpressions ?? []) {
    const [first = ''] = values;
    const value = labels[key];
    switch (operator) {
      case 'In':
        if (value === undefined || !values.includes(value)) wanted.set(key, first);
        break;
      case 'NotIn':
        if (value !== undefined && values.includes(value)) wanted.set(key, undefined);
        break;
      case 'Exists':
        if (value === undefined) wanted.set(key, '');
        break;
      case 'DoesNotExist':
        if (value !== undefined) wanted.set(key, undefined);
        break;
      case 'Gt':
        if (!(Number(value) > Number(first))) wanted.set(key, String(Number(first) + 1));
        break;
      case 'Lt':
        if (!(Number(value) < Number(first))) wanted.set(key, String(Number(first) - 1));
        break;
    }
  }
  return wanted;
}

function labelChange({ name }: NodeInfo, key: string, value: string | undefined): Change {
  const text =
    value === undefined
      ? `remove label ${key} from ${name}`
      : `add label ${key}=${value} to ${name}`;
  return {
    text,
    cost: 4,
    isWide: true,
    node: (node) => {
      const { [key]: _, ...others } = node.metadata.labels ?? {};
      const labels = value === undefined ? others : { ...others, [key]: value };
      return { ...node, metadata: { ...node.metadata, labels } };
    },
  };
}

function portChanges(pod: PodInfo, node: NodeInfo): readonly Change[] | undefined {
  const holders = [...node.pods.values()].filter(({ hostPorts }) =>
    hostPorts.some((taken) => pod.hostPorts.some((wanted) => portsConflict(taken, wanted))),
  );
  return holders.length === 0 ? undefined : holders.map((holder) => moveOff(holder, node));
}

function roomChanges(pod: PodInfo, node: NodeInfo): readonly Change[] {
  const changes: Change[] = [];
  if (node.pods.size + 1 > node.allocatablePods) {
    const slots = node.pods.size + 1 - node.allocatablePods;
    changes.push({
      text: `${slots} more pod slot${slots === 1 ? '' : 's'} on ${node.name}`,
      cost: 5,
      node: (each) => withMore(each, 'pods', slots),
    });
  }
  const names = ['cpu', 'memory', 'ephemeral-storage', ...pod.requests.scalars.keys()];
  for (const name of names) {
    const asked = amountOf(pod.requests, name);
    const total = amountOf(node.allocatable, name);
    const lacking = asked - (total - amountOf(node.requested, name));
    if (asked <= 0 || lacking <= 0) continue;
    const amount = amountText(name, lacking);
    const grown = (each: Node): Node => withMore(each, name, lacking);
    if (asked > total) {
      const has = amountText(name, total);
      const text = `ask for ${amount} ${name} less (${node.name} has ${has} in all)`;
      changes.push({ text, cost: 12, node: grown });
    } else {
      const text = `free ${amount} ${name} on ${node.name}`;
      changes.push({ text, cost: 6 + lacking / total, node: grown });
    }
  }
  return changes;
}

/** To the filters it is the same whether a node has more, or its pods take less. */
function withMore(node: Node, resource: string, amount: number): Node {
  const { allocatable = {} } = node.status;
  const had = allocatable[resource] ?? '0';
  return {
    ...node,
    status: {
      ...node.status,
      allocatable: { ...allocatable, [resource]: plus(resource, had, amount) },
    },
  };
}

function plus(resource: string, had: string | number, amount: number): string {
  return resource === 'cpu'
    ? `${quantityToMilli(had) + amount}m`
    : String(quantityValue(had) + amount);
}

/** `300m`, `2`, `512Mi`; what isn't whole is rounded up. */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return String(amount);
  return amount >= GIB && amount % GIB === 0 ? `${amount / GIB}Gi` : `${Math.ceil(amount / MIB)}Mi`;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
