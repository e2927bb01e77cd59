/**
 * Nodes.
 * Source: kubernetes pkg/registry/core/node/strategy.go, pkg/printers/internalversion, v1.36.
 */

import type { Node, Taint } from '../../../proto/api/gen/core-v1.ts';
import { nodes } from '../../../proto/api/gen/resources.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../../proto/api/names.ts';
import type { FieldError } from '../../../proto/api/status-error.ts';
import { duplicate, forbiddenField, required, texts } from '../../../proto/api/validation.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, orNone, wideColumn } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { isDeepEqual } from './validation/deep-equal.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';

export const nodeStrategy = defineStrategy({
  resource: nodes,
  status: 'separate',
  withoutGeneration: true,
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  setDefaults(node) {
    node.spec ??= {};
    node.status ??= {};
    // What is not said to be kept back for the system is there for pods.
    const { status } = node;
    if (status.capacity !== undefined) {
      status.allocatable = { ...status.capacity, ...status.allocatable };
    }
  },
  validate: ({ spec }) => taintErrors(spec?.taints ?? []),
  validateUpdate(node, old) {
    const before = old.spec?.podCIDRs ?? [];
    if (before.length === 0 || isDeepEqual(node.spec?.podCIDRs, before)) return [];
    const why = 'node updates may not change podCIDR except from "" to valid';
    return [forbiddenField('spec.podCIDRs', why)];
  },

  columns: [
    NAME_COLUMN,
    column('Status', 'Whether the node is ready, and takes new pods.'),
    column('Roles', 'The roles of the node, from its labels.'),
    AGE_COLUMN,
    column('Version', 'The version that the node agent reports.'),
    wideColumn('Internal-IP', 'The first internal address of the node.'),
    wideColumn('External-IP', 'The first external address of the node.'),
    wideColumn('OS-Image', 'The operating system of the node.'),
    wideColumn('Kernel-Version', 'The kernel of the node.'),
    wideColumn('Container-Runtime', 'The container runtime of the node, and its version.'),
  ],
  cells(node, nowMs) {
    const { nodeInfo } = node.status ?? {};
    return [
      node.metadata.name,
      statusCell(node),
      orNone(rolesOf(node).join(',')),
      ageOf(node, nowMs),
      nodeInfo?.kubeletVersion ?? '',
      addressOf(node, 'InternalIP'),
      addressOf(node, 'ExternalIP'),
      nodeInfo?.osImage || '<unknown>',
      nodeInfo?.kernelVersion || '<unknown>',
      nodeInfo?.containerRuntimeVersion || '<unknown>',
    ];
  },
  selectableFields: (node) => ({
    'spec.unschedulable': String(node.spec?.unschedulable ?? false),
  }),
});

function taintErrors(taints: readonly Taint[]): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key = '', value = '', effect }, index) => {
    const field = `spec.taints[${index}]`;
    const errors = [
      ...texts(`${field}.key`, key, qualifiedNameErrors(key)),
      ...texts(`${field}.value`, value, labelValueErrors(value)),
    ];
    if (!effect) errors.push(required(`${field}.effect`));
    // A node is tainted once with a key and an effect.
    const id = `${key}:${effect}`;
    if (seen.has(id)) errors.push(duplicate(field, { key, value, effect }));
    seen.add(id);
    return errors;
  });
}

function statusCell(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const text = ready === undefined ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesOf(node: Node): string[] {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL) roles.add(value);
  }
  roles.delete('');
  return [...roles].sort();
}

function addressOf(node: Node, type: string): string {
  return orNone(node.status?.addresses?.find((address) => address.type === type)?.address);
}
