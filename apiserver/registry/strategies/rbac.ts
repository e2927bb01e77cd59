/**
 * Roles and their bindings: stored, so that manifests apply, but nothing enforces them yet, and
 * each one says so.
 * Source: kubernetes pkg/apis/rbac/{v1/defaults.go,validation}, pkg/printers/internalversion, v1.36.
 */

import type { PolicyRule, RoleRef, Subject } from '../../../proto/api/gen/rbac-v1.ts';
import {
  clusterrolebindings,
  clusterroles,
  rolebindings,
  roles,
} from '../../../proto/api/gen/resources.ts';
import type { FieldError } from '../../../proto/api/status-error.ts';
import { invalidField, notSupported, required } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from './columns.ts';
import { defineStrategy, type Editable } from './define-strategy.ts';
import { isDeepEqual } from './validation/deep-equal.ts';

const GROUP = 'rbac.authorization.k8s.io';
const NOT_ENFORCED = [
  "rbac.authorization.k8s.io: stored, but not looked at yet: administrators and the cluster's own components may do everything, others nothing",
];

const common = {
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'path',
  warnings: () => NOT_ENFORCED,
} as const;

const CREATED_COLUMN = column('Created At', 'When the role was made.', 'date');

export const roleStrategy = defineStrategy({
  ...common,
  resource: roles,
  validate: ({ rules = [] }) => ruleErrors(rules, true),
  columns: [NAME_COLUMN, CREATED_COLUMN],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
});

export const clusterRoleStrategy = defineStrategy({
  ...common,
  resource: clusterroles,
  validate: ({ rules = [] }) => ruleErrors(rules ?? [], false),
  columns: [NAME_COLUMN, CREATED_COLUMN],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
});

const BINDING_COLUMNS = [
  NAME_COLUMN,
  column('Role', 'The role that is given.'),
  AGE_COLUMN,
  wideColumn('Users', 'The users it is given to.'),
  wideColumn('Groups', 'The groups it is given to.'),
  wideColumn('ServiceAccounts', 'The service accounts it is given to.'),
];

interface BindingParts {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

const bindingHooks = {
  ...common,
  setDefaults(binding: { roleRef: Editable<RoleRef>; subjects?: Editable<Subject>[] }) {
    if (binding.roleRef !== undefined) binding.roleRef.apiGroup ||= GROUP;
    for (const subject of binding.subjects ?? []) {
      if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= GROUP;
    }
  },
  validate: bindingErrors,
  validateUpdate(binding: BindingParts, old: BindingParts): FieldError[] {
    if (isDeepEqual(binding.roleRef, old.roleRef)) return [];
    return [invalidField('roleRef', binding.roleRef, 'cannot change roleRef')];
  },
  columns: BINDING_COLUMNS,
  cells: bindingCells,
};

export const roleBindingStrategy = defineStrategy({ ...bindingHooks, resource: rolebindings });

export const clusterRoleBindingStrategy = defineStrategy({
  ...bindingHooks,
  resource: clusterrolebindings,
});

function ruleErrors(rules: readonly PolicyRule[], namespaced: boolean): FieldError[] {
  return rules.flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const { verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] } = rule;
    const errors: FieldError[] = [];
    if (verbs.length === 0)
      errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      const why = 'namespaced rules cannot apply to non-resource URLs';
      if (namespaced) errors.push(invalidField(`${at}.nonResourceURLs`, nonResourceURLs, why));
      if (apiGroups.length + resources.length > 0) {
        const both = 'rules cannot apply to both regular resources and non-resource URLs';
        errors.push(invalidField(`${at}.nonResourceURLs`, nonResourceURLs, both));
      }
      return errors;
    }
    if (apiGroups.length === 0) {
      const why = 'resource rules must supply at least one api group';
      errors.push(required(`${at}.apiGroups`, why));
    }
    if (resources.length === 0) {
      const why = 'resource rules must supply at least one resource';
      errors.push(required(`${at}.resources`, why));
    }
    return errors;
  });
}

function bindingErrors(binding: BindingParts): FieldError[] {
  const { roleRef, subjects = [] } = binding;
  const errors: FieldError[] = [];
  if (roleRef?.apiGroup !== GROUP) {
    errors.push(notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [GROUP]));
  }
  if (roleRef?.kind !== 'Role' && roleRef?.kind !== 'ClusterRole') {
    errors.push(notSupported('roleRef.kind', roleRef?.kind ?? '', ['ClusterRole', 'Role']));
  }
  if (!roleRef?.name) errors.push(required('roleRef.name'));
  for (const [index, subject] of subjects.entries()) {
    const at = `subjects[${index}]`;
    if (!subject.name) errors.push(required(`${at}.name`));
    switch (subject.kind) {
      case 'ServiceAccount':
        if (!subject.namespace) errors.push(required(`${at}.namespace`));
        break;
      case 'User':
      case 'Group':
        if (subject.apiGroup !== GROUP) {
          errors.push(notSupported(`${at}.apiGroup`, subject.apiGroup ?? '', [GROUP]));
        }
        break;
      default:
        errors.push(notSupported(`${at}.kind`, subject.kind, ['Group', 'ServiceAccount', 'User']));
    }
  }
  return errors;
}

function bindingCells(binding: BindingParts, nowMs: number) {
  const { metadata, roleRef, subjects = [] } = binding;
  const names = (kind: string) => subjects.filter((subject) => subject.kind === kind);
  return [
    metadata.name,
    `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
    ageOf(binding, nowMs),
    names('User')
      .map(({ name }) => name)
      .join(', '),
    names('Group')
      .map(({ name }) => name)
      .join(', '),
    names('ServiceAccount')
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .join(', '),
  ];
}
