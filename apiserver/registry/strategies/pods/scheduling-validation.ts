/**
 * Validation of what steers the scheduler: node selectors, affinity, tolerations, spreading.
 * Source: kubernetes pkg/apis/core/validation/validation.go `validateAffinity`,
 * `ValidateTolerations`, `validateTopologySpreadConstraints`, v1.36.
 */

import type {
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from '../../../../proto/api/gen/core-v1.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
} from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  duplicate,
  forbiddenField,
  invalidField,
  labelErrors,
  labelSelectorErrors,
  notSupported,
  required,
  texts,
} from '../../../../proto/api/validation.ts';

const WEIGHT_MAX = 100;
const LIST_OPERATORS: readonly string[] = ['In', 'NotIn'];
const BARE_OPERATORS: readonly string[] = ['Exists', 'DoesNotExist'];
const NUMBER_OPERATORS: readonly string[] = ['Gt', 'Lt'];

export function schedulingErrors(at: string, spec: PodSpec): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const affinity = `${at}.affinity`;
  return [
    ...labelErrors(`${at}.nodeSelector`, spec.nodeSelector ?? {}),
    ...nodeAffinityErrors(`${affinity}.nodeAffinity`, nodeAffinity),
    ...podAffinityErrors(`${affinity}.podAffinity`, podAffinity),
    ...podAffinityErrors(`${affinity}.podAntiAffinity`, podAntiAffinity),
    ...(spec.tolerations ?? []).flatMap((one, index) =>
      tolerationErrors(`${at}.tolerations[${index}]`, one),
    ),
    ...spreadErrors(`${at}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []),
    ...gateErrors(`${at}.schedulingGates`, spec),
    ...groupErrors(`${at}.schedulingGroup`, spec),
  ];
}

function nodeAffinityErrors(at: string, affinity: NodeAffinity | undefined): FieldError[] {
  const needed = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const wished = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const errors: FieldError[] = [];
  if (needed !== undefined) {
    const field = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = needed.nodeSelectorTerms ?? [];
    if (terms.length === 0) {
      errors.push(required(field, 'must have at least one node selector term'));
    }
    errors.push(...terms.flatMap((term, i) => nodeTermErrors(`${field}[${i}]`, term)));
  }
  for (const [index, { weight, preference }] of wished.entries()) {
    const field = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    errors.push(...weightErrors(`${field}.weight`, weight));
    errors.push(...nodeTermErrors(`${field}.preference`, preference ?? {}));
  }
  return errors;
}

function nodeTermErrors(at: string, term: NodeSelectorTerm): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, index) =>
      nodeRequirementErrors(`${at}.matchExpressions[${index}]`, requirement),
    ),
    ...(term.matchFields ?? []).flatMap((requirement, index) =>
      nodeFieldErrors(`${at}.matchFields[${index}]`, requirement),
    ),
  ];
}

function nodeRequirementErrors(at: string, requirement: NodeSelectorRequirement): FieldError[] {
  const { key = '', operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (LIST_OPERATORS.includes(operator)) {
    const why = "must be specified when `operator` is 'In' or 'NotIn'";
    if (values.length === 0) errors.push(required(`${at}.values`, why));
  } else if (BARE_OPERATORS.includes(operator)) {
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    if (values.length > 0) errors.push(forbiddenField(`${at}.values`, why));
  } else if (NUMBER_OPERATORS.includes(operator)) {
    const why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
    if (values.length !== 1) errors.push(required(`${at}.values`, why));
  } else errors.push(invalidField(`${at}.operator`, operator, 'not a valid selector operator'));
  return [...errors, ...texts(`${at}.key`, key, qualifiedNameErrors(key))];
}

function nodeFieldErrors(at: string, requirement: NodeSelectorRequirement): FieldError[] {
  const { key, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (!LIST_OPERATORS.includes(operator)) {
    errors.push(invalidField(`${at}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${at}.values`, why));
  }
  if (key !== 'metadata.name') {
    errors.push(invalidField(`${at}.key`, key, 'not a valid field selector key'));
  }
  return errors;
}

function podAffinityErrors(at: string, affinity: PodAffinity | undefined): FieldError[] {
  const needed = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const wished = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...needed.flatMap((term, index) =>
      podTermErrors(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term),
    ),
    ...wished.flatMap(({ weight, podAffinityTerm: term }, index) => {
      const field = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      const errors = weightErrors(`${field}.weight`, weight);
      return [...errors, ...podTermErrors(`${field}.podAffinityTerm`, term)];
    }),
  ];
}

function podTermErrors(at: string, term: PodAffinityTerm | undefined): FieldError[] {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = '' } = term ?? {};
  const errors = [
    ...labelSelectorErrors(`${at}.labelSelector`, labelSelector),
    ...labelSelectorErrors(`${at}.namespaceSelector`, namespaceSelector),
  ];
  for (const name of namespaces) {
    errors.push(...texts(`${at}.namespaces`, name, dns1123LabelErrors(name)));
  }
  if (topologyKey === '') errors.push(required(`${at}.topologyKey`, 'can not be empty'));
  errors.push(...texts(`${at}.topologyKey`, topologyKey, qualifiedNameErrors(topologyKey)));
  return errors;
}

function weightErrors(field: string, weight = 0): FieldError[] {
  if (weight >= 1 && weight <= WEIGHT_MAX) return [];
  return [invalidField(field, weight, 'must be in the range 1-100')];
}

export function tolerationErrors(at: string, toleration: Toleration): FieldError[] {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  const errors: FieldError[] = [];
  if (key !== '') errors.push(...texts(`${at}.key`, key, qualifiedNameErrors(key)));
  else if (operator !== 'Exists') {
    const why =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalidField(`${at}.operator`, operator, why));
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalidField(`${at}.effect`, effect, why));
  }
  if (operator === 'Equal') {
    errors.push(...texts(`${at}.operator`, value, labelValueErrors(value)));
  } else if (operator === 'Exists') {
    const why = "value must be empty when `operator` is 'Exists'";
    if (value !== '') errors.push(invalidField(`${at}.operator`, toleration, why));
  } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
  return errors;
}

function spreadErrors(at: string, constraints: readonly TopologySpreadConstraint[]): FieldError[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, index) => {
    const field = `${at}[${index}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable, minDomains } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) {
      errors.push(invalidField(`${field}.maxSkew`, maxSkew, 'must be greater than zero'));
    }
    if (topologyKey === '') errors.push(required(`${field}.topologyKey`, 'can not be empty'));
    if (minDomains !== undefined && minDomains <= 0) {
      errors.push(invalidField(`${field}.minDomains`, minDomains, 'must be greater than zero'));
    }
    const key = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(key)) {
      errors.push(duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, key));
    }
    seen.add(key);
    return [...errors, ...labelSelectorErrors(`${field}.labelSelector`, constraint.labelSelector)];
  });
}

function gateErrors(at: string, spec: PodSpec): FieldError[] {
  const gates = spec.schedulingGates ?? [];
  const errors: FieldError[] = gates.flatMap(({ name }, index) => [
    ...texts(`${at}[${index}]`, name, qualifiedNameErrors(name)),
  ]);
  if (gates.length > 0 && (spec.nodeName ?? '') !== '') {
    const field = at.replace(/schedulingGates$/, 'nodeName');
    errors.push(forbiddenField(field, 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

/** Source: core/v1 types.go PodSchedulingGroup, a union of one member. */
function groupErrors(at: string, { schedulingGroup }: PodSpec): FieldError[] {
  if (schedulingGroup === undefined) return [];
  const { podGroupName } = schedulingGroup;
  if (podGroupName === undefined) return [required(at, 'must specify one of: `podGroupName`')];
  const why = dns1123SubdomainErrors(podGroupName);
  return why.map((detail) => invalidField(`${at}.podGroupName`, podGroupName, detail));
}
