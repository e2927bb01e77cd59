/**
 * Events of events.k8s.io: another shape of the same stored objects as the core group's.
 * Source: kubernetes pkg/apis/events/v1/conversion.go, pkg/apis/core/validation/events.go, v1.36.
 */

import type { Event as CoreEvent } from '../../../proto/api/gen/core-v1.ts';
import type { Event as NewEvent } from '../../../proto/api/gen/events-v1.ts';
import { events, eventsEventsV1 } from '../../../proto/api/gen/resources.ts';
import type { ResourceView } from '../api-definition.ts';
import type { ApiObject } from '../strategy.ts';
import { defineStrategy } from './define-strategy.ts';
import { EVENT_COLUMNS, EVENT_TTL_SECONDS, eventCells } from './events.ts';
import { validateNewEvent, validateNewEventUpdate } from './validation/event.ts';

const newEventStrategy = defineStrategy({
  resource: eventsEventsV1,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',
  ttlSeconds: EVENT_TTL_SECONDS,

  validate: validateNewEvent,
  validateUpdate: validateNewEventUpdate,

  columns: EVENT_COLUMNS,
  cells: (event, nowMs) => eventCells(toCore(event), nowMs),
  selectableFields(event) {
    const about = event.regarding ?? {};
    return {
      'regarding.kind': about.kind ?? '',
      'regarding.namespace': about.namespace ?? '',
      'regarding.name': about.name ?? '',
      'regarding.uid': about.uid ?? '',
      'regarding.apiVersion': about.apiVersion ?? '',
      'regarding.resourceVersion': about.resourceVersion ?? '',
      'regarding.fieldPath': about.fieldPath ?? '',
      reason: event.reason ?? '',
      reportingController: event.reportingController ?? '',
      type: event.type ?? '',
    };
  },
});

export const eventsView: ResourceView = {
  strategy: newEventStrategy,
  storedAs: events,
  // Both shapes were checked by the schemas of their kinds.
  fromStored: (object) => fromCore(object as unknown as CoreEvent) as unknown as ApiObject,
  toStored: (object) => toCore(object as unknown as NewEvent) as unknown as ApiObject,
};

function fromCore(event: CoreEvent): NewEvent {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, ...same } = event;
  const { reportingComponent, series, ...rest } = same;
  return {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    // Events from before events.k8s.io have no event time; the type wants one, clients take null.
    eventTime: event.eventTime as string,
    ...(series === undefined ? {} : { series: fullSeries(series) }),
    ...compact({
      regarding: involvedObject,
      note: message,
      reportingController: reportingComponent,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
    }),
  };
}

function toCore(event: NewEvent): CoreEvent {
  const { regarding, note, reportingController, deprecatedSource, ...same } = event;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...rest } = same;
  return {
    ...rest,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    source: deprecatedSource ?? {},
    ...compact({
      message: note,
      reportingComponent: reportingController,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
      count: deprecatedCount,
    }),
  };
}

function fullSeries(series: { readonly count?: number; readonly lastObservedTime?: string }) {
  return { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? '' };
}

/** Without the fields that are absent. */
function compact<T extends object>(fields: T): Partial<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  // The entries are the object's own.
  return Object.fromEntries(present) as Partial<T>;
}
