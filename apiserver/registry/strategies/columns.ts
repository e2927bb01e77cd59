/**
 * Building blocks for the columns and cells of `kubectl get`.
 * Source: kubernetes pkg/printers/internalversion/printers.go, v1.36 (names, order, cell texts).
 */

import { humanDuration } from '../../../base/human-duration.ts';
import type { LabelSelector } from '../../../proto/api/gen/meta-v1.ts';
import { parseTime } from '../../../proto/api/time.ts';
import type { TableColumn } from '../strategy.ts';

export const NAME_COLUMN: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'The name of the object, unique among its kind in its namespace.',
  priority: 0,
};

export const AGE_COLUMN: TableColumn = {
  name: 'Age',
  type: 'string',
  description: 'The time since the object was created.',
  priority: 0,
};

/** A column that is always shown. */
export function column(
  name: string,
  description: string,
  type: TableColumn['type'] = 'string',
): TableColumn {
  return { name, type, description, priority: 0 };
}

/** A column of `-o wide`. */
export function wideColumn(
  name: string,
  description: string,
  type: TableColumn['type'] = 'string',
): TableColumn {
  return { name, type, description, priority: 1 };
}

export const CONTAINERS_COLUMN = wideColumn('Containers', 'The names of the containers.');
export const IMAGES_COLUMN = wideColumn('Images', 'The images of the containers.');
export const SELECTOR_COLUMN = wideColumn('Selector', 'Which pods are meant.');

/** How long ago this was: `5m`; `<unknown>` when there is no time. */
export function since(time: string | undefined, nowMs: number): string {
  const ms = time === undefined ? undefined : parseTime(time);
  return ms === undefined ? '<unknown>' : humanDuration(nowMs - ms);
}

export function ageOf(
  object: { readonly metadata: { readonly creationTimestamp?: string } },
  nowMs: number,
): string {
  return since(object.metadata.creationTimestamp, nowMs);
}

/** The text, or `<none>`. */
export function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}

interface NamedImage {
  readonly name: string;
  readonly image?: string;
}

/** The cells of {@link CONTAINERS_COLUMN} and {@link IMAGES_COLUMN}. */
export function containerCells(containers: readonly NamedImage[] | undefined): [string, string] {
  const list = containers ?? [];
  const names = list.map((container) => container.name).join(',');
  return [names, list.map((container) => container.image ?? '').join(',')];
}

/** `a=b,c=d` in the order of the keys, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return orNone(labelTerms(labels).join(','));
}

/** `a=b,c in (d,e)`, or `<none>`. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const expressions = (selector?.matchExpressions ?? []).map((requirement) => {
    const { key, operator, values = [] } = requirement;
    const list = [...values].sort().join(',');
    if (operator === 'Exists') return { key, term: key };
    if (operator === 'DoesNotExist') return { key, term: `!${key}` };
    return { key, term: `${key} ${operator === 'In' ? 'in' : 'notin'} (${list})` };
  });
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({
    key,
    term: `${key}=${value}`,
  }));
  const terms = [...labels, ...expressions].sort((a, b) => compare(a.key, b.key));
  return orNone(terms.map(({ term }) => term).join(','));
}

function labelTerms(labels: Readonly<Record<string, string>> | undefined): string[] {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => compare(a, b));
  return entries.map(([key, value]) => `${key}=${value}`);
}

/** Byte order, as Go sorts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
