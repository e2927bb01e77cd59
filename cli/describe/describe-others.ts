/** Describes nodes and workloads as kubectl does; and anything else by its fields. */

import { stringify } from 'yaml';
import type { Deployment } from '../../proto/api/gen/apps-v1.ts';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { alignColumns } from '../printers/table.ts';
import type { DescriptionWriter } from './writer.ts';

/** `podsOnNode` are all pods that are bound to it. */
export function describeNode(
  node: Node,
  podsOnNode: readonly Pod[],
  writer: DescriptionWriter,
): void {
  const { spec, status } = node;
  const taints = (spec.taints ?? []).map(
    ({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`,
  );
  writer.line('Taints', taints.length === 0 ? '<none>' : taints.join(', '));
  writer.line('Unschedulable', spec.unschedulable === true);
  writer.section('Conditions', (inner) => {
    const rows = (status.conditions ?? []).map((one) => [
      one.type,
      one.status,
      one.lastHeartbeatTime ?? '',
      one.lastTransitionTime ?? '',
      one.reason ?? '',
      one.message ?? '',
    ]);
    const head = ['Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message'];
    inner.rows(alignColumns([head, ...rows]));
  });
  writer.section('Addresses', (inner) => {
    for (const { type, address } of status.addresses ?? []) inner.line(type, address);
  });
  for (const field of ['capacity', 'allocatable'] as const) {
    writer.section(field === 'capacity' ? 'Capacity' : 'Allocatable', (inner) => {
      for (const [name, amount] of Object.entries(status[field] ?? {})) inner.line(name, amount);
    });
  }
  writer.section('System Info', (inner) => {
    for (const [name, value] of Object.entries(status.nodeInfo ?? {}))
      inner.line(name, String(value));
  });
  writer.line('PodCIDR', spec.podCIDR);
  const shown = podsOnNode.filter(
    ({ status: { phase } }) => phase !== 'Succeeded' && phase !== 'Failed',
  );
  writer.section(`Non-terminated Pods (${shown.length} in total)`, (inner) => {
    const rows = shown.map((pod) => [
      pod.metadata.namespace ?? '',
      pod.metadata.name,
      pod.status.phase ?? '',
    ]);
    inner.rows(alignColumns([['Namespace', 'Name', 'Phase'], ...rows]));
  });
}

export function describeDeployment(deployment: Deployment, writer: DescriptionWriter): void {
  const { spec, status } = deployment;
  writer.map('Selector', spec.selector.matchLabels);
  writer.line(
    'Replicas',
    `${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${
      status.availableReplicas ?? 0
    } available | ${status.unavailableReplicas ?? 0} unavailable`,
  );
  writer.line('StrategyType', spec.strategy?.type);
  const rolling = spec.strategy?.rollingUpdate;
  if (rolling !== undefined) {
    const text = `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`;
    writer.line('RollingUpdateStrategy', text);
  }
  writer.section('Pod Template', (inner) => {
    inner.map('Labels', spec.template.metadata?.labels);
    for (const { name, image } of spec.template.spec?.containers ?? []) inner.line(name, image);
  });
  writer.section('Conditions', (inner) => {
    const rows = (status.conditions ?? []).map(({ type, status: value, reason = '' }) => [
      type,
      value,
      reason,
    ]);
    inner.rows(alignColumns([['Type', 'Status', 'Reason'], ...rows]));
  });
}

/** All fields but the metadata, as YAML. */
export function describeGeneric(object: KubernetesObject, writer: DescriptionWriter): void {
  const {
    apiVersion,
    kind,
    metadata: _,
    ...rest
  } = object as KubernetesObject & Record<string, unknown>;
  writer.line('API Version', apiVersion);
  writer.line('Kind', kind);
  const text =
    kind === 'Secret' ? stringify(withoutSecrets(rest)) : stringify(rest, { lineWidth: 0 });
  for (const line of text === '{}\n' ? [] : text.trimEnd().split('\n')) writer.text(line);
}

/** Sizes in place of values: a description is often shown to others. */
function withoutSecrets(fields: Readonly<Record<string, unknown>>): unknown {
  const data = Object.entries((fields.data ?? {}) as Readonly<Record<string, string>>);
  const sizes = data.map(([key, value]) => [key, `${Buffer.from(value, 'base64').length} bytes`]);
  return { ...fields, data: Object.fromEntries(sizes) };
}
