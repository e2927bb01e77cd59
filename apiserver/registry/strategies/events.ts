/**
 * Events: what happened to an object. Kept for an hour.
 * Source: kubernetes pkg/registry/core/event/strategy.go, pkg/printers/internalversion, v1.36.
 */

import type { Event } from '../../../proto/api/gen/core-v1.ts';
import { events } from '../../../proto/api/gen/resources.ts';
import type { TableColumn } from '../strategy.ts';
import { column, NAME_COLUMN, since, wideColumn } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateEvent } from './validation/event.ts';

export const EVENT_TTL_SECONDS = 3600;

export const EVENT_COLUMNS: readonly TableColumn[] = [
  column('Last Seen', 'The time since this was last seen.'),
  column('Type', 'Normal, or Warning.'),
  column('Reason', 'What happened, in one word.'),
  column('Object', 'What it happened to.'),
  wideColumn('Subobject', 'The part of the object that it happened to.'),
  wideColumn('Source', 'Who reported it.'),
  column('Message', 'What happened.'),
  wideColumn('First Seen', 'The time since this was first seen.'),
  wideColumn('Count', 'How often this was seen.', 'integer'),
  { ...NAME_COLUMN, priority: 1 },
];

export const eventStrategy = defineStrategy({
  resource: events,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',
  ttlSeconds: EVENT_TTL_SECONDS,

  setDefaults(event) {
    event.involvedObject ??= {};
    event.source ??= {};
  },
  validate: validateEvent,

  columns: EVENT_COLUMNS,
  cells: eventCells,
  selectableFields: eventFields,
});

export function eventCells(event: Event, nowMs: number): readonly (string | number)[] {
  const { involvedObject, series, source = {} } = event;
  const first = since(event.firstTimestamp ?? event.eventTime, nowMs);
  const last = event.lastTimestamp === undefined ? first : since(event.lastTimestamp, nowMs);
  const kind = (involvedObject?.kind ?? '').toLowerCase();
  const name = involvedObject?.name ?? '';
  const component = source.component || event.reportingComponent || '';
  const instance = source.host || event.reportingInstance || '';
  return [
    series === undefined ? last : since(series.lastObservedTime, nowMs),
    event.type ?? '',
    event.reason ?? '',
    name === '' ? kind : `${kind}/${name}`,
    involvedObject?.fieldPath ?? '',
    instance === '' ? component : `${component}, ${instance}`,
    (event.message ?? '').trim(),
    first,
    series?.count ?? (event.count || 1),
    event.metadata.name,
  ];
}

/** The field labels of core Events. */
function eventFields(event: Event): Record<string, string> {
  const about = event.involvedObject ?? {};
  const component = event.source?.component ?? '';
  return {
    'involvedObject.kind': about.kind ?? '',
    'involvedObject.namespace': about.namespace ?? '',
    'involvedObject.name': about.name ?? '',
    'involvedObject.uid': about.uid ?? '',
    'involvedObject.apiVersion': about.apiVersion ?? '',
    'involvedObject.resourceVersion': about.resourceVersion ?? '',
    'involvedObject.fieldPath': about.fieldPath ?? '',
    reason: event.reason ?? '',
    reportingComponent: event.reportingComponent ?? '',
    source: component === '' ? (event.reportingComponent ?? '') : component,
    type: event.type ?? '',
  };
}
