/**
 * Validation of Events: those of the core group may be of the old form, which has no event time and
 * few rules; those of events.k8s.io are always of the new one.
 * Source: kubernetes pkg/apis/core/validation/events.go, v1.36.
 */

import type { Event as CoreEvent } from '../../../../proto/api/gen/core-v1.ts';
import type { Event as NewEvent } from '../../../../proto/api/gen/events-v1.ts';
import { qualifiedNameErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { IMMUTABLE, invalidField, required, texts } from '../../../../proto/api/validation.ts';
import { isDeepEqual } from './deep-equal.ts';

const ACTION_LENGTH_MAX = 128;
const REASON_LENGTH_MAX = 128;
const INSTANCE_LENGTH_MAX = 128;
const NOTE_LENGTH_MAX = 1024;
const SERIES_COUNT_MIN = 2;

/** Where events about cluster-scoped objects may live. */
const CLUSTER_EVENT_NAMESPACES: readonly string[] = ['default', 'kube-system'];

export function validateEvent(event: CoreEvent): readonly FieldError[] {
  const about = event.involvedObject ?? {};
  const errors = namespaceErrors('involvedObject.namespace', event.metadata.namespace, about);
  if (event.eventTime === undefined || event.eventTime === null) return errors;
  return [...errors, ...newFormErrors(event, 'reportingComponent', event.reportingComponent)];
}

export function validateNewEvent(event: NewEvent): readonly FieldError[] {
  const about = event.regarding ?? {};
  const errors = namespaceErrors('regarding.namespace', event.metadata.namespace, about);
  if (event.eventTime === undefined || event.eventTime === null) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.push(invalidField('type', '', `has invalid value: ${event.type ?? ''}`));
  }
  const { series } = event;
  if (series !== undefined) {
    if ((series.count ?? 0) < SERIES_COUNT_MIN) {
      errors.push(invalidField('series.count', series.count ?? 0, 'should be at least 2'));
    }
    if (!series.lastObservedTime) errors.push(required('series.lastObservedTime'));
  }
  const named = newFormErrors(event, 'reportingController', event.reportingController);
  return [...errors, ...named, ...lengthErrors('note', event.note, NOTE_LENGTH_MAX)];
}

export function validateNewEventUpdate(event: NewEvent, old: NewEvent): readonly FieldError[] {
  const fields = ['regarding', 'reason', 'action', 'note', 'eventTime', 'related', 'type'] as const;
  return fields
    .filter((field) => !isDeepEqual(event[field], old[field]))
    .map((field) => invalidField(field, event[field], IMMUTABLE));
}

interface Reported {
  readonly action?: string;
  readonly reason?: string;
  readonly reportingInstance?: string;
}

function newFormErrors(event: Reported, controllerField: string, controller = ''): FieldError[] {
  const errors: FieldError[] = [];
  if (controller === '') errors.push(required(controllerField));
  else errors.push(...texts(controllerField, controller, qualifiedNameErrors(controller)));
  for (const [field, max] of [
    ['reportingInstance', INSTANCE_LENGTH_MAX],
    ['action', ACTION_LENGTH_MAX],
    ['reason', REASON_LENGTH_MAX],
  ] as const) {
    if ((event[field] ?? '') === '') errors.push(required(field));
    errors.push(...lengthErrors(field, event[field], max));
  }
  return errors;
}

function lengthErrors(field: string, text = '', max: number): FieldError[] {
  if (Buffer.byteLength(text) <= max) return [];
  return [invalidField(field, '', `can have at most ${max} characters`)];
}

function namespaceErrors(
  field: string,
  namespace: string | undefined,
  about: { readonly namespace?: string },
): FieldError[] {
  const of = about.namespace ?? '';
  const matches = of === '' ? CLUSTER_EVENT_NAMESPACES.includes(namespace ?? '') : of === namespace;
  return matches ? [] : [invalidField(field, of, 'does not match event.namespace')];
}
