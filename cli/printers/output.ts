/** What `-o` asks for, and the printing of whole objects: yaml, json, name, jsonpath. */

import { stringify } from 'yaml';
import { evaluateJsonPath } from '../../proto/api/jsonpath.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { groupResource } from '../../proto/api/resource.ts';
import { CliUsageError } from '../session.ts';

export type Output =
  | { readonly kind: 'table'; readonly wide: boolean }
  | { readonly kind: 'yaml' | 'json' | 'name' }
  | { readonly kind: 'jsonpath'; readonly template: string };

/** Parses the value of `-o`; absent: a table. */
export function parseOutput(text: string | undefined): Output {
  if (text === undefined || text === '') return { kind: 'table', wide: false };
  if (text === 'wide') return { kind: 'table', wide: true };
  if (text === 'yaml' || text === 'json' || text === 'name') return { kind: text };
  const template = /^jsonpath=(.*)$/s.exec(text)?.[1];
  if (template !== undefined) return { kind: 'jsonpath', template };
  throw new CliUsageError(
    `unable to match a printer suitable for the output format "${text}": use wide, yaml, json, name or jsonpath=TEMPLATE`,
  );
}

/** Text of one object, or of a List of several, with its final newline where the format has one. */
export function formatObject(
  object: unknown,
  output: Exclude<Output, { readonly kind: 'table' }>,
): string {
  switch (output.kind) {
    case 'yaml':
      return stringify(inOrder(withoutManagedFields(object)), {
        // Readers of YAML 1.1 would take bare words such as `on` and times for something else.
        version: '1.1',
        indentSeq: false,
        lineWidth: 0,
        aliasDuplicateObjects: false,
      });
    case 'json':
      return `${JSON.stringify(inOrder(withoutManagedFields(object)), undefined, 4)}\n`;
    case 'name':
      return itemsOf(object)
        .map((item) => `${objectName(item)}\n`)
        .join('');
    case 'jsonpath':
      return evaluateJsonPath(output.template, object);
  }
}

/** `pod/web`, `deployment.apps/web`: how an object is named in results. */
export function objectName(object: KubernetesObject): string {
  const [group = ''] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : [''];
  const resource = groupResource({ group, plural: object.kind.toLowerCase() });
  return `${resource}/${object.metadata.name}`;
}

function itemsOf(object: unknown): readonly KubernetesObject[] {
  const list = object as { readonly items?: readonly KubernetesObject[] };
  return Array.isArray(list.items) ? list.items : [object as KubernetesObject];
}

/** With the keys of every map in their order, as kubectl prints them. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)]));
}

/** As kubectl prints since 1.21: who owns which field is noise to most readers. */
function withoutManagedFields(value: unknown): unknown {
  const object = value as { readonly items?: readonly unknown[]; readonly metadata?: object };
  if (Array.isArray(object.items)) {
    return { ...object, items: object.items.map(withoutManagedFields) };
  }
  if (object.metadata === undefined) return value;
  const { managedFields: _, ...metadata } = object.metadata as { managedFields?: unknown };
  return { ...object, metadata };
}
