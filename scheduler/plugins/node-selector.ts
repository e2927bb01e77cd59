/**
 * Node selectors: terms are alternatives, the expressions of a term must all hold, and a term
 * without any matches nothing.
 *
 * Source: kubernetes/component-helpers scheduling/corev1/nodeaffinity/nodeaffinity.go, v0.36.
 */

import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from '../../proto/api/gen/core-v1.ts';

export function matchesNodeSelector(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((each) => holds(each, labels[each.key])) &&
    matchFields.every((each) => holds(each, fieldOf(node, each.key)))
  );
}

/** The one field that upstream knows; another one matches nothing. */
function fieldOf(node: Node, key: string): string | undefined {
  return key === 'metadata.name' ? node.metadata.name : undefined;
}

function holds(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const { operator, values = [] } = requirement;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      return compares(operator, value, values[0]);
  }
}

function compares(operator: 'Gt' | 'Lt', value: string | undefined, bound?: string): boolean {
  const [actual, limit] = [integerOf(value), integerOf(bound)];
  if (actual === undefined || limit === undefined) return false;
  return operator === 'Gt' ? actual > limit : actual < limit;
}

function integerOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}
